//! The time that a callback may take.

use std::fmt;
use std::time::Duration;

use humantime_serde::re::humantime::{format_duration, parse_duration};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
