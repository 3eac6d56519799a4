//! The types of single values in a policy.

use std::borrow::Borrow;
use std::fmt;
use std::time::Duration;

use humantime_serde::re::humantime::{format_duration, parse_duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::contract::CALLBACKS;
use crate::policy::Policies;
use crate::settings::did_you_mean;

/// What OpenIM is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The operation goes on.
    Allow,
    /// The operation is refused.
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Deny => "deny",
        })
    }
}

/// The code of a refusal: 5000 to 9999 (OpenIM's callback pages), or 20001 to 29999 (its newer documentation).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "i32")]
pub struct RefusalCode(i32);

impl RefusalCode {
    /// The code of refusals for which none is set.
    pub const DEFAULT: Self = Self(5000);

    /// The number.
    #[must_use]
    pub fn get(self) -> i32 {
        self.0
    }
}

impl TryFrom<i32> for RefusalCode {
    type Error = String;

    fn try_from(code: i32) -> Result<Self, String> {
        match code {
            5000..=9999 | 20001..=29999 => Ok(Self(code)),
            _ => Err(format!("{code} is no refusal code: use 5000 to 9999, or 20001 to 29999")),
        }
    }
}

/// From the head of OpenIM's request to the verdict: 1 ms to 1 minute. No OpenIM since v3.7 waits longer than 15 s.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Deadline(Duration);

impl Deadline {
    /// The deadline of callbacks for which none is set.
    pub const DEFAULT: Self = Self(Duration::from_secs(2));

    /// The time.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<Duration> for Deadline {
    type Error = String;

    fn try_from(time: Duration) -> Result<Self, String> {
        match (Duration::from_millis(1)..=Duration::from_secs(60)).contains(&time) {
            true => Ok(Self(time)),
            false => Err(format!("{} is no deadline: use 1ms to 1m", format_duration(time))),
        }
    }
}

impl TryFrom<String> for Deadline {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let time = parse_duration(&text);
        time.map_err(|e| format!("`{text}` is no duration: {e}"))?.try_into()
    }
}

impl fmt::Display for Deadline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        format_duration(self.0).fmt(f)
    }
}

impl From<Deadline> for String {
    fn from(deadline: Deadline) -> Self {
        deadline.to_string()
    }
}

/// A callback's key in OpenIM's webhooks.yml, or `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct Setting(String);

impl Borrow<str> for Setting {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Setting {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let known = || CALLBACKS.iter().map(|c| c.setting).chain([Policies::UNKNOWN]);
        match known().any(|setting| setting == name) {
            true => Ok(Self(name)),
            false => Err(format!("no callback `{name}`{}", did_you_mean(&name, known()))),
        }
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
