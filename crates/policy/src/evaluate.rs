//! A policy: rules in an order, each for some rpcs, that deny calls or edit them.

use crate::convert;
use crate::denial;
use crate::expression::budget::{self, Budget};
use crate::expression::{Environment, Evaluation, Expression, Failure};
use crate::file::{Mode, OnError};
use crate::finding::Finding;
use crate::keyed;
use crate::request_view::RequestView;
use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, Value};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::panic::{self, AssertUnwindSafe};

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

/// A rule, compiled for one rpc.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) when: Placed,
    pub(crate) then: Then,
    pub(crate) mode: Mode,
    pub(crate) on_error: OnError,
    /// The response where the rule fails and denies, but for the reason.
    pub(crate) failed: DynamicMessage,
}

/// An expression, and its place: `file:line:column`.
pub(crate) struct Placed {
    pub(crate) expression: Expression,
    pub(crate) place: String,
}

pub(crate) enum Then {
    /// The whole response, which is the same for every request.
    Deny(DynamicMessage),
    Edit(Vec<Edit>),
    /// Later rules are not asked.
    Allow,
}

pub(crate) struct Edit {
    pub(crate) field: FieldDescriptor,
    /// The key of a keyed list's entries.
    pub(crate) key: Option<String>,
    /// The gateway accepts only text that holds a JSON object.
    pub(crate) is_json_object: bool,
    pub(crate) value: Placed,
    pub(crate) request_view: Option<RequestView>,
}

/// The decision of a policy.
pub struct Decision<'a> {
    /// The rpc's response.
    pub response: DynamicMessage,
    /// The rule that denied, if one did.
    pub denied_by: Option<&'a str>,
    /// A rule denied, edited or allowed. Else the call is allowed for want of any.
    pub has_verdict: bool,
    /// The rules that held, but are of `mode: log`.
    pub logged: Vec<Logged<'a>>,
    /// The rules that failed. Of these the last one denied, unless it is skipped.
    pub failures: Vec<RuleFailure<'a>>,
}

/// A rule of `mode: log` that held.
#[derive(Debug)]
pub struct Logged<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Its verdict, had it been enforced: `deny`, `edit` or `allow`.
    pub verdict: &'static str,
}

/// A rule that failed over a request.
#[derive(Debug, thiserror::Error)]
#[error("rule {rule:?} failed at {place}: {why}")]
pub struct RuleFailure<'a> {
    /// The rule.
    pub rule: &'a str,
    /// The expression that failed: `file:line:column`.
    pub place: &'a str,
    /// The decision that followed.
    pub on_error: OnError,
    /// The cause, without the content of the request.
    pub why: String,
}

/// Follows an evaluation. `()` does nothing, so that it costs nothing.
pub(crate) trait Observer<'a> {
    /// The rule is asked next.
    fn asked(&mut self, _rule: &'a Rule) {}

    /// Its condition holds.
    fn holds(&mut self, _rule: &'a Rule) {}
}

impl Observer<'_> for () {}

impl Policy {
    /// The number of rules, all rpcs together.
    pub fn rules(&self) -> usize {
        self.rule_names.len()
    }

    /// The hash of its files, see [`Sources::hash`](crate::Sources::hash).
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What is suspicious in its files, in their order.
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

/// The effect of a rule that holds.
enum Effect<'a> {
    Deny(DynamicMessage),
    Allow,
    Edit {
        values: Vec<(&'a Edit, Value)>,
        /// The request as later rules see it, if it has changed.
        edited: Option<DynamicMessage>,
    },
}

impl Effect<'_> {
    fn verdict(&self) -> &'static str {
        match self {
            Self::Deny(_) => "deny",
            Self::Allow => "allow",
            Self::Edit { .. } => "edit",
        }
    }
}

/// An expression that failed, and its place.
struct Failed<'a> {
    place: &'a str,
    failure: Failure,
}

impl Placed {
    /// Runs what evaluates the expression, or what uses its value. A panic is a failure too.
    fn run<T>(&self, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failed<'_>> {
        // The hook has logged the panic.
        let result = panic::catch_unwind(AssertUnwindSafe(run));
        let panicked = || Err(Failure::wrong_value("it panicked, which is a bug"));
        let result = result.unwrap_or_else(|_| panicked());
        result.map_err(|failure| Failed { place: &self.place, failure })
    }
}

impl Rule {
    /// Evaluates the rule; none if it does not hold. All its edits see the same request.
    fn evaluate<'a>(
        &'a self,
        environment: &Environment,
        request: &DynamicMessage,
        observer: &mut impl Observer<'a>,
    ) -> Result<Option<Effect<'a>>, Failed<'a>> {
        let evaluation = environment.evaluation(request);
        if !self.when.run(|| evaluation.condition(&self.when.expression))? {
            return Ok(None);
        }
        observer.holds(self);
        Ok(Some(match &self.then {
            Then::Deny(response) => Effect::Deny(response.clone()),
            Then::Allow => Effect::Allow,
            Then::Edit(edits) => {
                let values = edits
                    .iter()
                    .map(|edit| Ok((edit, edit.value.run(|| edit.evaluate(&evaluation))?)))
                    .collect::<Result<Vec<_>, Failed<'_>>>()?;
                let edited = edited(request, &values)?;
                Effect::Edit { values, edited }
            }
        }))
    }

    fn failure<'a>(&'a self, Failed { place, failure }: Failed<'a>) -> RuleFailure<'a> {
        let why = failure.to_string();
        RuleFailure { rule: &self.name, place, on_error: self.on_error, why }
    }
}

/// The request with these edits, if they change it.
fn edited<'a>(
    request: &DynamicMessage,
    values: &[(&'a Edit, Value)],
) -> Result<Option<DynamicMessage>, Failed<'a>> {
    let mut edited = None;
    for (edit, value) in values {
        if let Some(request_view) = &edit.request_view {
            let edited = edited.get_or_insert_with(|| request.clone());
            edit.value.run(|| request_view.apply(value, edited))?;
        }
    }
    Ok(edited)
}

impl Edit {
    pub(crate) fn evaluate(&self, evaluation: &Evaluation<'_>) -> Result<Value, Failure> {
        let value = convert::convert(&*evaluation.value(&self.value.expression)?, &self.field)?;
        if self.is_json_object && !value.as_str().is_some_and(is_json_object) {
            return Err(Failure::wrong_value(format!("{} is no JSON object", self.field.name())));
        }
        Ok(value)
    }

    /// Sets the field. The entries of a keyed list join those that earlier rules set.
    fn set(&self, response: &mut DynamicMessage, value: Value) {
        match (&self.key, value) {
            (Some(key), Value::List(edits)) => {
                let earlier = response.get_field_mut(&self.field).as_list_mut();
                keyed::join(edits, earlier.expect("only lists have a key"), key);
            }
            (_, value) => response.set_field(&self.field, value),
        }
    }
}

/// True if the gateway accepts the text as a JSON object.
fn is_json_object(text: &str) -> bool {
    serde_json::from_str::<HashMap<String, IgnoredAny>>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use crate::expression::{Library, SyntaxTree};

    use super::*;

    #[test]
    fn a_panic_is_a_failure() {
        let request = contract::rpcs().next().expect("an rpc").input();
        let mut library = Library::new(BTreeMap::new());
        let checked = SyntaxTree::new("true")
            .and_then(|tree| tree.check(&request, &mut library).map_err(|mut all| all.remove(0)))
            .expect("an expression");
        let placed = Placed { expression: checked.expression, place: "policy.yaml:1:1".to_owned() };
        let Err(failed) = placed.run::<()>(|| panic!("on purpose")) else { panic!("no failure") };
        assert_eq!(failed.failure.to_string(), "it panicked, which is a bug");
    }
}
