//! The token for a decider, from a file that may change.

use http::HeaderValue;

use crate::config::Config;

/// Reads the value of `authorization`; none if the settings name no file.
///
/// # Errors
/// The file can't be read, or holds no token. The text does not show the token.
pub(crate) fn read(config: &Config) -> Result<Option<HeaderValue>, String> {
    let Some(file) = &config.token_file else { return Ok(None) };
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string());
    let header = text.and_then(|text| bearer(text.trim()));
    header.map(Some).map_err(|why| format!("{}: {why}", file.display()))
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
