//! Runs a rule over made-up requests when the policy is loaded, to find type errors that no check finds.
//!
//! A rule may rightly fail on some data (text that is no JSON, a list that is too short), so only type errors count,
//! which every request would meet, and any error of a constant expression.

use crate::expression::{Environment, Expression, Failure};
use crate::rule::{Rule, Then};
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, Value};

/// The depth to which messages are filled, since some are recursive.
const DEPTH: usize = 4;

/// Returns the first such error of a rule over an empty request, or one with every field set.
pub(crate) fn run(
    rule: &Rule,
    request: &MessageDescriptor,
    environment: &Environment,
) -> Result<(), Failure> {
    for request in [DynamicMessage::new(request.clone()), full(request, DEPTH)] {
        environment.start_decision();
        let evaluation = environment.evaluation(&request);
        let when = &rule.when.expression;
        only_certain(when, evaluation.condition(when))?;
        let Then::Edit(edits) = &rule.then else {
            continue;
        };
        for edit in edits {
            only_certain(&edit.value.expression, edit.evaluate(&evaluation))?;
        }
    }
    Ok(())
}

fn only_certain<T>(expression: &Expression, result: Result<T, Failure>) -> Result<(), Failure> {
    match result {
        Err(failure) if failure.is_type_error || expression.is_constant() => Err(failure),
        _ => Ok(()),
    }
}

/// A message with every field set. No request holds a map, so maps stay empty.
fn full(message: &MessageDescriptor, depth: usize) -> DynamicMessage {
    let mut full = DynamicMessage::new(message.clone());
    for field in message.fields().filter(|field| depth > 0 && !field.is_map()) {
        let value = match field.kind() {
            Kind::Message(message) => Value::Message(self::full(&message, depth - 1)),
            Kind::String => Value::String("text".to_owned()),
            Kind::Bool => Value::Bool(true),
            other => Value::default_value(&other),
        };
        full.set_field(&field, if field.is_list() { Value::List(vec![value]) } else { value });
    }
    full
}
