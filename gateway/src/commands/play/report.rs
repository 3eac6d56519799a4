//! What `play` prints: a row or a JSON object for each callback, as soon as it is decided.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::json;

use crate::play::{Decision, Outcome, Scene};

pub(super) struct Report {
    json: bool,
    /// Of the longest label.
    width: usize,
    decisions: [(&'static str, usize); 5],
    played: usize,
    wrong: usize,
}

impl Report {
    pub(super) fn new(scenes: &[Scene], json: bool) -> Self {
        let width = scenes.iter().map(|scene| label(scene).chars().count()).max();
        let names = ["allow", "edit", "deny", "not implemented", "failed"];
        Self {
            json,
            width: width.unwrap_or_default(),
            decisions: names.map(|name| (name, 0)),
            played: 0,
            wrong: 0,
        }
    }

    pub(super) fn add(&mut self, scene: &Scene, outcome: &Outcome) -> io::Result<()> {
        let right = scene.accepts(outcome);
        self.decisions[kind(&outcome.decision)].1 += 1;
        self.played += 1;
        self.wrong += usize::from(!right);
        let text =
            if self.json { object(scene, outcome, right) } else { self.row(scene, outcome, right) };
        writeln!(io::stdout(), "{text}")
    }

    /// Prints how many there were of each decision, and answers whether all were right.
    pub(super) fn finish(self) -> io::Result<bool> {
        if !self.json {
            let counts = self.decisions.map(|(name, count)| format!("{count} {name}")).join(", ");
            writeln!(io::stdout(), "\n{} played: {counts}; {} wrong", self.played, self.wrong)?;
        }
        Ok(self.wrong == 0)
    }

    fn row(&self, scene: &Scene, outcome: &Outcome, right: bool) -> String {
        let (mark, width) = (if right { "ok   " } else { "WRONG" }, self.width);
        let (label, decision) = (label(scene), &outcome.decision);
        let mut row =
            format!("{mark}  {label:width$}  {:>7.1} ms  {decision}", milliseconds(outcome));
        let mut more = |text: &str| {
            let _ = write!(row, "\n       {text}"); // text takes all
        };
        if !right && !scene.expected.is_empty() {
            let expected: Vec<_> = scene.expected.iter().map(ToString::to_string).collect();
            more(&format!("expected: {}", expected.join(", or ")));
        }
        outcome.notes.iter().for_each(|note| more(&format!("note: {note}")));
        row
    }
}

fn object(scene: &Scene, outcome: &Outcome, right: bool) -> String {
    json!({
        "callback": scene.callback,
        "case": scene.name,
        "decision": outcome.decision,
        "milliseconds": milliseconds(outcome),
        "notes": outcome.notes,
        "valid": outcome.valid,
        "expected": scene.expected,
        "ok": right,
    })
    .to_string()
}

fn label(scene: &Scene) -> String {
    match &scene.name {
        Some(name) => format!("{}: {name}", scene.callback),
        None => scene.callback.to_owned(),
    }
}

fn milliseconds(outcome: &Outcome) -> f64 {
    (outcome.took.as_secs_f64() * 1e6).round() / 1e3
}

fn kind(decision: &Decision) -> usize {
    match decision {
        Decision::Allow => 0,
        Decision::Edit(_) => 1,
        Decision::Deny { .. } => 2,
        Decision::NotImplemented => 3,
        Decision::Failed(_) => 4,
    }
}
