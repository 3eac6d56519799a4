//! A rule for one rpc: its evaluation over a request.

use crate::convert;
use crate::decision::RuleFailure;
use crate::expression::{Environment, Evaluation, Expression, Failure};
use crate::file::{Mode, OnError};
use crate::keyed;
use crate::request_view::RequestView;
use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, Value};
use serde::de::IgnoredAny;
use serde_saphyr::Location;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};

/// A rule with its rpc, and its place.
pub(crate) struct Compiled {
    pub(crate) rpc: MethodDescriptor,
    pub(crate) rule: Rule,
    /// The number of the rule's file.
    pub(crate) file: usize,
    /// The place of the rule in the file.
    pub(crate) place: Location,
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

/// Follows an evaluation. `()` does nothing, so that it costs nothing.
pub(crate) trait Observer<'a> {
    /// The rule is asked next.
    fn asked(&mut self, _rule: &'a Rule) {}

    /// Its condition holds.
    fn holds(&mut self, _rule: &'a Rule) {}
}

impl Observer<'_> for () {}

/// The effect of a rule that holds.
pub(crate) enum Effect<'a> {
    Deny(DynamicMessage),
    Allow,
    Edit {
        values: Vec<(&'a Edit, Value)>,
        /// The request as later rules see it, if it has changed.
        edited: Option<DynamicMessage>,
    },
}

impl Effect<'_> {
    pub(crate) fn verdict(&self) -> &'static str {
        match self {
            Self::Deny(_) => "deny",
            Self::Allow => "allow",
            Self::Edit { .. } => "edit",
        }
    }
}

/// An expression that failed, and its place.
pub(crate) struct Failed<'a> {
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
    pub(crate) fn evaluate<'a>(
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

    pub(crate) fn failure<'a>(&'a self, Failed { place, failure }: Failed<'a>) -> RuleFailure<'a> {
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
    pub(crate) fn set(&self, response: &mut DynamicMessage, value: Value) {
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
    use super::*;
    use crate::expression::{Library, SyntaxTree};
    use std::collections::BTreeMap;

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
