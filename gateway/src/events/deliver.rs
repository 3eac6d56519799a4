//! One attempt to deliver a record to its callback's decider, over connections and circuits that before-callbacks do
//! not use.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tonic::Code;
use transport::{Channel, Context, Decider, Failure, Pushback};

use super::record::Record;
use crate::failure_policy::CallbackConfigs;
use crate::openim::call::path;
use crate::openim::exchange::Request;
use crate::openim::metadata;
use crate::openim::reply::Style;

const ATTEMPT: HeaderName = HeaderName::from_static("event-attempt");
const TIME: HeaderName = HeaderName::from_static("event-time");
/// The pause before a decider that no call reached is tried again, on average.
const UNREACHED_PAUSE: Duration = Duration::from_millis(500);

/// The configurations in force, which a reload replaces.
pub type Configs = Arc<ArcSwap<CallbackConfigs>>;

/// Delivers records. A decider is looked up for each attempt, so that a changed setting holds for what waits.
#[derive(Debug)]
pub(crate) struct Deliverer {
    /// By [`DeciderId`](crate::failure_policy::DeciderId).
    channels: Vec<Channel>,
    configs: Configs,
    timeout: Duration,
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attempt {
    /// The decider received it.
    Delivered,
    /// The decider does not implement the rpc.
    Ignored,
    /// The content can't be delivered, now or later.
    Dead(String),
    /// It failed, and may be repeated; not before this time if the decider says one.
    Failed(String, Option<Duration>),
    /// It surely did not run, which uses none of its attempts.
    NotRun(String),
}

impl Deliverer {
    /// Opens the connections; must be called within a tokio runtime.
    pub(crate) fn open(deciders: &[Arc<Decider>], configs: Configs, timeout: Duration) -> Self {
        // Events that fail must not take the retries of before-callbacks.
        let channels = deciders.iter().cloned().map(Channel::open_apart).collect();
        Self { channels, configs, timeout }
    }

    /// Attempts it until it has run or `stop` is cancelled: an open circuit pauses delivery.
    pub(crate) async fn deliver(
        &self,
        record: &Record,
        number: u32,
        stop: &CancellationToken,
    ) -> Attempt {
        loop {
            let attempt = self.attempt(record, number).await;
            if !matches!(attempt, Attempt::NotRun(_)) {
                return attempt;
            }
            if stop.run_until_cancelled(sleep(unreached_pause())).await.is_none() {
                return attempt;
            }
        }
    }

    /// Makes one attempt, the `number`th.
    pub(crate) async fn attempt(&self, record: &Record, number: u32) -> Attempt {
        let callback = Some(record.callback);
        let decider = self.configs.load().of(callback).decider;
        let mut more = metadata::more(callback, &record.command, record.traceparent.as_ref());
        more.push((ATTEMPT, number.into()));
        if let Ok(mut time) = HeaderValue::from_str(&record.received.rfc3339()) {
            time.set_sensitive(true);
            more.push((TIME, time));
        }
        let context = Context {
            headers: metadata::headers(callback),
            values: &metadata::values(record.id, &record.operation_id),
            more: &more,
            deadline: Instant::now() + self.timeout,
            counts: true,
        };
        let path = path(callback);
        match self.channels[decider.0].call(path, &context, &record.frame).await {
            Ok(answer) if answer.is_empty() => Attempt::Delivered,
            Ok(answer) => checked(record, answer),
            Err(failure) => outcome(&failure),
        }
    }
}

/// The pause before a decider that no call reached is tried again.
pub(super) fn unreached_pause() -> Duration {
    UNREACHED_PAUSE.mul_f64(0.5 + fastrand::f64())
}

/// The outcome of an answer that is not empty: it must be the rpc's response all the same.
fn checked(record: &Record, answer: bytes::Bytes) -> Attempt {
    let request = Request { frame: record.frame.clone(), singletons: Default::default() };
    match (record.callback.exchange.close)(Style::Path, &request, answer) {
        Ok(_) => Attempt::Delivered,
        Err(wrong) => Attempt::Dead(wrong.to_string()),
    }
}

fn outcome(failure: &Failure) -> Attempt {
    let why = failure.to_string();
    match failure {
        Failure::NotRun(_) => Attempt::NotRun(why),
        Failure::WrongAnswer(_) => Attempt::Dead(why),
        Failure::Deadline => Attempt::Failed(why, None),
        Failure::Status(status) => match (status.code(), failure.pushback()) {
            (Code::Unimplemented, _) => Attempt::Ignored,
            (Code::InvalidArgument | Code::OutOfRange, _) | (_, Some(Pushback::Never)) => {
                Attempt::Dead(why)
            }
            (_, Some(Pushback::After(pause))) => Attempt::Failed(why, Some(pause)),
            (_, None) => Attempt::Failed(why, None),
        },
    }
}
