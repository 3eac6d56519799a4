//! OpenIM's two envelopes, parsed independently of the gateway.

use std::fmt;

use callback_gateway::openim::reply::Style;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// A verdict, as OpenIM reads it.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The operation goes on, with these members beside the envelope's.
    Allow(Map<String, Value>),
    /// The operation is refused.
    Refuse {
        /// `errCode`
        code: i64,
        /// `errMsg`
        message: String,
        /// `errDlt`
        detail: String,
    },
}

impl Verdict {
    /// Reads an answer's body.
    ///
    /// # Errors
    /// The reason why it is neither of the two.
    pub fn read(style: Style, body: &str) -> Result<Self, String> {
        let Members(mut members) = serde_json::from_str(body).map_err(|e| e.to_string())?;
        // The server takes keys in any case, and the last one counts.
        let mut take = |key: &str| {
            let mut found = members.extract_if(.., |(k, _)| k.to_lowercase() == key.to_lowercase());
            match (found.next(), found.next()) {
                (Some((k, value)), None) if k == key => Ok(value),
                (None, _) => Err(format!("no {key}")),
                _ => Err(format!("{key} misspelt, or twice")),
            }
        };
        if take("actionCode")? != 0 {
            return Err("actionCode is not the number 0".into());
        }
        let code = take("errCode")?.as_i64().ok_or("errCode is no number")?;
        let (Value::String(message), Value::String(detail)) = (take("errMsg")?, take("errDlt")?)
        else {
            return Err("errMsg or errDlt is no text".into());
        };
        let next = match (style, take("nextCode")?) {
            (Style::Path, Value::Number(n)) => n.to_string(),
            (Style::Query, Value::String(s)) => s,
            (style, next) => return Err(format!("nextCode {next} in {style:?} style")),
        };
        match &next[..] {
            "0" if code == 0 && message.is_empty() && detail.is_empty() => {
                Ok(Self::Allow(members.into_iter().collect()))
            }
            "1" if matches!(code, 5000..=9999 | 20001..=29999) && members.is_empty() => {
                Ok(Self::Refuse { code, message, detail })
            }
            _ => Err(format!("nextCode {next}, errCode {code}, {} more", members.len())),
        }
    }

    /// True for the bare allow.
    #[must_use]
    pub fn is_allow(&self) -> bool {
        matches!(self, Self::Allow(edits) if edits.is_empty())
    }

    /// True for a refusal.
    #[must_use]
    pub fn is_refuse(&self) -> bool {
        matches!(self, Self::Refuse { .. })
    }
}

/// True if a text is an id of the gateway's for a request.
#[must_use]
pub fn is_callback_id(text: &str) -> bool {
    uuid::Uuid::parse_str(text)
        .is_ok_and(|id| id.get_version_num() == 7 && id.hyphenated().to_string() == text)
}

/// The members of a JSON object, as often as they come.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor).map(Self)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        std::iter::from_fn(|| map.next_entry().transpose()).collect()
    }
}
