//! The two verdicts that OpenIM understands, and the code that goes with a refusal.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict on a callback.
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

    /// The code of a denial, or this one if it is 0, which means unset. An invalid code is replaced too, and the text
    /// reports it: a denial stays a denial.
    #[must_use]
    pub fn or_of(self, denial: i32) -> (Self, Option<String>) {
        match (denial != 0).then(|| Self::try_from(denial)) {
            None => (self, None),
            Some(Ok(code)) => (code, None),
            Some(Err(problem)) => (self, Some(problem)),
        }
    }

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
