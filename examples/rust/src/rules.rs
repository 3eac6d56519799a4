//! What is decided. An error is a denial, `None` and an empty list leave everything as it is.

use crate::proto::{Denial, User, UserEdit};
use regex::Regex;
use serde_json::value::{RawValue, to_raw_value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

const RESERVED: &[&str] = &["admin", "root", "support"];

static DARN: LazyLock<Regex> = LazyLock::new(|| Regex::new("(?i)darn").expect("it is a pattern"));

/// Refuses a reserved nickname, and trims any other.
pub(crate) fn nickname(nickname: &str) -> Result<Option<String>, Denial> {
    let trimmed = nickname.trim();
    if RESERVED.contains(&trimmed.to_lowercase().as_str()) {
        let (message, reason) = ("this nickname is reserved".into(), "reserved nickname".into());
        return Err(Denial { code: 5001, message, reason, ..Denial::default() });
    }
    Ok((trimmed != nickname).then(|| trimmed.into()))
}

/// The same for all who register at once: one reserved name refuses them all.
pub(crate) fn registration(users: &[User]) -> Result<Vec<UserEdit>, Denial> {
    let mut edits = Vec::new();
    for user in users {
        if let Some(nickname) = nickname(&user.nickname)? {
            let (user_id, nickname) = (user.user_id.clone(), Some(nickname));
            edits.push(UserEdit { user_id, nickname, ..UserEdit::default() });
        }
    }
    Ok(edits)
}

/// Masks a word in the content of a text message, a JSON object whose other members stay as they are
/// to the letter. What is laid out differently is left alone.
pub(crate) fn text(content: &str) -> Option<String> {
    let mut members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(content).ok()?;
    let text: String = serde_json::from_str(members.get("content")?.get()).ok()?;
    let Cow::Owned(masked) = DARN.replace_all(&text, "****") else { return None };
    members.insert("content".into(), to_raw_value(&masked).ok()?);
    serde_json::to_string(&members).ok()
}
