//! The names by which settings, logs and the command line refer to a callback.

use std::borrow::{Borrow, Cow};
use std::fmt;

use process::suggest;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::contract::{self, CALLBACKS, Callback};

/// A callback's key in OpenIM's webhooks.yml, or `unknown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CallbackKey(&'static str);

impl CallbackKey {
    /// The key of this text.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        Self::all().find(|key| key.0 == text)
    }

    /// The key of all commands that are not in the contract.
    pub const UNKNOWN: Self = Self("unknown");

    /// The key of a callback; None is an unknown one.
    #[must_use]
    pub fn of(callback: Option<&Callback>) -> Self {
        callback.map_or(Self::UNKNOWN, |callback| Self(callback.setting))
    }

    /// Every key, in the order of [`CALLBACKS`], [`UNKNOWN`](Self::UNKNOWN) last.
    pub fn all() -> impl Iterator<Item = Self> {
        CALLBACKS.iter().map(|callback| Self(callback.setting)).chain([Self::UNKNOWN])
    }

    /// The key's text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.0
    }

    /// The callback; none for [`UNKNOWN`](Self::UNKNOWN).
    #[must_use]
    pub fn callback(self) -> Option<&'static Callback> {
        CALLBACKS.iter().find(|callback| callback.setting == self.0)
    }
}

impl TryFrom<String> for CallbackKey {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = || Self::all().map(Self::as_str);
        let key = Self::find(&name);
        key.ok_or_else(|| format!("no callback `{name}`{}", suggest(&name, known())))
    }
}

impl<'de> Deserialize<'de> for CallbackKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.try_into().map_err(D::Error::custom)
    }
}

impl Borrow<str> for CallbackKey {
    fn borrow(&self) -> &str {
        self.0
    }
}

impl fmt::Display for CallbackKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl JsonSchema for CallbackKey {
    fn schema_name() -> Cow<'static, str> {
        "CallbackKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Finds a callback of the contract by any of its names: a command of today or an older one, its key, its rpc.
///
/// # Errors
/// The name is not one of a callback's; the text suggests the nearest key.
pub fn by_any_name(name: &str) -> Result<&'static Callback, String> {
    let is_named = |callback: &&Callback| [callback.setting, callback.name].contains(&name);
    let found = contract::find(name).or_else(|| CALLBACKS.iter().find(is_named));
    let keys = CALLBACKS.iter().map(|callback| callback.setting);
    found.ok_or_else(|| format!("no callback `{name}`{}", suggest(name, keys)))
}
