//! Secrets that callers and operators send, compared in constant time.

use std::fmt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use process::Mistake;
use subtle::{Choice, ConstantTimeEq};

use super::config::CallersConfig;

/// The longest secret, in bytes on the wire.
const LIMIT: usize = 256;

/// A kind of secret: its sources, and its form on the wire.
pub(crate) struct Kind {
    pub(crate) key: &'static str,
    pub(crate) variable: &'static str,
    /// The bytes that callers send for one line of the file.
    pub(crate) wire: fn(&str) -> Result<Vec<u8>, &'static str>,
}

/// The first segment of the path.
pub(crate) const PATH: Kind = Kind {
    key: "callers.path_secret_file",
    variable: CallersConfig::PATH_SECRET,
    wire: |secret| {
        // The characters that no client percent-encodes (RFC 3986, 2.3).
        let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        match secret.bytes().all(unreserved) {
            true => Ok(secret.into()),
            false => Err("a secret of the path may have letters, digits, -, ., _ and ~ only"),
        }
    },
};

/// HTTP Basic (RFC 7617).
pub(crate) const BASIC: Kind = Kind {
    key: "callers.basic_file",
    variable: CallersConfig::BASIC,
    wire: |credentials| match credentials.split_once(':') {
        Some((user, password)) if !user.is_empty() && !password.is_empty() => {
            Ok(STANDARD.encode(credentials).into())
        }
        _ => Err("credentials must have the form user:password"),
    },
};

/// Secrets, one of which a caller must send; several while an old one is being replaced.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    /// Reads the environment, or else the file, if one is set; one secret a line.
    pub(crate) fn read(kind: &Kind, file: Option<&Path>) -> Result<Self, Mistake> {
        let (text, place) = match (std::env::var(kind.variable), file) {
            (Ok(text), _) => (text, kind.variable.to_owned()),
            (Err(std::env::VarError::NotUnicode(_)), _) => {
                return Err(Mistake::new(kind.variable, "is no UTF-8"));
            }
            (Err(_), Some(file)) => {
                let place = format!("{}: {}", kind.key, file.display());
                let text = std::fs::read_to_string(file).map_err(|e| Mistake::new(&place, e))?;
                (text, place)
            }
            (Err(_), None) => return Ok(Self(Vec::new())),
        };
        Self::parse(kind, &text).map_err(|problem| Mistake::new(place, problem))
    }

    /// Reads text; it must hold at least one secret.
    pub(crate) fn parse(kind: &Kind, text: &str) -> Result<Self, &'static str> {
        let lines = text.lines().filter(|line| !line.is_empty());
        let secrets: Vec<_> =
            lines.map(|line| Secret::new(&(kind.wire)(line)?)).collect::<Result<_, _>>()?;
        if secrets.is_empty() { Err("holds no secret") } else { Ok(Self(secrets)) }
    }

    /// True if no secret is required.
    pub(crate) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The first one, as it is sent.
    pub(crate) fn first(&self) -> Option<&[u8]> {
        self.0.first().map(|secret| &secret.padded[..secret.length])
    }

    /// True if `sent` is one of them. All are compared, so that the time does not reveal which.
    pub(crate) fn hold(&self, sent: &[u8]) -> bool {
        let Ok(sent) = Secret::new(sent) else {
            return false;
        };
        let any = self.0.iter().fold(Choice::from(0), |any, secret| any | secret.ct_eq(&sent));
        any.into()
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.0.len())
    }
}

/// A secret, padded so that comparing takes the same time for every length.
#[derive(Clone, PartialEq, Eq)]
struct Secret {
    padded: [u8; LIMIT],
    length: usize,
}

impl Secret {
    fn new(bytes: &[u8]) -> Result<Self, &'static str> {
        let (mut padded, length) = ([0; LIMIT], bytes.len());
        padded.get_mut(..length).ok_or("a secret is too long")?.copy_from_slice(bytes);
        Ok(Self { padded, length })
    }
}

impl ConstantTimeEq for Secret {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.padded.ct_eq(&other.padded) & self.length.ct_eq(&other.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_a_secret_is_a_mistake() {
        let long = "x".repeat(LIMIT + 1);
        for text in ["", "\n\n", "a/b", "a b", "ä", "a%62", &long] {
            assert!(Secrets::parse(&PATH, text).is_err(), "{text:?}");
        }
        for text in ["", "user", ":password", "user:", "right:one\nwrong"] {
            assert!(Secrets::parse(&BASIC, text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_secret_is_not_its_own_beginning_nor_padded() {
        let secrets = Secrets::parse(&PATH, "secret\r\n\nother").expect("secrets");
        assert!(secrets.hold(b"secret") && secrets.hold(b"other"));
        for wrong in [&b""[..], b"secre", b"secret\0", b"secret\r", b"secretother", &[0; LIMIT + 1]]
        {
            assert!(!secrets.hold(wrong), "{wrong:?}");
        }
    }
}
