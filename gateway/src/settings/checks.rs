//! Mistakes that no single value shows: limits, and keys that belong together.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use process::Mistake;

use super::file::File;
use crate::http::Limits;

const MOMENT: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every such mistake.
pub(super) fn mistakes(file: &File) -> Vec<Mistake> {
    let mut checks = Checks::default();
    checks.limits(&file.limits);
    checks.0.extend(file.events.mistakes());
    checks.0.extend(file.breaker.mistakes("breaker"));
    checks.0.extend(file.decider.mistakes("decider"));
    for (name, decider) in &file.deciders {
        checks.0.extend(decider.mistakes(&format!("deciders.{name}")));
    }
    let workers = file.workers.is_none_or(|workers| workers.get() <= 1024);
    checks.hold("workers", workers, "must be 1 to 1024");
    checks.hold(
        "honour_failed_continue",
        !file.honour_failed_continue || file.openim_webhooks.is_some(),
        "has no effect without openim_webhooks",
    );
    checks.0
}

#[derive(Default)]
struct Checks(Vec<Mistake>);

impl Checks {
    fn hold(&mut self, place: &str, holds: bool, problem: &str) {
        if !holds {
            self.0.push(Mistake::new(place, problem));
        }
    }

    /// A time that no clock can be set to would end a connection or a call without an answer.
    fn time(&mut self, place: &str, time: Duration, range: RangeInclusive<Duration>) {
        if !range.contains(&time) {
            let [least, most] = [range.start(), range.end()].map(|time| format_duration(*time));
            self.0.push(Mistake::new(place, format_args!("must be {least} to {most}")));
        }
    }

    fn limits(&mut self, limits: &Limits) {
        let bytes = |range: RangeInclusive<usize>, value| range.contains(&value);
        // As protobuf, a body may be three times as large (a list of negative numbers), and gRPC servers take 4 MiB.
        let body = bytes(1..=1 << 20, limits.body);
        self.hold("limits.body", body, "must be 1 to 1048576 bytes");
        let bodies = limits.bodies >= limits.body && limits.bodies <= 1 << 40;
        self.hold("limits.bodies", bodies, "must be limits.body to 1099511627776 bytes");
        let head = bytes(8192..=1 << 20, limits.head);
        self.hold("limits.head", head, "must be 8192 to 1048576 bytes");
        let count = 1..=1_000_000;
        self.hold("limits.entries", count.contains(&limits.entries), "must be 1 to 1000000");
        self.hold(
            "limits.connections",
            count.contains(&limits.connections),
            "must be 1 to 1000000",
        );
        self.hold("limits.in_flight", count.contains(&limits.in_flight), "must be 1 to 1000000");
        self.hold("limits.retry_percent", limits.retry_percent <= 100, "must be 0 to 100");
        self.time("limits.head_timeout", limits.head_timeout, MOMENT..=MINUTE * 10);
        self.time("limits.idle", limits.idle, SECOND..=DAY);
        self.time("limits.linger", limits.linger, Duration::ZERO..=MINUTE);
        self.time("limits.drain", limits.drain, Duration::ZERO..=MINUTE * 10);
    }
}
