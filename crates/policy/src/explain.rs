//! The answer of each rule of a policy to one request.

use crate::cases::{Fields, Outcome, message};
use crate::evaluate::Policy;
use crate::file;
use crate::load::findings;
use crate::load_error::LoadError;
use crate::mistakes::Mistakes;
use crate::rule::{Observer, Rule};
use prost_reflect::MethodDescriptor;
use std::time::{Duration, Instant};

/// The answers of the rules to a request, and the decision.
#[derive(Debug)]
pub struct Explanation<'a> {
    /// The reply of each rule of the rpc, in their order.
    pub replies: Vec<Reply<'a>>,
    /// The decision.
    pub outcome: Outcome,
}

/// The reply of a rule.
#[derive(Debug)]
pub struct Reply<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Its answer.
    pub answer: Answer,
    /// The time that it took.
    pub time: Duration,
}

/// The answer of a rule to a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its condition holds.
    Yes,
    /// Its condition holds, and it is of `mode: log`.
    NotEnforced,
    /// Its condition does not hold.
    No,
    /// It failed: rule, place and cause.
    Failed(String),
    /// It was not asked, since one before it ended the decision.
    Skipped,
}

impl Policy {
    /// Asks the rules about a request. `name` is the name of the request's file in mistakes, `text` the file's text: the
    /// request's fields in proto's JSON, or the same as YAML.
    ///
    /// # Errors
    /// All mistakes in the request.
    pub fn explain(
        &self,
        rpc: &MethodDescriptor,
        name: &str,
        text: &str,
    ) -> Result<Explanation<'_>, LoadError> {
        let mut mistakes = Mistakes::new(name, text);
        let fields = file::read::<Fields>(text).unwrap_or_else(|(place, text)| {
            mistakes.add(&place, text);
            Fields::new()
        });
        let request = message(fields, &rpc.input(), &mut mistakes);
        let mistakes = findings(vec![mistakes]);
        if !mistakes.is_empty() {
            return Err(LoadError::Mistakes(mistakes));
        }
        let mut asked = Asked::default();
        let decision = self.evaluate_observed(rpc, &request, &mut asked);
        asked.end();
        let mut asked = asked.0.into_iter();
        let replies = self.rules.get(rpc.full_name()).into_iter().flatten().map(|rule| {
            let rule_name = rule.name.as_str();
            let Some((begin, end, holds)) = asked.next() else {
                return Reply { rule: rule_name, answer: Answer::Skipped, time: Duration::ZERO };
            };
            let failure = decision.failures.iter().find(|failure| failure.rule == rule_name);
            let is_logged = decision.logged.iter().any(|logged| logged.rule == rule_name);
            let answer = match failure {
                Some(failure) => Answer::Failed(failure.to_string()),
                None if is_logged => Answer::NotEnforced,
                None if holds => Answer::Yes,
                None => Answer::No,
            };
            Reply { rule: rule_name, answer, time: end.duration_since(begin) }
        });
        Ok(Explanation { replies: replies.collect(), outcome: Outcome::of(rpc, &decision) })
    }
}

/// The rules that were asked: for each when it began and ended, and whether its condition held.
#[derive(Default)]
struct Asked(Vec<(Instant, Instant, bool)>);

impl Asked {
    /// Ends the time of the rule that was asked last.
    fn end(&mut self) {
        if let Some((_, end, _)) = self.0.last_mut() {
            *end = Instant::now();
        }
    }
}

impl<'a> Observer<'a> for Asked {
    fn asked(&mut self, _: &'a Rule) {
        self.end();
        let now = Instant::now();
        self.0.push((now, now, false));
    }

    fn holds(&mut self, _: &'a Rule) {
        if let Some((.., holds)) = self.0.last_mut() {
            *holds = true;
        }
    }
}
