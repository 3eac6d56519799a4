//! A policy: rules in an order, each for some rpcs, that deny calls or edit them.

use crate::decision::{Decision, Logged};
use crate::denial;
use crate::expression::Environment;
use crate::expression::budget::{self, Budget};
use crate::file::{Mode, OnError};
use crate::finding::Finding;
use crate::rule::{Effect, Failed, Observer, Rule};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The rules of a policy's files, checked and ready to decide.
pub struct Policy {
    pub(crate) environment: Environment,
    /// The rules of each rpc, by its full name, in the files' order.
    pub(crate) rules: BTreeMap<String, Vec<Rule>>,
    /// The names of all rules, in the files' order.
    pub(crate) rule_names: Vec<String>,
    pub(crate) hash: String,
    pub(crate) warnings: Vec<Finding>,
}

impl Policy {
    /// The number of rules, all rpcs together.
    pub fn rules(&self) -> usize {
        self.rule_names.len()
    }

    /// The hash of its files, see [`Sources::hash`](crate::Sources::hash).
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The warnings about its files, in their order.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The names of the rpcs that have rules.
    pub fn rpcs(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().filter_map(|rpc| rpc.rsplit('.').next())
    }

    /// Applies the rules for `rpc` one after the other: the first denial wins, and every rule sees the edits of those
    /// before it. A rule that fails, or panics, denies or is skipped, as its `on_error` says. If no rule denies, the
    /// call is allowed.
    pub fn evaluate(&self, rpc: &MethodDescriptor, request: &DynamicMessage) -> Decision<'_> {
        self.evaluate_observed(rpc, request, &mut ())
    }

    /// The same, observed.
    pub(crate) fn evaluate_observed<'a>(
        &'a self,
        rpc: &MethodDescriptor,
        request: &DynamicMessage,
        observer: &mut impl Observer<'a>,
    ) -> Decision<'a> {
        self.environment.start_decision();
        let mut request = Cow::Borrowed(request);
        let response = DynamicMessage::new(rpc.output());
        let mut decision = Decision {
            response,
            denied_by: None,
            has_verdict: false,
            logged: vec![],
            failures: vec![],
        };
        // That of the rules that are tried, so that they change nothing for those that are enforced.
        let mut tried = Budget::FULL;
        for rule in self.rules.get(rpc.full_name()).into_iter().flatten() {
            observer.asked(rule);
            let is_tried = rule.mode == Mode::Log;
            let enforced = is_tried.then(|| budget::replace(tried));
            let result = rule.evaluate(&self.environment, &request, observer);
            if result.is_err() && rule.on_error == OnError::Skip {
                budget::go_on();
            }
            if let Some(enforced) = enforced {
                tried = budget::replace(enforced);
            }
            let effect = match result {
                Ok(Some(effect)) => effect,
                Ok(None) => continue,
                Err(failed) => match decision.failed(rule, failed) {
                    Some(effect) => effect,
                    None => continue,
                },
            };
            if is_tried {
                decision.logged.push(Logged { rule: &rule.name, verdict: effect.verdict() });
                continue;
            }
            decision.has_verdict = true;
            match effect {
                Effect::Deny(response) => {
                    decision.response = response;
                    decision.denied_by = Some(&rule.name);
                    break;
                }
                Effect::Allow => break,
                Effect::Edit { values, edited } => {
                    for (edit, value) in values {
                        edit.set(&mut decision.response, value);
                    }
                    request = edited.map_or(request, Cow::Owned);
                }
            }
        }
        decision
    }
}

impl<'a> Decision<'a> {
    /// Notes the failure of a rule, and returns what follows from it, if anything does.
    fn failed(&mut self, rule: &'a Rule, failed: Failed<'a>) -> Option<Effect<'a>> {
        let failure = rule.failure(failed);
        let reason = failure.to_string();
        self.failures.push(failure);
        match rule.on_error {
            OnError::Deny => Some(Effect::Deny(denial::with_reason(&rule.failed, &reason))),
            OnError::Skip => None,
        }
    }
}
