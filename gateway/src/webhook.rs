//! Finds out which callback was called, in which style, and makes the call that travels along.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Uri};
use tokio::time::Instant;
use uuid::Uuid;

use crate::contract::{self, Callback, Kind};
use crate::error::Refused;
use crate::policy::{Policies, Policy};

/// The header that carries OpenIM's own id of the operation.
static OPERATION_ID: HeaderName = HeaderName::from_static("operationid");
static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// The length of a traceparent of version 00; later ones are longer, but not by much.
const TRACEPARENT_LIMIT: usize = 128;
const COMMAND_LIMIT: usize = 128;

/// One callback on its way through the gateway.
#[derive(Debug)]
pub struct Call {
    /// The command, as the URL spells it.
    pub command: String,
    /// The callback that the command means; none if the contract does not know it.
    pub callback: Option<&'static Callback>,
    /// How the command came, and so how the verdict is written.
    pub style: Style,
    /// The gateway's own id of the callback, which stands in its log and in the decider's metadata.
    pub id: Uuid,
    /// OpenIM's id of the operation, from the header or else from the body; empty if there is none.
    pub operation_id: String,
    /// The caller's place in a distributed trace, passed on as it came.
    pub traceparent: Option<HeaderValue>,
    /// When the request's head had come.
    pub began: Instant,
    /// When OpenIM must have its verdict.
    pub deadline: Instant,
    /// What follows when there is no decision.
    pub policy: Arc<Policy>,
    url: Url,
}

/// A URL, which may hold a secret: it is never shown.
struct Url(Uri);

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

/// How a server calls, and how it expects the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `?command={command}`: the documentation, and servers up to v3.4.0.
    Query,
    /// `…/{command}`: servers since v3.4.2.
    Path,
}

impl Style {
    /// The style of a URL.
    #[must_use]
    pub fn of(uri: &Uri) -> Self {
        if commands(uri).next().is_some() { Self::Query } else { Self::Path }
    }
}

impl Call {
    /// Reads the head of a request that came at `now`, and the part of its path that may name a callback.
    ///
    /// # Errors
    /// The request is no callback.
    pub fn read(
        head: &Parts,
        path: &str,
        policies: &Policies,
        now: Instant,
    ) -> Result<Self, Refused> {
        if head.method != Method::POST {
            return Err(Refused::Method);
        }
        let (style, command) = command(&head.uri, path)?;
        let callback = contract::find(&command);
        let policy = policies.of(callback);
        let operation_id = head.headers.get(&OPERATION_ID).map(HeaderValue::as_bytes);
        let traceparent = head.headers.get(&TRACEPARENT).filter(|v| v.len() <= TRACEPARENT_LIMIT);
        Ok(Self {
            callback,
            style,
            id: Uuid::now_v7(),
            operation_id: String::from_utf8_lossy(operation_id.unwrap_or_default()).into_owned(),
            traceparent: traceparent.cloned(),
            began: now,
            deadline: now + policy.deadline,
            policy: policy.clone(),
            url: Url(head.uri.clone()),
            command,
        })
    }

    /// Checks that the body is of the callback that the URL names.
    ///
    /// # Errors
    /// It is not, or does not say.
    pub fn check_body(&self, command: Option<&str>) -> Result<(), Refused> {
        let command = command.ok_or(Refused::NoBodyCommand)?;
        let same = match (self.callback, contract::find(command)) {
            (Some(url), Some(body)) => url.rpc == body.rpc,
            _ => self.command == command,
        };
        if same {
            return Ok(());
        }
        let query = !command.is_empty() && self.url.0.query().is_some_and(|q| q.contains(command));
        Err(Refused::Disagree { url: self.command.clone(), query })
    }

    /// Whether the callback asks or tells. An unknown one is taken to ask.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.callback.map_or(Kind::Before, |callback| callback.kind)
    }

    /// The name of the callback's rpc.
    #[must_use]
    pub fn rpc(&self) -> &'static str {
        self.callback.map_or("Decide", |callback| callback.name)
    }

    /// The callback's name in settings, logs and metrics.
    #[must_use]
    pub fn setting(&self) -> &'static str {
        self.callback.map_or(Policies::UNKNOWN, |callback| callback.setting)
    }
}

fn commands(uri: &Uri) -> impl Iterator<Item = Cow<'_, str>> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == "command")
        .map(|(_, command)| command)
}

fn command(uri: &Uri, path: &str) -> Result<(Style, String), Refused> {
    let mut commands = commands(uri);
    let (style, command) = match commands.next() {
        Some(command) => (Style::Query, command),
        None => (Style::Path, path.rsplit('/').next().unwrap_or_default().into()),
    };
    if commands.next().is_some() {
        return Err(Refused::ManyCommands);
    }
    // OpenIM joins its URL and the command as text: where that URL has a query, the command is behind a slash in it.
    let query = uri.query().is_some_and(|query| query.contains('/'));
    match command.len() {
        0 => Err(Refused::NoCommand { query }),
        1..=COMMAND_LIMIT if command.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            Ok((style, command.into_owned()))
        }
        _ => Err(Refused::BadCommand { query }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(Style, String), String> {
        let url: Uri = url.parse().expect("a URL");
        command(&url, url.path()).map_err(|e| e.to_string())
    }

    #[test]
    fn a_command_in_the_query_goes_before_the_path() {
        assert_eq!(read("/a/b?command=c&contenttype=json"), Ok((Style::Query, "c".into())));
        assert_eq!(read("/?contenttype=json&command=%63"), Ok((Style::Query, "c".into())));
        assert_eq!(read("/a/b?contenttype=json"), Ok((Style::Path, "b".into())));
        assert_eq!(read("//b?key=eyJ9/x=="), Ok((Style::Path, "b".into())));
    }

    #[test]
    fn a_command_is_a_word() {
        let long = format!("/{}", "x".repeat(COMMAND_LIMIT + 1));
        for url in [
            "/",
            "/a/",
            "/?command=",
            "/a?command=",
            "/a-b",
            "/%63",
            &long,
            "/?command=a&command=a",
        ] {
            assert!(read(url).is_err(), "{url}");
        }
    }
}
