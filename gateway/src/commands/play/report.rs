//! The report of `play`: a row or a JSON object for each callback, as soon as it is decided.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde_json::json;

use crate::cli::Play;
use crate::play::{Decision, Outcome, Scene, escaped_json};

/// The columns of a line that lists callbacks.
const COLUMNS: usize = 100;

pub(super) struct Report<'a, W> {
    out: W,
    arguments: &'a Play,
    /// The length of the longest label.
    width: usize,
    has_header: bool,
    /// The callbacks that are listed at the end, instead of a row for each.
    unimplemented: Vec<&'static str>,
    decisions: [(&'static str, usize); 6],
    played: usize,
    wrong: usize,
    unreachable: usize,
}

impl<'a, W: Write> Report<'a, W> {
    pub(super) fn new(out: W, scenes: &[Scene], arguments: &'a Play) -> Self {
        let width = scenes.iter().map(|scene| scene.label().chars().count()).max();
        let names = ["allow", "edit", "deny", "not implemented", "failed", "answered"];
        Self {
            out,
            arguments,
            width: width.unwrap_or_default(),
            has_header: false,
            unimplemented: Vec::new(),
            decisions: names.map(|name| (name, 0)),
            played: 0,
            wrong: 0,
            unreachable: 0,
        }
    }

    pub(super) fn add(&mut self, scene: &Scene, outcome: &Outcome) -> io::Result<()> {
        let right = scene.accepts(outcome);
        self.decisions[kind(&outcome.decision)].1 += 1;
        self.played += 1;
        self.wrong += usize::from(!right);
        self.unreachable += usize::from(outcome.unreachable);
        if right && self.arguments.only_failures {
            return Ok(());
        }
        if self.arguments.json {
            return writeln!(self.out, "{}", object(scene, outcome, right));
        }
        if right && matches!(outcome.decision, Decision::NotImplemented) && !self.is_named(scene) {
            if !self.unimplemented.contains(&scene.callback.as_str()) {
                self.unimplemented.push(scene.callback.as_str());
            }
            return Ok(());
        }
        if !std::mem::replace(&mut self.has_header, true) {
            let width = self.width;
            writeln!(self.out, "       {:width$}  {:>10}  decision", "callback", "time")?;
        }
        let row = self.row(scene, outcome, right);
        writeln!(self.out, "{row}")
    }

    /// Prints the number of each decision; true if all were right.
    pub(super) fn finish(&mut self) -> io::Result<bool> {
        if !self.arguments.json {
            let gap = if self.has_header { "\n" } else { "" };
            if let count @ 1.. = self.unimplemented.len() {
                let listed = listed(format!("not implemented ({count}):"), &self.unimplemented);
                writeln!(self.out, "{gap}{listed}\n")?;
            } else {
                write!(self.out, "{gap}")?;
            }
            let counts = self.decisions.map(|(name, count)| format!("{count} {name}"));
            // Answers of the settings are the exception.
            let [counts @ .., answered] = &counts;
            let [.., (_, count)] = self.decisions;
            let more =
                if count > 0 { format!(", {answered} by the settings") } else { String::new() };
            let counts = counts.join(", ") + &more;
            writeln!(self.out, "{} played: {counts}; {} wrong", self.played, self.wrong)?;
        }
        Ok(self.wrong == 0)
    }

    /// A doubt that this is the right decider, or one at all.
    pub(super) fn doubt(&self) -> Option<&'static str> {
        let Play { callback: named, body, from, expect, .. } = self.arguments;
        let all = named.is_empty() && [body, from, expect].iter().all(|file| file.is_none());
        if all && self.decisions[kind(&Decision::NotImplemented)].1 == self.played {
            return Some("nothing is implemented: is there another server at this address?");
        }
        (self.unreachable > 1 && self.unreachable == self.played)
            .then_some("every call failed as unavailable: does the decider run, and is it ready? --decider names its address")
    }

    fn is_named(&self, scene: &Scene) -> bool {
        let Play { callback: named, body, .. } = self.arguments;
        body.is_some() || scene.is_of(named)
    }

    fn row(&self, scene: &Scene, outcome: &Outcome, right: bool) -> String {
        let (mark, width) = (if right { "ok   " } else { "WRONG" }, self.width);
        let (label, line) = (scene.label(), outcome.decision.line());
        let mut row = format!("{mark}  {label:width$}  {:>7.1} ms  {line}", milliseconds(outcome));
        let mut more = |text: &str| {
            let _ = write!(row, "\n       {text}"); // text takes all
        };
        if !right && !scene.expected.is_empty() {
            let expected: Vec<_> = scene.expected.iter().map(ToString::to_string).collect();
            more(&format!("expected: {}", expected.join(", or ")));
            let decided = outcome.decision.to_string();
            if decided != line {
                more(&format!("decided:  {decided}"));
            }
            if matches!(outcome.decision, Decision::NotImplemented) {
                more(
                    "note: a service that the decider's server does not register is unimplemented",
                );
            }
        }
        outcome.notes.iter().for_each(|note| more(&format!("note: {note}")));
        row
    }
}

/// A list in lines that fit a terminal.
fn listed(mut text: String, names: &[&str]) -> String {
    let mut column = text.len();
    for (n, name) in (1..).zip(names) {
        let comma = if n < names.len() { "," } else { "" };
        let length = 1 + name.len() + comma.len();
        let (gap, start) = if column + length > COLUMNS { ("\n ", 1) } else { ("", column) };
        let _ = write!(text, "{gap} {name}{comma}"); // text takes all
        column = start + length;
    }
    text
}

fn object(scene: &Scene, outcome: &Outcome, right: bool) -> String {
    let object = json!({
        "callback": scene.callback,
        "case": scene.name,
        "decision": outcome.decision,
        "milliseconds": milliseconds(outcome),
        "notes": outcome.notes,
        "valid": outcome.valid,
        "expected": scene.expected,
        "ok": right,
    });
    escaped_json(&object.to_string())
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
        Decision::Answered(_) => 5,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::openim::contract::CALLBACKS;

    const REFUSED: &str = "Connection refused";

    /// The report on the samples with these decisions, and the doubt about them.
    fn report(arguments: &Play, decisions: &[Decision]) -> (String, Option<&'static str>) {
        let scenes: Vec<_> = CALLBACKS.iter().map(Scene::sample).collect();
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, &scenes, arguments);
        for (scene, decision) in scenes.iter().zip(decisions) {
            let unreachable = matches!(decision, Decision::Failed(why) if why == REFUSED);
            let (decision, took) = (decision.clone(), Duration::ZERO);
            let valid = !matches!(decision, Decision::Failed(_));
            let outcome = Outcome { decision, notes: Vec::new(), valid, unreachable, took };
            report.add(scene, &outcome).expect("memory takes all");
        }
        report.finish().expect("memory takes all");
        let doubt = report.doubt();
        (String::from_utf8(out).expect("text"), doubt)
    }

    /// Unimplemented, but for the first.
    fn mostly_unimplemented(first: Decision) -> Vec<Decision> {
        let mut decisions = vec![Decision::NotImplemented; CALLBACKS.len()];
        decisions[0] = first;
        decisions
    }

    #[test]
    fn a_decider_implements_something() {
        let is_decider = |arguments, decisions: &[_]| report(&arguments, decisions).1.is_none();
        let all = mostly_unimplemented(Decision::NotImplemented);
        assert!(!is_decider(Play::default(), &all));
        assert!(is_decider(Play::default(), &mostly_unimplemented(Decision::Allow)));
        let file = Some("file".into());
        for some in [
            Play { callback: vec![&CALLBACKS[0]], ..Play::default() },
            Play { body: file.clone(), ..Play::default() },
            Play { from: file.clone(), ..Play::default() },
            Play { expect: file, ..Play::default() },
        ] {
            assert!(is_decider(some, &all));
        }
    }

    #[test]
    fn a_decider_that_can_not_be_reached_may_not_run() {
        let is_running = |decisions: &[_]| report(&Play::default(), decisions).1.is_none();
        let refused = vec![Decision::Failed(REFUSED.into()); 2];
        assert!(is_running(&refused[..1]) && !is_running(&refused));
        assert!(is_running(&vec![Decision::Failed("Internal: a bug".into()); 2]), "it answered");
    }

    #[test]
    fn callbacks_that_are_not_implemented_are_listed_unless_they_are_named() {
        let decisions = mostly_unimplemented(Decision::Allow);
        let (all, _) = report(&Play::default(), &decisions);
        let listed = all.split("\n\n").nth(1).expect("a list");
        assert!(
            listed.starts_with(&format!("not implemented ({}): ", CALLBACKS.len() - 1)),
            "{all}"
        );
        for callback in &CALLBACKS[1..] {
            assert!(listed.contains(callback.setting), "{all}");
        }
        assert!(listed.lines().all(|line| line.len() <= COLUMNS), "{all}");
        assert!(listed.lines().skip(1).all(|line| line.starts_with("  ")), "{all}");
        assert_eq!(all.matches("\nok ").count(), 1, "{all}");

        let named = Play { callback: vec![&CALLBACKS[0], &CALLBACKS[1]], ..Play::default() };
        let (two, _) = report(&named, &decisions[..2]);
        assert_eq!((two.matches("\nok ").count(), two.matches("(").count()), (2, 0), "{two}");
    }

    #[test]
    fn only_failures_leaves_the_rest_to_the_summary() {
        let only = |json| Play { only_failures: true, json, ..Play::default() };
        let decisions = mostly_unimplemented(Decision::Failed("a bug".into()));
        let (text, _) = report(&only(false), &decisions);
        assert_eq!(text.lines().count(), 4, "header, row, gap, summary: {text}");
        let (json, _) = report(&only(true), &decisions);
        assert_eq!(json.lines().count(), 1, "{json}");
        let (none, _) = report(&only(false), &decisions[1..]);
        assert_eq!(none.lines().count(), 1, "{none}");
    }
}
