//! The way of one callback: its body is opened, its decider called, the answer closed, the reply written; without a
//! decision, the failure policy answers. Every request ends in one event.

mod replies;
mod shared;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use http::request::Parts;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use transport::{Channel, Context};
use uuid::Uuid;

use self::replies::{denied, fallback_reply, panicked, rejected};
pub use self::shared::Shared;
use crate::bound::Permit;
use crate::events::{Events, Kept, Millis, Record};
use crate::failure_policy::CallbackConfig;
use crate::observe::{Event, Failure, Note, Outcome};
use crate::openim::call::{Call, new_id, style_of};
use crate::openim::contract::Kind;
use crate::openim::exchange::{Answer, Request};
use crate::openim::metadata;
use crate::openim::rejection::Rejection;
use crate::openim::reply::Reply;
use crate::openim::verdict::Verdict;

/// One worker's bridge from OpenIM to its deciders.
#[derive(Debug)]
pub struct Bridge {
    shared: Arc<Shared>,
    /// By [`DeciderId`](crate::failure_policy::DeciderId).
    channels: Vec<Channel>,
    draining: CancellationToken,
}

/// A body in one piece, with the room that it takes among those of the whole process.
#[derive(Debug)]
pub struct Body<'r> {
    pub(crate) bytes: Bytes,
    pub(crate) room: Permit<'r>,
}

/// A callback whose body has been read.
struct Opened<'r> {
    request: Request,
    key: Option<String>,
    _room: Permit<'r>,
}

/// The facts of the event, collected on the way.
#[derive(Default)]
struct Facts {
    notes: Vec<Note>,
    decider_took: Option<Duration>,
}

impl Bridge {
    /// A bridge over these channels. A connection that closes once `draining` is cancelled is not counted as abandoned.
    #[must_use]
    pub fn new(shared: Arc<Shared>, channels: Vec<Channel>, draining: CancellationToken) -> Self {
        Self { shared, channels, draining }
    }

    /// Answers a request with a verdict, whatever happens. `path` is the part of its path that may name a callback;
    /// `read(false)` reads its body and discards it.
    pub async fn answer<'h, 'r, R>(
        &self,
        head: &'h Parts,
        path: Result<&'h str, Rejection>,
        read: impl FnOnce(bool) -> R,
    ) -> Reply
    where
        R: Future<Output = Result<Body<'r>, Rejection>>,
    {
        let began = Instant::now();
        let configs = self.shared.configs.load_full();
        let limit = |callback: Option<&_>| configs.of(callback).deadline;
        let called = path.and_then(|path| Call::read(head, path, began, limit));
        let mut facts = Facts::default();
        let mut call = match called {
            Ok(call) => call,
            Err(rejection) => {
                // The body is read all the same: a client that can't send it all does not read the refusal.
                let default = configs.default();
                let _ = timeout_at(began + default.deadline, read(false)).await;
                let (id, style) = (new_id(), style_of(&head.uri));
                let reply = rejected(style, default, &rejection, id);
                self.end(None, id, began, Outcome::Rejected(rejection), facts);
                return reply;
            }
        };
        let config = configs.of(call.callback);
        let decided = {
            let deciding = pin!(self.decide(&mut call, config, read, &mut facts));
            AssertUnwindSafe(deciding).catch_unwind().await
        };
        let (reply, outcome) = match decided {
            Ok(Ok(decided)) => decided,
            Ok(Err(rejection)) => {
                let reply = rejected(call.style, config, &rejection, call.id);
                (reply, Outcome::Rejected(rejection))
            }
            Err(_panic) => (panicked(&call, config), Outcome::Panicked),
        };
        self.end(Some(&call), call.id, began, outcome, facts);
        reply
    }

    async fn decide<'r, R>(
        &self,
        call: &mut Call<'_>,
        config: &CallbackConfig,
        read: impl FnOnce(bool) -> R,
        facts: &mut Facts,
    ) -> Result<(Reply, Outcome), Rejection>
    where
        R: Future<Output = Result<Body<'r>, Rejection>>,
    {
        let reading = pin!(read(true));
        let body =
            timeout_at(call.deadline, reading).await.unwrap_or(Err(Rejection::Incomplete))?;
        let Opened { request, key, _room } = open(call, body, self.shared.entries)?;
        if let Some(verdict) = config.answer {
            let outcome = Outcome::Answered { verdict, code: config.code };
            return Ok((fallback_reply(call, config, &request, verdict), outcome));
        }
        if let Some(events) = &self.shared.events
            && let Some(callback) = call.callback.filter(|callback| callback.kind == Kind::After)
        {
            let record = Record {
                id: call.id,
                callback,
                command: call.command.to_string(),
                operation_id: call.operation_id.to_string(),
                traceparent: call.traceparent.cloned(),
                key,
                received: Millis::now(),
                frame: request.frame,
            };
            let outcome = self.keep(call, config, events, record).await;
            return Ok((Reply::allow(call.style), outcome));
        }
        let answer = self.call(call, config, &request, facts).await;
        let close = call.exchange().close;
        let answer = answer.and_then(|answer| Ok(close(call.style, &request, answer)?));
        Ok(match answer {
            Ok(Answer::Allowed { body, edited, dropped }) => {
                facts.notes.extend(dropped.into_iter().map(Note::EditDropped));
                (Reply::verdict(body), Outcome::Allowed { edited })
            }
            Ok(Answer::Denied(denial)) => denied(call.style, config, denial, &mut facts.notes),
            Err(failure) => {
                let verdict = match call.kind() {
                    Kind::After => Verdict::Allow,
                    Kind::Before => config.verdict(&failure),
                };
                let reply = fallback_reply(call, config, &request, verdict);
                (reply, Outcome::Failed { verdict, failure })
            }
        })
    }

    /// Calls the decider. No type of a message lives across this wait, only bytes.
    async fn call(
        &self,
        call: &Call<'_>,
        config: &CallbackConfig,
        request: &Request,
        facts: &mut Facts,
    ) -> Result<Bytes, Failure> {
        let _permit = self.shared.in_flight.take(1).ok_or(Failure::Overload)?;
        let began = Instant::now();
        let mut abandoned = Abandoned { bridge: self, call, config, began, armed: true };
        let context = Context {
            headers: metadata::headers(call.callback),
            values: &metadata::values(call.id, &call.operation_id),
            more: &metadata::more(call.callback, &call.command, call.traceparent),
            deadline: call.deadline,
            counts: call.kind() == Kind::Before,
        };
        let channel = &self.channels[config.decider.0];
        let answer = channel.call(call.path(), &context, &request.frame).await;
        abandoned.armed = false;
        facts.decider_took = Some(began.elapsed());
        Ok(answer?)
    }

    /// Stores an event, and so ends the way of its callback.
    async fn keep(
        &self,
        call: &Call<'_>,
        config: &CallbackConfig,
        events: &Events,
        record: Record,
    ) -> Outcome {
        let began = Instant::now();
        let mut abandoned = Abandoned { bridge: self, call, config, began, armed: true };
        let kept = events.keep(record).await;
        abandoned.armed = false;
        match kept {
            Kept::Stored => Outcome::Kept,
            Kept::Relayed => Outcome::Relayed,
        }
    }

    fn end(
        &self,
        call: Option<&Call<'_>>,
        id: Uuid,
        began: Instant,
        outcome: Outcome,
        facts: Facts,
    ) {
        let Facts { notes, decider_took } = facts;
        let took = began.elapsed();
        self.shared.observe(&Event { id, call, outcome, notes, took, decider_took });
    }
}

/// Opens a body. From here on its message takes the body's place, and its room among the bodies of the process.
fn open<'r>(call: &mut Call<'_>, body: Body<'r>, entries: usize) -> Result<Opened<'r>, Rejection> {
    let Body { bytes, mut room } = body;
    let text = str::from_utf8(&bytes).map_err(|e| Rejection::Body(e.to_string()))?;
    let opened = (call.exchange().open)(text, &call.operation_id, entries)?;
    call.check_body(opened.command.as_deref())?;
    if let Some(id) = opened.operation_id {
        call.operation_id = id.into();
    }
    if !room.grow(opened.request.frame.len()) {
        return Err(Rejection::Crowded);
    }
    room.shrink(bytes.len());
    Ok(Opened { request: opened.request, key: opened.key, _room: room })
}

/// Records on drop that the caller closed the connection before the verdict.
struct Abandoned<'a> {
    bridge: &'a Bridge,
    call: &'a Call<'a>,
    config: &'a CallbackConfig,
    began: Instant,
    armed: bool,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        // While the gateway drains, it is the gateway that ends connections.
        if !self.armed || std::thread::panicking() || self.bridge.draining.is_cancelled() {
            return;
        }
        let openim_timeout = self.config.openim_timeout;
        let facts = Facts { decider_took: Some(self.began.elapsed()), ..Facts::default() };
        let (call, outcome) = (self.call, Outcome::Abandoned { openim_timeout });
        self.bridge.end(Some(call), call.id, call.began, outcome, facts);
    }
}
