//! A policy: rules in an order, each for some rpcs, that deny calls or edit them.

use crate::convert;
use crate::expression::{Environment, Evaluation, Expression, Failure};
use crate::keyed;
use crate::request_view::RequestView;
use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, Value};
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// The rules of a policy file, checked and ready to decide.
pub struct Policy {
    pub(crate) environment: Environment,
    /// The rules of each rpc, by its full name, in the file's order.
    pub(crate) rules: BTreeMap<String, Vec<Rule>>,
    pub(crate) count: usize,
}

/// A rule, compiled for one rpc.
pub(crate) struct Rule {
    pub(crate) name: String,
    pub(crate) when: Expression,
    pub(crate) then: Then,
}

pub(crate) enum Then {
    /// The whole response, which is the same for every request.
    Deny(DynamicMessage),
    Edit(Vec<Edit>),
}

pub(crate) struct Edit {
    pub(crate) field: FieldDescriptor,
    /// The key of a keyed list's entries.
    pub(crate) key: Option<String>,
    /// The gateway accepts only text that holds a JSON object.
    pub(crate) is_json_object: bool,
    pub(crate) value: Expression,
    pub(crate) request_view: Option<RequestView>,
}

/// The decision of a policy.
pub struct Decision<'a> {
    /// The rpc's response.
    pub response: DynamicMessage,
    /// The rule that denied, if one did.
    pub denied_by: Option<&'a str>,
}

/// A rule failed, so there is no decision.
#[derive(Debug, thiserror::Error)]
#[error("rule {rule:?} failed: {failure}")]
pub struct RuleFailed<'a> {
    rule: &'a str,
    failure: Failure,
}

impl Policy {
    /// The number of rules, all rpcs together.
    pub fn rules(&self) -> usize {
        self.count
    }

    /// The names of the rpcs that have rules.
    pub fn rpcs(&self) -> impl Iterator<Item = &str> {
        self.rules.keys().filter_map(|rpc| rpc.rsplit('.').next())
    }

    /// Applies the rules for `rpc` one after the other: the first denial wins, and every rule sees the edits of those
    /// before it. If no rule denies, the call is allowed.
    ///
    /// # Errors
    /// When a rule can't be evaluated over this request.
    pub fn evaluate(
        &self,
        rpc: &MethodDescriptor,
        request: &DynamicMessage,
    ) -> Result<Decision<'_>, RuleFailed<'_>> {
        self.environment.start_decision();
        let mut response = DynamicMessage::new(rpc.output());
        let mut request = Cow::Borrowed(request);
        for rule in self.rules.get(rpc.full_name()).into_iter().flatten() {
            let failed = |failure| RuleFailed { rule: &rule.name, failure };
            match rule.evaluate(&self.environment, &request).map_err(failed)? {
                Outcome::Allow => {}
                Outcome::Deny(response) => {
                    return Ok(Decision { response, denied_by: Some(&rule.name) });
                }
                Outcome::Edit(edits) => {
                    for (edit, value) in edits {
                        if let Some(request_view) = &edit.request_view {
                            request_view.apply(&value, request.to_mut()).map_err(failed)?;
                        }
                        edit.set(&mut response, value);
                    }
                }
            }
        }
        Ok(Decision { response, denied_by: None })
    }
}

/// The outcome of a rule for one request.
enum Outcome<'a> {
    Allow,
    Deny(DynamicMessage),
    Edit(Vec<(&'a Edit, Value)>),
}

impl Rule {
    /// Evaluates the rule. All its edits see the same request.
    fn evaluate(
        &self,
        environment: &Environment,
        request: &DynamicMessage,
    ) -> Result<Outcome<'_>, Failure> {
        let evaluation = environment.evaluation(request);
        if !evaluation.condition(&self.when)? {
            return Ok(Outcome::Allow);
        }
        match &self.then {
            Then::Deny(response) => Ok(Outcome::Deny(response.clone())),
            Then::Edit(edits) => {
                let values = edits.iter().map(|edit| Ok((edit, edit.evaluate(&evaluation)?)));
                values.collect::<Result<_, Failure>>().map(Outcome::Edit)
            }
        }
    }
}

impl Edit {
    pub(crate) fn evaluate(&self, evaluation: &Evaluation<'_>) -> Result<Value, Failure> {
        let value = convert::convert(&*evaluation.value(&self.value)?, &self.field)?;
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
