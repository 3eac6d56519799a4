//! The log on stderr. A line goes into a bounded queue, and a thread of its own writes it, so that no other thread ever
//! waits for stderr or fails with it: it may be a full pipe, a full disk, or closed.

mod filter;
mod limit;
mod panics;
mod queue;
mod writer;

use std::fs::File;
use std::io::{self, IsTerminal};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt, registry};

pub use self::filter::LogFilter;
pub use self::queue::dropped;

use self::limit::Limit;
use self::queue::{Queue, TARGET};
use self::writer::Writer;

/// The longest time that the end of the process waits for lines to be written.
const FLUSH: Duration = Duration::from_secs(1);
/// The appearance of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The settings of the log.
#[derive(Clone, Debug)]
pub struct Config {
    /// The lines that are logged.
    pub filter: LogFilter,
    /// Their appearance.
    pub format: LogFormat,
    /// The lines a second that one place in the code may log about one callback, before they are only counted; 0 means
    /// that all are logged.
    pub lines_per_second: u64,
}

impl Config {
    /// The default of `lines_per_second`.
    pub const LINES_PER_SECOND: u64 = 100;
}

/// The running log. Dropping it writes the lines that are queued, within a second; so it belongs to `main`.
#[derive(Debug)]
#[must_use = "dropping it ends the log"]
pub struct Log {
    queue: Arc<Queue>,
    /// Disconnected when the writer has ended.
    ended: Receiver<()>,
}

/// Starts the log of the process, for events of `tracing` and `log` and for panics.
///
/// # Errors
/// The process has a log already, or the system has no further thread.
pub fn start(config: &Config) -> io::Result<Log> {
    let (queue, limit) = (Arc::new(Queue::default()), Limit::new(config.lines_per_second));
    // Not `io::stderr()`: its lock, held while a write stalls, would block every other user.
    let stderr = File::from(io::stderr().as_fd().try_clone_to_owned()?);
    let unlimited = registry().with(layer(config.format, &queue));
    registry()
        .with(config.filter.targets().with_target(TARGET, LevelFilter::ERROR))
        .with(limit.clone())
        .with(layer(config.format, &queue))
        .try_init()
        .map_err(io::Error::other)?;
    let (writing, ended) = channel();
    let writer = Writer::new(queue.clone(), stderr, limit, unlimited);
    thread::Builder::new().name("log".to_owned()).spawn(move || {
        let _writing = writing;
        writer.run();
    })?;
    panics::log();
    Ok(Log { queue, ended })
}

fn layer<S>(format: LogFormat, queue: &Arc<Queue>) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let layer = fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(queue.clone());
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.queue.close();
        let _ = self.ended.recv_timeout(FLUSH);
    }
}
