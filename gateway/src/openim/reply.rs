//! Writes the verdict, in the form that the calling server understands, and reads it as that server does. OpenIM's
//! codes are only here.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::edits::Response;
use super::json::SingletonLists;
use super::verdict::RefusalCode;

/// The style of a server's calls, and of the verdict that it expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `?command={command}`: the documentation, and servers up to v3.4.0.
    Query,
    /// `…/{command}`: servers since v3.4.2.
    Path,
}

/// An answer to OpenIM.
#[derive(Debug)]
pub struct Reply {
    /// 200 for every verdict, 4xx for a request that was no callback, never 5xx: proxies replace those bodies.
    pub status: StatusCode,
    /// The verdict in JSON.
    pub body: Bytes,
}

/// A refusal, as OpenIM passes it on to its caller.
#[derive(Clone, Copy, Debug)]
pub struct Denied<'a> {
    /// The reason for the app (`errCode`).
    pub code: RefusalCode,
    /// The text that OpenIM shows to its user (`errMsg`).
    pub message: &'a str,
    /// A longer explanation (`errDlt`).
    pub detail: &'a str,
}

impl Reply {
    /// A verdict that lets the operation go on.
    #[must_use]
    pub fn verdict(body: Bytes) -> Self {
        Self { status: StatusCode::OK, body }
    }

    /// Lets the operation go on as it is.
    #[must_use]
    pub fn allow(style: Style) -> Self {
        Self::verdict(write(style, None, |_| Ok(())))
    }

    /// Refuses the operation.
    #[must_use]
    pub fn deny(style: Style, refusal: Denied<'_>) -> Self {
        Self::verdict(write(style, Some(refusal), |_| Ok(())))
    }
}

/// Lets the operation go on, with the edits of a prepared answer.
pub(crate) fn allow<Q, A: Response<Q>>(
    style: Style,
    answer: &A,
    request: &Q,
    singletons: &SingletonLists,
) -> Bytes {
    write(style, None, |map| answer.write(request, singletons, map))
}

/// A verdict as OpenIM reads it: by its keys, whatever the status.
#[derive(Debug, PartialEq)]
pub enum ParsedReply {
    /// The operation goes on, with other values for these keys. Echoed fields are among them.
    Allow(serde_json::Map<String, Value>),
    /// The operation is refused.
    Deny {
        /// `errCode`.
        code: i64,
        /// `errMsg`.
        message: String,
        /// `errDlt`.
        detail: String,
    },
}

impl ParsedReply {
    /// Reads the body of a reply.
    ///
    /// # Errors
    /// It is no verdict that every server reads alike.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Envelope {
            action_code: i64,
            err_code: i64,
            err_msg: String,
            err_dlt: String,
            next_code: Value,
            #[serde(flatten)]
            edits: serde_json::Map<String, Value>,
        }
        let envelope: Envelope = serde_json::from_slice(body)?;
        let next = envelope
            .next_code
            .as_str()
            .map_or(envelope.next_code.as_i64(), |text| text.parse().ok());
        match (envelope.action_code, envelope.err_code, next) {
            (0, 0, Some(0)) => Ok(Self::Allow(envelope.edits)),
            (0, code, Some(1)) if code != 0 => {
                Ok(Self::Deny { code, message: envelope.err_msg, detail: envelope.err_dlt })
            }
            _ => Err(serde::de::Error::custom("its codes are no verdict")),
        }
    }
}

/// True if OpenIM would read a key of a reply as one of the verdict's own: it compares by Go's rules, in any case,
/// where the long s is an s too.
#[must_use]
pub fn is_verdict_key(key: &str) -> bool {
    let folded: String =
        key.chars().map(|c| if c == '\u{17f}' { 's' } else { c.to_ascii_lowercase() }).collect();
    ["actioncode", "errcode", "errmsg", "errdlt", "nextcode"].contains(&&*folded)
}

type Map<'a> = <&'a mut serde_json::Serializer<&'a mut Vec<u8>> as Serializer>::SerializeMap;

/// Every server takes these two forms alike, and no others: `actionCode` is always 0, and only `nextCode` differs.
/// Servers with `nextCode` expect a number; the documentation, and its readers, text.
fn write(
    style: Style,
    refusal: Option<Denied<'_>>,
    edits: impl FnOnce(&mut Map<'_>) -> Result<(), serde_json::Error>,
) -> Bytes {
    let mut body = Vec::with_capacity(256);
    let written = match refusal {
        Some(refusal) => write_refusal(&mut body, style, refusal),
        None => write_allow(&mut body, style, edits),
    };
    written.expect("memory takes all, and every key is text");
    body.into()
}

fn write_refusal(
    body: &mut Vec<u8>,
    style: Style,
    refusal: Denied<'_>,
) -> Result<(), serde_json::Error> {
    let mut serializer = serde_json::Serializer::new(body);
    let mut map = serializer.serialize_map(None)?;
    map.serialize_entry("actionCode", &0)?;
    map.serialize_entry("errCode", &refusal.code.get())?;
    map.serialize_entry("errMsg", refusal.message)?;
    map.serialize_entry("errDlt", refusal.detail)?;
    match style {
        Style::Query => map.serialize_entry("nextCode", "1")?,
        Style::Path => map.serialize_entry("nextCode", &1)?,
    }
    map.end()
}

fn write_allow(
    body: &mut Vec<u8>,
    style: Style,
    edits: impl FnOnce(&mut Map<'_>) -> Result<(), serde_json::Error>,
) -> Result<(), serde_json::Error> {
    body.extend_from_slice(match style {
        Style::Query => br#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":"0""#,
        Style::Path => br#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":0"#,
    });
    let envelope = body.len();
    let mut serializer = serde_json::Serializer::new(&mut *body);
    let mut map = serializer.serialize_map(None)?;
    edits(&mut map)?;
    map.end()?;
    // The edits are members of the same object.
    match body.len() - envelope {
        2 => drop(body.remove(envelope)),
        _ => body[envelope] = b',',
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Denied<'static> {
        let code = RefusalCode::try_from(5001).expect("a code");
        Denied { code, message: "no \"<b>\"", detail: "why" }
    }

    fn text(reply: &Reply) -> &str {
        std::str::from_utf8(&reply.body).expect("JSON is UTF-8")
    }

    #[test]
    fn path_style_gets_a_number_and_query_style_text() {
        assert_eq!(
            text(&Reply::deny(Style::Path, refusal())),
            r#"{"actionCode":0,"errCode":5001,"errMsg":"no \"<b>\"","errDlt":"why","nextCode":1}"#
        );
        assert_eq!(
            text(&Reply::deny(Style::Query, refusal())),
            r#"{"actionCode":0,"errCode":5001,"errMsg":"no \"<b>\"","errDlt":"why","nextCode":"1"}"#
        );
    }

    #[test]
    fn a_verdict_is_read_as_it_was_written() {
        for style in [Style::Path, Style::Query] {
            let denied = ParsedReply::read(&Reply::deny(style, refusal()).body).expect("a verdict");
            let (message, detail) = ("no \"<b>\"".into(), "why".into());
            assert_eq!(denied, ParsedReply::Deny { code: 5001, message, detail });
        }
        let allowed = write(Style::Path, None, |map| map.serialize_entry("nickName", "Ann"));
        let edits = [("nickName".to_owned(), Value::from("Ann"))].into_iter().collect();
        assert_eq!(ParsedReply::read(&allowed).expect("a verdict"), ParsedReply::Allow(edits));
        for wrong in [
            "{}",
            r#"{"actionCode":1,"errCode":0,"errMsg":"","errDlt":"","nextCode":0}"#,
            r#"{"actionCode":0,"errCode":0,"errMsg":"","errDlt":"","nextCode":1}"#,
        ] {
            assert!(ParsedReply::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_verdict_key_is_known_in_any_case() {
        assert!(is_verdict_key("NEXTCODE") && is_verdict_key("errM\u{17f}g"));
        assert!(!is_verdict_key("nextCodes") && !is_verdict_key(""));
    }
}
