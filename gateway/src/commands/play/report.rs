//! The report of `play`: a row or a JSON object for each callback, as soon as it is decided.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::json;

use crate::openim::contract::CALLBACKS;
use crate::play::{Decision, Outcome, Scene};

pub(super) struct Report<W> {
    out: W,
    json: bool,
    /// The length of the longest label.
    width: usize,
    decisions: [(&'static str, usize); 5],
    played: usize,
    wrong: usize,
}

impl<W: Write> Report<W> {
    pub(super) fn start(mut out: W, scenes: &[Scene], json: bool) -> io::Result<Self> {
        let width = scenes.iter().map(|scene| label(scene).chars().count()).max();
        let width = width.unwrap_or_default();
        if !json {
            writeln!(out, "       {:width$}  {:>10}  decision", "callback", "time")?;
        }
        let names = ["allow", "edit", "deny", "not implemented", "failed"];
        Ok(Self { out, json, width, decisions: names.map(|name| (name, 0)), played: 0, wrong: 0 })
    }

    pub(super) fn add(&mut self, scene: &Scene, outcome: &Outcome) -> io::Result<()> {
        let right = scene.accepts(outcome);
        self.decisions[kind(&outcome.decision)].1 += 1;
        self.played += 1;
        self.wrong += usize::from(!right);
        let text =
            if self.json { object(scene, outcome, right) } else { self.row(scene, outcome, right) };
        writeln!(self.out, "{text}")
    }

    /// Prints the number of each decision; true if all were right.
    pub(super) fn finish(mut self) -> io::Result<bool> {
        if !self.json {
            let counts = self.decisions.map(|(name, count)| format!("{count} {name}")).join(", ");
            writeln!(self.out, "\n{} played: {counts}; {} wrong", self.played, self.wrong)?;
        }
        let [.., (_, not_implemented), _] = self.decisions;
        // One unimplemented callback is fine; all of them mean that this is no decider, or the wrong one.
        let none = not_implemented == CALLBACKS.len() && self.played == not_implemented;
        if none {
            eprintln!("error: nothing is implemented: is there another server at this address?");
        }
        Ok(self.wrong == 0 && !none)
    }

    fn row(&self, scene: &Scene, outcome: &Outcome, right: bool) -> String {
        let (mark, width) = (if right { "ok   " } else { "WRONG" }, self.width);
        let (label, line) = (label(scene), outcome.decision.line(&scene.body));
        let mut row = format!("{mark}  {label:width$}  {:>7.1} ms  {line}", milliseconds(outcome));
        let mut more = |text: &str| {
            let _ = write!(row, "\n       {text}"); // text takes all
        };
        if !right && !scene.expected.is_empty() {
            let expected: Vec<_> = scene.expected.iter().map(ToString::to_string).collect();
            more(&format!("expected: {}", expected.join(", or ")));
            more(&format!("decided:  {}", outcome.decision));
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn is_right(decisions: &[Decision]) -> bool {
        let scenes: Vec<_> = CALLBACKS.iter().map(Scene::sample).collect();
        let mut report = Report::start(io::sink(), &scenes, false).expect("a sink takes all");
        for (scene, decision) in scenes.iter().zip(decisions) {
            let (decision, took) = (decision.clone(), Duration::ZERO);
            let outcome = Outcome { decision, notes: Vec::new(), valid: true, took };
            report.add(scene, &outcome).expect("a sink takes all");
        }
        report.finish().expect("a sink takes all")
    }

    #[test]
    fn a_decider_implements_something() {
        let mut decisions = vec![Decision::NotImplemented; CALLBACKS.len()];
        assert!(is_right(&decisions[..1]) && !is_right(&decisions));
        decisions[7] = Decision::Allow;
        assert!(is_right(&decisions));
    }
}
