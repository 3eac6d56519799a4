//! Puts settings from several places together, and finds every mistake in them.

use std::fmt;

use std::time::Duration;

use toml::{Table, Value};

use super::{File, Limits, Settings};
use crate::policy::Policies;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    place: String,
    problem: String,
}

impl Mistake {
    /// A mistake at a key, a flag or a file.
    pub fn new(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let problem = problem.to_string().trim_end().replace('\n', "; ");
        Self { place: place.to_string(), problem }
    }
}

/// Settings from several places, later ones over earlier ones. Each value is tried by itself, so that all the mistakes
/// are found, not only the first.
#[derive(Default)]
pub(super) struct Layers {
    merged: Table,
    pub(super) mistakes: Vec<Mistake>,
}

impl Layers {
    pub(super) fn add(&mut self, origin: &str, table: Table) {
        let mut values = Vec::new();
        flatten(table, &mut Vec::new(), &mut values);
        for (path, value) in values {
            let keys: Vec<&str> = path.iter().map(String::as_str).collect();
            self.set(&keys, value, &format!("{origin}: {}", path.join(".")));
        }
    }

    pub(super) fn set(&mut self, path: &[&str], value: Value, place: &str) {
        let mut alone = Table::new();
        insert(&mut alone, path, value.clone());
        match alone.try_into::<File>() {
            Ok(_) => insert(&mut self.merged, path, value),
            Err(e) => self.mistakes.push(Mistake::new(place, e.message())),
        }
    }

    pub(super) fn finish(mut self) -> Result<Settings, Vec<Mistake>> {
        let file: File = self.merged.try_into().expect("every value was read by itself");
        self.mistakes.extend(out_of_range(&file));
        match Policies::new(&file.defaults, &file.callbacks) {
            Ok(policies) if self.mistakes.is_empty() => Ok(Settings { file, policies }),
            Ok(_) => Err(self.mistakes),
            Err(more) => Err([self.mistakes, more].concat()),
        }
    }
}

fn out_of_range(file: &File) -> Vec<Mistake> {
    let Limits { body, head, .. } = file.limits;
    let mut mistakes = Vec::new();
    // As protobuf, a body may be three times as large (a list of negative numbers), and gRPC servers take 4 MiB.
    if !(1..=1 << 20).contains(&body) {
        mistakes.push(Mistake::new("limits.body", "must be 1 to 1048576 bytes"));
    }
    if !(8192..=1 << 20).contains(&head) {
        mistakes.push(Mistake::new("limits.head", "must be 8192 to 1048576 bytes"));
    }
    let Limits { idle, linger, drain, .. } = file.limits;
    let deadline = file.defaults.deadline.unwrap_or(Duration::from_secs(1));
    for (place, duration, least, most) in [
        ("defaults.deadline", deadline, Duration::from_millis(1), Duration::from_secs(60)),
        ("limits.idle", idle, Duration::from_secs(1), Duration::from_secs(24 * 3600)),
        ("limits.linger", linger, Duration::ZERO, Duration::from_secs(60)),
        ("limits.drain", drain, Duration::ZERO, Duration::from_secs(600)),
    ] {
        if !(least..=most).contains(&duration) {
            let [least, most] = [least, most].map(humantime_serde::re::humantime::format_duration);
            mistakes.push(Mistake::new(place, format_args!("must be {least} to {most}")));
        }
    }
    if file.workers.is_some_and(|workers| workers.get() > 1024) {
        mistakes.push(Mistake::new("workers", "must be 1 to 1024"));
    }
    mistakes
}

/// The values of a table with their paths. An empty table counts as a value: its name may be wrong too.
fn flatten(table: Table, path: &mut Vec<String>, values: &mut Vec<(Vec<String>, Value)>) {
    for (key, value) in table {
        path.push(key);
        match value {
            Value::Table(table) if !table.is_empty() => flatten(table, path, values),
            value => values.push((path.clone(), value)),
        }
        path.pop();
    }
}

fn insert(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [key] => {
            table.insert((*key).to_owned(), value);
        }
        [key, rest @ ..] => {
            let inner = table.entry(*key).or_insert_with(|| Table::new().into());
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}
