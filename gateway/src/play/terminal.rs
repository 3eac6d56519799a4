//! Text for a terminal: users of OpenIM choose much of what `play` prints.

/// The characters of one value that are shown.
const SHOWN: usize = 200;

/// The beginning of a text, in one line.
#[must_use]
pub fn shown(text: &str) -> String {
    let mut line = escaped(text);
    if let Some((end, _)) = line.char_indices().nth(SHOWN) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// A text in one line, in which nothing moves the cursor, colours, or turns the direction of what follows.
#[must_use]
pub fn escaped(text: &str) -> String {
    let escape = |c: char| if is_unsafe(c) { c.escape_default().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}

/// The same for a line of JSON, which stays the same JSON: such characters can only be in its texts.
#[must_use]
pub fn escaped_json(line: &str) -> String {
    let escape = |c| if is_unsafe(c) { format!("\\u{:04x}", u32::from(c)) } else { c.into() };
    line.chars().map(escape).collect()
}

/// True for control characters, ends of lines and paragraphs, and marks of direction.
fn is_unsafe(c: char) -> bool {
    const MARKS: [char; 3] = ['\u{61c}', '\u{200e}', '\u{200f}'];
    c.is_control()
        || MARKS.contains(&c)
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_pass_for_another_line_or_turn_it() {
        for c in ['\n', '\x1b', '\x7f', '\u{9b}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{200f}'] {
            assert_eq!(escaped(&format!("a{c}b")), format!("a{}b", c.escape_default()));
        }
        for text in ["世界", "👩\u{200d}🚀", "e\u{301}", "\"\\"] {
            assert_eq!(escaped(text), text);
        }
        assert_eq!(shown(&"x".repeat(SHOWN + 1)).chars().count(), SHOWN + 1);
    }

    #[test]
    fn escaped_json_is_the_same_json() {
        let value = serde_json::json!({"a\u{9b}": "\u{7f}\u{202e}\u{2028}世"});
        let line = escaped_json(&value.to_string());
        assert_eq!(line, r#"{"a\u009b":"\u007f\u202e\u2028世"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).ok(), Some(value));
    }
}
