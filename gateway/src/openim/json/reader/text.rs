//! Text in JSON, and its escapes.

use std::borrow::Cow;
use std::iter::once;

use super::{Error, Reader};

impl<'de> Reader<'de> {
    /// Reads text, which is borrowed unless it has escapes.
    pub(in super::super) fn string(&mut self) -> Result<Cow<'de, str>, Error> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong_type("a string"));
        }
        self.at += 1;
        let start = self.at;
        self.at += plain(self.rest());
        if self.byte() != Some(b'"') {
            return self.unescape(start).map(Cow::Owned);
        }
        let text = &self.text[start..self.at];
        self.at += 1;
        Ok(Cow::Borrowed(text))
    }

    /// Skips text, in which a `\u` may be half a character.
    pub(super) fn skip_string(&mut self) -> Result<(), Error> {
        self.at += 1;
        loop {
            self.at += plain(self.rest());
            match self.next_in_string()? {
                b'"' => return Ok(()),
                b'\\' => match self.next_in_string()? {
                    b'u' => drop(self.hex()?),
                    escape => drop(self.unescaped_byte(escape)?),
                },
                _ => return Err(self.control_character()),
            }
        }
    }

    fn next_in_string(&mut self) -> Result<u8, Error> {
        let byte = self.byte().ok_or_else(|| self.error("EOF while parsing a string"))?;
        self.at += 1;
        Ok(byte)
    }

    #[cold]
    fn control_character(&self) -> Error {
        self.error("control character (\\u0000-\\u001F) found while parsing a string")
    }

    /// Reads the rest of a text that has escapes, from the first one on.
    #[inline(never)]
    fn unescape(&mut self, start: usize) -> Result<String, Error> {
        let mut text = std::mem::take(&mut self.unescaped);
        text.clear();
        // No escape is shorter than what it stands for.
        text.reserve(self.text.len() - start);
        text.extend_from_slice(&self.text.as_bytes()[start..self.at]);
        loop {
            let copied = copy_quotes(self.rest(), &mut text);
            self.at += copied;
            if copied == 0 {
                match self.next_in_string()? {
                    b'"' => break,
                    b'\\' => self.escape(&mut text)?,
                    _ => return Err(self.control_character()),
                }
            }
            let run = &self.rest()[..plain(self.rest())];
            text.extend_from_slice(run);
            self.at += run.len();
        }
        // Text that fills the room keeps it: the content of a message is most of its body.
        if text.len() < text.capacity() / 2 {
            self.unescaped = text;
            text = self.unescaped.clone();
        }
        Ok(String::from_utf8(text).expect("it is parts of text and characters"))
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), Error> {
        match self.next_in_string()? {
            b'u' => {
                let char = self.unicode()?;
                text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            escape => text.push(self.unescaped_byte(escape)?),
        }
        Ok(())
    }

    fn unescaped_byte(&self, escape: u8) -> Result<u8, Error> {
        Ok(match escape {
            b'"' | b'\\' | b'/' => escape,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return Err(self.error("invalid escape")),
        })
    }

    /// Reads the character of one escape or of two that are surrogates, behind the first `\u`.
    fn unicode(&mut self) -> Result<char, Error> {
        let unit = self.hex()?;
        let mut second = None;
        if (0xd800..0xdc00).contains(&unit) {
            if !(self.eat(b'\\') && self.eat(b'u')) {
                return Err(self.unexpected("unexpected end of hex escape", "a string"));
            }
            second = Some(self.hex()?);
        }
        let char = char::decode_utf16(once(unit).chain(second)).next().and_then(Result::ok);
        char.ok_or_else(|| self.error("lone leading surrogate in hex escape"))
    }

    fn hex(&mut self) -> Result<u16, Error> {
        let Some(digits) = self.rest().first_chunk::<4>() else {
            self.at = self.text.len();
            return Err(self.error("EOF while parsing a string"));
        };
        self.at += digits.len();
        let add = |unit: u32, digit: &u8| Some(unit << 4 | char::from(*digit).to_digit(16)?);
        let unit = digits.iter().try_fold(0, add).and_then(|unit| u16::try_from(unit).ok());
        unit.ok_or_else(|| self.error("invalid escape"))
    }
}

/// Copies escapes of characters that stand for themselves, each with the bytes up to the next escape, while these are
/// few. Returns the number of bytes of JSON copied. Copying always eight bytes is faster than copying the exact number:
/// an escape takes 47 instructions instead of 76, a third of reading content.
fn copy_quotes(json: &[u8], text: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some([b'\\', word @ ..]) = json[at..].first_chunk::<9>()
        && let [b'"' | b'\\' | b'/', ..] = word
    {
        // The first byte stands for itself.
        let count = first(special(*word) & !0xff);
        text.extend_from_slice(word);
        text.truncate(text.len() - (word.len() - count));
        at += 1 + count;
    }
    at
}

/// The number of bytes before the first that ends a text, begins an escape, or is a control character.
fn plain(bytes: &[u8]) -> usize {
    const WORDS: usize = 4;
    // Keys and most values are shorter than what the calls behind this loop would cost.
    let (words, _) = bytes.as_chunks();
    for (n, word) in words.iter().take(WORDS).enumerate() {
        let special = special(*word);
        if special != 0 {
            return n * word.len() + first(special);
        }
    }
    let count = words.len().min(WORDS) * 8;
    let rest = &bytes[count..];
    let rest = &rest[..memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())];
    // The compiler makes vector instructions of the first search, and not of the second.
    match rest.iter().fold(u8::MAX, |least, byte| least.min(*byte)) {
        ..0x20 => count + rest.iter().position(|byte| *byte < 0x20).unwrap_or(rest.len()),
        _ => count + rest.len(),
    }
}

/// Marks those of eight bytes that are not [`plain`], by the highest bit of each: Mycroft's search for bytes below a
/// value. The first mark is right; one right behind another may be on a plain byte.
fn special(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::MAX / 255;
    let word = u64::from_le_bytes(word);
    let below = |word: u64, value: u64| word.wrapping_sub(ONES * value) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & (ONES << 7)
}

/// The place of the first marked byte, or eight.
fn first(special: u64) -> usize {
    special.trailing_zeros() as usize / 8
}
