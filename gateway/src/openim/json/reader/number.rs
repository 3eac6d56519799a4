//! Numbers in JSON.

use super::{Error, Reader};

impl<'de> Reader<'de> {
    /// Reads a number without fraction and exponent.
    pub(in super::super) fn integer(&mut self, expected: &str) -> Result<i128, Error> {
        let number = self.number()?;
        let positive = number.parse::<u64>().map(i128::from);
        let integer = positive.or_else(|_| number.parse::<i64>().map(i128::from));
        // serde_json takes -0 for a fraction.
        integer.ok().filter(|_| number != "-0").ok_or_else(|| self.expected(expected))
    }

    /// Reads a number of any form.
    pub(super) fn number(&mut self) -> Result<&'de str, Error> {
        let start = self.at;
        self.eat(b'-');
        match self.eat(b'0') {
            true if self.byte().is_some_and(|byte| byte.is_ascii_digit()) => {
                return Err(self.unexpected("invalid number", "a value"));
            }
            true => {}
            false => self.digits()?,
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _sign = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    fn digits(&mut self) -> Result<(), Error> {
        let rest = self.rest();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        if count == 0 { Err(self.unexpected("invalid number", "a value")) } else { Ok(()) }
    }
}
