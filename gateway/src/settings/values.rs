//! The types of single values.

use std::fmt;
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// The name of a decider in `[deciders.…]`: letters, digits, `-` and `_`, and not `default`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct DeciderName(String);

impl DeciderName {
    /// The name of the decider in `[decider]`.
    pub const DEFAULT: &str = "default";

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeciderName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        match !name.is_empty()
            && name.len() <= 64
            && name.bytes().all(word)
            && name != Self::DEFAULT
        {
            true => Ok(Self(name)),
            false => Err(format!(
                "`{name}` is no name for a decider: use up to 64 letters, digits, - and _, and not `default`"
            )),
        }
    }
}

impl fmt::Display for DeciderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an address with a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    let form = "is no address with a port, like 127.0.0.1:10006";
    text.parse().map_err(|_| D::Error::custom(format_args!("`{text}` {form}")))
}
