//! A gateway whose events are on a disk that can fail, and their decider.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use std::{fs, thread};

use harness::{Asked, Client, Decider, Request, Style};
use serde_json::json;

use super::disk::Disk;
use crate::support::{PATIENCE, Running, gateway, settings};

const COMMAND: &str = "callbackAfterSendSingleMsgCommand";
/// The longest time of a caller: `store_timeout`, and what a busy machine adds.
pub(super) const SOON: Duration = Duration::from_millis(1200);

pub(super) struct Store {
    pub(super) disk: Disk,
    pub(super) decider: Decider,
    settings: PathBuf,
}

impl Store {
    /// One in a directory that is named after its test.
    pub(super) fn new(test: &str, decider: Decider, text: &str) -> Self {
        let settings = settings(&format!("{test}-settings"), text);
        Self { disk: Disk::new(test), decider, settings }
    }

    /// One whose decider is down, and counts no attempt to reach it.
    pub(super) fn waiting(test: &str, text: &str) -> Self {
        Self::new(test, Decider::down(|_| json!({})), text)
    }

    pub(super) fn start(&self) -> Running {
        let mut command = self.command(self.disk.directory());
        self.disk.carry(&mut command);
        Running::start(&mut command)
    }

    /// A gateway with another directory, whose disk is a real one.
    pub(super) fn start_in(&self, directory: &Path) -> Running {
        Running::start(&mut self.command(directory))
    }

    fn command(&self, directory: &Path) -> Command {
        let mut command = gateway();
        command.args(["--decider", &self.decider.url()]);
        command.arg("--events-directory").arg(directory);
        command.arg("--config").arg(&self.settings);
        command
    }

    /// The names of the files in the directory that end so.
    pub(super) fn files(&self, ending: &str) -> Vec<String> {
        let entries = fs::read_dir(self.disk.directory()).expect("our directory");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let names = names.map(|name| name.into_string().expect("a name of ours"));
        names.filter(|name| name.ends_with(ending)).collect()
    }

    /// Waits until the decider was told of these messages.
    pub(super) fn wait_until_told(&self, messages: impl IntoIterator<Item = usize>) {
        let all: BTreeSet<usize> = messages.into_iter().collect();
        wait_until(|| {
            let told = self.told();
            (!all.is_subset(&told)).then(|| format!("not told of {:?}", all.difference(&told)))
        });
    }

    /// The messages that the decider was told of.
    pub(super) fn told(&self) -> BTreeSet<usize> {
        let number = |asked: &Asked| asked.request["msg"]["content"].as_str()?.trim().parse().ok();
        self.decider.asked().iter().filter_map(number).collect()
    }
}

/// A message whose content is a number, in a chat of its own.
pub(super) fn message(number: usize) -> Request {
    long_message(number, 0)
}

/// The same, with at least so many bytes of content.
pub(super) fn long_message(number: usize, width: usize) -> Request {
    let body = json!({
        "sendID": "u1",
        "recvID": format!("u2-{number}"),
        "content": format!("{number:width$}"),
    });
    Request::callback(Style::Path, COMMAND, &body)
}

/// Tells a gateway of messages, each of which it must allow; returns the longest time.
pub(super) fn tell(gateway: SocketAddr, messages: impl IntoIterator<Item = usize>) -> Duration {
    let mut client = Client::connect(gateway);
    let tell = |number| {
        let began = Instant::now();
        let verdict = client.send(&message(number)).verdict(Style::Path);
        assert!(verdict.is_allow(), "{verdict:?}");
        began.elapsed()
    };
    messages.into_iter().map(tell).max().unwrap_or_default()
}

/// Tells of messages from this number on, until one is kept again; returns the number after it.
pub(super) fn tell_until_kept(gateway: &Running, first: usize) -> usize {
    let before = count(gateway, "callbacks", "kept");
    let mut next = first;
    while count(gateway, "callbacks", "kept") == before {
        assert!(next < first + 100, "the store is not used again");
        tell(gateway.address, [next]);
        next += 1;
        thread::sleep(Duration::from_millis(100));
    }
    next
}

/// The value of a metric of these messages by its outcome.
pub(super) fn count(gateway: &Running, metric: &str, outcome: &str) -> u64 {
    let labels = format!(r#"{{callback="afterSendSingleMsg",outcome="{outcome}"}} "#);
    value(gateway, &format!("{metric}_total{labels}"))
}

/// The value of a metric, 0 if it is not there.
pub(super) fn value(gateway: &Running, metric: &str) -> u64 {
    let (metrics, name) = (gateway.metrics(), format!("callback_gateway_{metric}"));
    let value = metrics.lines().find_map(|line| line.strip_prefix(&name));
    value.map_or(0, |value| value.trim().parse().expect("a number"))
}

/// Waits until nothing is wrong any more.
pub(super) fn wait_until(wrong: impl Fn() -> Option<String>) {
    let until = Instant::now() + PATIENCE * 2;
    while let Some(wrong) = wrong() {
        assert!(Instant::now() < until, "{wrong}");
        thread::sleep(Duration::from_millis(20));
    }
}
