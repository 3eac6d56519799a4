//! The response of a rule that denies, and the codes that it may give.

use crate::file::Deny;
use contract::message_of;
use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, ReflectMessage, Value};
use serde_saphyr::{Location, Spanned};
use std::ops::RangeInclusive;

/// The codes that OpenIM leaves to applications: in its callback pages, and in newer documentation.
const CODES: [RangeInclusive<i32>; 2] = [5000..=9999, 20_001..=29_999];

/// The mistake in a denial, and its place, if there is one.
pub(crate) fn mistake(deny: &Deny) -> Option<(Location, String)> {
    let Spanned { value, referenced, .. } = deny.code.as_ref()?;
    let text = || format!("code {value} is not in 5000–9999 or 20001–29999");
    (!CODES.iter().any(|codes| codes.contains(value))).then(|| (*referenced, text()))
}

/// The texts that a denial sets, by their names.
pub(crate) fn texts(deny: &Deny) -> impl Iterator<Item = (&'static str, &Spanned<String>)> {
    let texts = [("message", &deny.message), ("detail", &deny.detail), ("reason", &deny.reason)];
    texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)))
}

/// The field by which a response denies. That of an after-callback has none.
pub(crate) fn field_of(response: &MessageDescriptor) -> Option<FieldDescriptor> {
    response.get_field_by_name("denial")
}

/// The response with another reason.
pub(crate) fn with_reason(response: &DynamicMessage, reason: &str) -> DynamicMessage {
    let mut response = response.clone();
    let denial = field_of(&response.descriptor());
    if let Some(denial) = denial.and_then(|field| response.get_field_mut(&field).as_message_mut()) {
        denial.set_field_by_name("reason", Value::String(reason.to_owned()));
    }
    response
}

/// The response that denies, if the type has one. Its reason is the rule's name unless it has its own.
pub(crate) fn response(
    deny: &Deny,
    rule: &str,
    response: &MessageDescriptor,
) -> Option<DynamicMessage> {
    let field = field_of(response)?;
    let mut denial = DynamicMessage::new(message_of(&field)?);
    denial.set_field_by_name("code", Value::I32(deny.code.as_ref().map_or(0, |code| code.value)));
    denial.set_field_by_name("reason", Value::String(rule.to_owned()));
    for (name, text) in texts(deny).filter(|(_, text)| !text.value.is_empty()) {
        denial.set_field_by_name(name, Value::String(text.value.clone()));
    }
    let mut response = DynamicMessage::new(response.clone());
    response.set_field(&field, Value::Message(denial));
    Some(response)
}
