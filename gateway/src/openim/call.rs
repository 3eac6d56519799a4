//! The call: which callback a request is, in which style it came, its ids and its deadline.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri};
use tokio::time::Instant;
use uuid::Uuid;

use super::contract::{self, CALLBACKS, Callback, Kind};
use super::exchange::Exchange;
use super::fallback;
use super::key::CallbackKey;
use super::rejection::Rejection;
use super::reply::Style;

/// The header that carries OpenIM's own id of the operation.
const OPERATION_ID: &str = "operationid";
const TRACEPARENT: &str = "traceparent";
/// The length of a traceparent of version 00; later ones are longer, but not by much.
const TRACEPARENT_LIMIT: usize = 128;
const COMMAND_LIMIT: usize = 128;

/// The paths of all rpcs, by [`Call::index`].
static PATHS: LazyLock<Vec<PathAndQuery>> = LazyLock::new(|| {
    let known = CALLBACKS.iter().map(|callback| &callback.exchange);
    let paths = known.chain([&fallback::EXCHANGE]).map(|exchange| exchange.path);
    paths.map(PathAndQuery::from_static).collect()
});

/// One callback on its way through the gateway. It borrows from the request's head.
#[derive(Debug)]
pub struct Call<'h> {
    /// The command, as the URL spells it.
    pub command: Cow<'h, str>,
    /// The callback that the command means; none if it is not in the contract.
    pub callback: Option<&'static Callback>,
    /// The style of the URL, which the verdict follows.
    pub style: Style,
    /// The gateway's own id of the callback, which stands in its log and in the decider's metadata.
    pub id: Uuid,
    /// OpenIM's id of the operation, from the header or else from the body; empty if there is none.
    pub operation_id: Cow<'h, str>,
    /// The caller's place in a distributed trace, passed on as it came.
    pub traceparent: Option<&'h HeaderValue>,
    /// The time when the request's head was complete.
    pub began: Instant,
    /// The time by which OpenIM needs its verdict.
    pub deadline: Instant,
    url: Url<'h>,
}

/// A URL, never shown, since it may hold a secret.
struct Url<'h>(&'h Uri);

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Url")
    }
}

impl<'h> Call<'h> {
    /// Reads the head of a request that came at `began`, and the part of its path that may name a callback. `limit`
    /// gives the time for each callback.
    ///
    /// # Errors
    /// The request is no callback.
    pub fn read(
        head: &'h Parts,
        path: &'h str,
        began: Instant,
        limit: impl FnOnce(Option<&Callback>) -> Duration,
    ) -> Result<Self, Rejection> {
        if head.method != Method::POST {
            return Err(Rejection::Method);
        }
        let (style, command) = command(&head.uri, path)?;
        let callback = contract::find(&command);
        if callback.is_none() {
            check_unknown(&command, &head.uri)?;
        }
        let (mut operation_id, mut traceparent) = (None, None);
        for (name, value) in &head.headers {
            match name.as_str() {
                OPERATION_ID => operation_id = operation_id.or(Some(value)),
                TRACEPARENT => traceparent = traceparent.or(Some(value)),
                _ => {}
            }
        }
        Ok(Self {
            callback,
            style,
            id: new_id(),
            operation_id: operation_id.map_or(Cow::Borrowed(""), text),
            traceparent: traceparent.filter(|value| value.len() <= TRACEPARENT_LIMIT),
            began,
            deadline: began + limit(callback),
            url: Url(&head.uri),
            command,
        })
    }

    /// Checks that body and URL name the same callback.
    ///
    /// # Errors
    /// They do not, or the body names none.
    pub fn check_body(&self, command: Option<&str>) -> Result<(), Rejection> {
        let command = command.ok_or(Rejection::NoBodyCommand)?;
        // Either may be an alias.
        let means =
            |callback: &Callback| contract::find(command).is_some_and(|c| c.rpc == callback.rpc);
        if self.command == command || self.callback.is_some_and(means) {
            return Ok(());
        }
        let query = !command.is_empty() && self.url.0.query().is_some_and(|q| q.contains(command));
        Err(Rejection::Disagree { url: self.command.to_string(), query })
    }

    /// The kind of the callback; an unknown one counts as `Before`.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.callback.map_or(Kind::Before, |callback| callback.kind)
    }

    /// Its index among all callbacks, of which the last stands for unknown ones.
    #[must_use]
    pub fn index(&self) -> usize {
        index(self.callback)
    }

    /// The path of its rpc.
    #[must_use]
    pub fn path(&self) -> &'static PathAndQuery {
        path(self.callback)
    }

    /// From its JSON to its rpc's messages, and back.
    #[must_use]
    pub fn exchange(&self) -> &'static Exchange {
        self.callback.map_or(&fallback::EXCHANGE, |callback| &callback.exchange)
    }

    /// The name of its rpc.
    #[must_use]
    pub fn rpc(&self) -> &'static str {
        self.callback.map_or(fallback::RPC, |callback| callback.name)
    }

    /// Its name in settings, logs and metrics.
    #[must_use]
    pub fn key(&self) -> CallbackKey {
        CallbackKey::of(self.callback)
    }
}

/// The path of a callback's rpc; None is an unknown one.
#[must_use]
pub fn path(callback: Option<&Callback>) -> &'static PathAndQuery {
    &PATHS[index(callback)]
}

/// The index of a callback among all, of which the last stands for unknown ones.
#[must_use]
pub fn index(callback: Option<&Callback>) -> usize {
    callback.map_or(CALLBACKS.len(), |callback| callback.rpc as usize)
}

fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(value.as_bytes()),
    }
}

/// A UUID of version 7. Those of one millisecond are in order too: the next twelve bits are of the clock.
#[must_use]
pub fn new_id() -> Uuid {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(now.as_millis()).unwrap_or_default();
    let fraction = u64::from(now.subsec_nanos() % 1_000_000) * 4096 / 1_000_000;
    let mut rest = [0; 10];
    rest[..2].copy_from_slice(&fraction.to_be_bytes()[6..]);
    rest[2..].copy_from_slice(&fastrand::u64(..).to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(millis, &rest).into_uuid()
}

fn commands(uri: &Uri) -> impl Iterator<Item = Cow<'_, str>> {
    form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes())
        .filter(|(key, _)| key == "command")
        .map(|(_, command)| command)
}

/// The style of a URL.
#[must_use]
pub fn style_of(uri: &Uri) -> Style {
    if commands(uri).next().is_some() { Style::Query } else { Style::Path }
}

fn command<'h>(uri: &'h Uri, path: &'h str) -> Result<(Style, Cow<'h, str>), Rejection> {
    let mut commands = commands(uri);
    match (commands.next(), commands.next()) {
        (Some(_), Some(_)) => Err(Rejection::ManyCommands),
        (Some(command), None) => Ok((Style::Query, command)),
        (None, _) => {
            let last = path.rsplit_once('/').map_or(path, |(_, last)| last);
            Ok((Style::Path, last.into()))
        }
    }
}

/// Checks the form of an unknown command.
fn check_unknown(command: &str, uri: &Uri) -> Result<(), Rejection> {
    // OpenIM joins its URL and the command as text: where that URL has a query, the command is behind a slash in it.
    let query = uri.query().is_some_and(|query| query.contains('/'));
    match command.len() {
        0 => Err(Rejection::NoCommand { query }),
        1..=COMMAND_LIMIT if command.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
            Ok(())
        }
        _ => Err(Rejection::BadCommand { query }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(url: &str) -> Result<(Style, String), String> {
        let url: Uri = url.parse().expect("a URL");
        let read = command(&url, url.path());
        let read = read.and_then(|(style, command)| {
            check_unknown(&command, &url)?;
            Ok((style, command.into_owned()))
        });
        read.map_err(|rejection| rejection.to_string())
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
