//! The mistakes in the settings of a decider.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime_serde::re::humantime::format_duration;
use process::Mistake;

use crate::config::{BreakerConfig, Config};
use crate::{tls, token};

const MILLISECOND: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Config {
    /// Every mistake; `place` is the path of the settings. Reads the files that they name.
    #[must_use]
    pub fn mistakes(&self, place: &str) -> Vec<Mistake> {
        let at = |key: &str| format!("{place}.{key}");
        let mut mistakes = Vec::new();
        if self.endpoints.is_empty() {
            mistakes.push(Mistake::new(at("endpoints"), "must hold at least one URL"));
        }
        mistakes.extend(outside(&at("resolve_interval"), self.resolve_interval, SECOND..=DAY));
        mistakes.extend(outside(
            &at("connect_timeout"),
            self.connect_timeout,
            MILLISECOND..=MINUTE,
        ));
        mistakes.extend(outside(&at("keep_alive"), self.keep_alive, SECOND..=DAY));
        if let Err(problem) = token::read(self) {
            mistakes.push(Mistake::new(at("token_file"), problem));
        }
        if self.is_encrypted() {
            mistakes.extend(tls::read(self).err().map(|problem| Mistake::new(place, problem)));
        } else {
            let set = [
                ("ca", self.ca.is_some()),
                ("certificate", self.certificate.is_some()),
                ("key", self.key.is_some()),
                ("server_name", self.server_name.is_some()),
            ];
            let set = set.into_iter().filter(|(_, is_set)| *is_set);
            let useless = |(key, _)| Mistake::new(at(key), "has no effect: no endpoint is https");
            mistakes.extend(set.map(useless));
        }
        mistakes
    }
}

impl BreakerConfig {
    /// Every mistake; `place` is the path of the settings.
    #[must_use]
    pub fn mistakes(&self, place: &str) -> Vec<Mistake> {
        let at = |key: &str| format!("{place}.{key}");
        let range = MILLISECOND..=MINUTE * 10;
        let mut mistakes = Vec::new();
        if self.failures == 0 {
            mistakes.push(Mistake::new(at("failures"), "must be at least 1"));
        }
        mistakes.extend(outside(&at("first"), self.first, range.clone()));
        mistakes.extend(outside(&at("longest"), self.longest, range));
        if self.first > self.longest {
            let problem = format!("must not be shorter than {place}.first");
            mistakes.push(Mistake::new(at("longest"), problem));
        }
        mistakes
    }
}

/// A mistake if a time is not in its range. One too large for the clock would end a connection or a call without an
/// answer.
fn outside(place: &str, time: Duration, range: RangeInclusive<Duration>) -> Option<Mistake> {
    let [least, most] = [range.start(), range.end()].map(|time| format_duration(*time));
    let mistake = || Mistake::new(place, format_args!("must be {least} to {most}"));
    (!range.contains(&time)).then(mistake)
}
