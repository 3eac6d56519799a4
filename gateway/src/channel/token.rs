//! The token that a decider asks for, from a file that may change.

use std::time::Duration;

use http::HeaderValue;

use crate::settings::{Decider, Mistake};

/// How often the file is read.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

/// What is sent as `authorization`; nothing if the settings name no file.
///
/// # Errors
/// The file can't be read, or holds no token.
pub(super) fn read(decider: &Decider) -> Result<Option<HeaderValue>, Vec<Mistake>> {
    let Some(file) = &decider.token_file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string());
    let header = text.and_then(|text| bearer(text.trim()));
    header.map(Some).map_err(|why| vec![Mistake::new(file.display(), why)])
}

fn bearer(token: &str) -> Result<HeaderValue, String> {
    if token.is_empty() {
        return Err("it is empty".to_owned());
    }
    let header = HeaderValue::try_from(format!("Bearer {token}"));
    let mut header = header.map_err(|_| "it holds what can't be in a header".to_owned())?;
    header.set_sensitive(true);
    Ok(header)
}
