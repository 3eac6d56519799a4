//! A test file as it is written, checked against a policy.

use super::case::Case;
use super::outcome::Outcome;
use crate::evaluate::Policy;
use crate::expression::no_field;
use crate::file;
use crate::mistakes::Mistakes;
use crate::rpcs::Rpcs;
use process::suggest;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};
use serde::Deserialize;
use serde_json::{Map, Value};
use serde_saphyr::Spanned;
use std::collections::HashMap;

/// Fields of a message in proto's JSON, by their names in proto.
pub(crate) type Fields = HashMap<Spanned<String>, Spanned<Value>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenCase {
    name: String,
    rpc: Spanned<String>,
    /// Fields that are left out are unset.
    #[serde(default)]
    request: Fields,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expectation {
    Allow,
    Unimplemented,
    Deny(WrittenDenial),
    Edit(Fields),
}

/// The parts of a denial that count.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDenial {
    code: Option<i32>,
    message: Option<String>,
    detail: Option<String>,
    rule: Option<Spanned<String>>,
}

/// Reads the cases of a file. Those with mistakes may be left out.
pub(super) fn parse(
    policy: &Policy,
    rpcs: &Rpcs,
    file: &str,
    text: &str,
    mistakes: &mut Mistakes<'_>,
) -> Vec<Case> {
    let written: Vec<Spanned<WrittenCase>> = match file::read(text) {
        Ok(written) => written,
        Err((place, text)) => {
            mistakes.add(&place, text);
            return vec![];
        }
    };
    if written.is_empty() {
        mistakes.add_to_file("it has no case".to_owned());
    }
    let mut cases = Vec::new();
    for Spanned { value: WrittenCase { name, rpc, request, expect }, referenced, .. } in written {
        let rpc = match rpcs.find(&rpc.value) {
            Ok(rpc) => rpc.clone(),
            Err(text) => {
                mistakes.add(&rpc.referenced, text);
                continue;
            }
        };
        let request = message(request, &rpc.input(), mistakes);
        let expected = expect.check(policy, &rpc, mistakes);
        let (file, line) = (file.to_owned(), referenced.line());
        cases.push(Case { file, line, name, rpc, request, expected });
    }
    cases
}

impl Expectation {
    fn check(
        self,
        policy: &Policy,
        rpc: &MethodDescriptor,
        mistakes: &mut Mistakes<'_>,
    ) -> Outcome {
        match self {
            Self::Allow => Outcome::Allow,
            Self::Unimplemented => Outcome::Unimplemented,
            Self::Deny(WrittenDenial { code, message, detail, rule }) => {
                if let Some(rule) = &rule {
                    let rules = policy.rules.get(rpc.full_name()).into_iter().flatten();
                    let rules: Vec<_> = rules.map(|rule| rule.name.as_str()).collect();
                    if !rules.contains(&rule.value.as_str()) {
                        let suggestion = suggest(&rule.value, rules);
                        let text =
                            format!("no rule {:?} for {}{suggestion}", rule.value, rpc.name());
                        mistakes.add(&rule.referenced, text);
                    }
                }
                let rule = rule.map(|rule| rule.value);
                let texts = [("message", message), ("detail", detail), ("rule", rule)];
                let parts = texts.map(|(part, text)| (part, text.map(Value::from)));
                let parts = parts.into_iter().chain([("code", code.map(Value::from))]);
                let parts = parts.filter_map(|(part, value)| Some((part.to_owned(), value?)));
                Outcome::Deny(parts.collect())
            }
            Self::Edit(fields) => Outcome::of_edits(&message(fields, &rpc.output(), mistakes)),
        }
    }
}

/// The message with these fields. Of each field that is wrong there is a mistake.
pub(crate) fn message(
    fields: Fields,
    type_: &MessageDescriptor,
    mistakes: &mut Mistakes<'_>,
) -> DynamicMessage {
    let mut message = DynamicMessage::new(type_.clone());
    for (Spanned { value: name, referenced: place, .. }, value) in fields {
        let Some(field) = type_.get_field_by_name(&name) else {
            mistakes.add(&place, no_field(&name, type_));
            continue;
        };
        let mut unknown = Vec::new();
        unknown_members(&value.value, &field, &mut unknown);
        if !unknown.is_empty() {
            unknown.into_iter().for_each(|text| mistakes.add(&value.referenced, text));
            continue;
        }
        let object = Value::Object(Map::from_iter([(name.clone(), value.value)]));
        match DynamicMessage::deserialize(type_.clone(), object) {
            Ok(part) if part.has_field(&field) => {
                message.set_field(&field, part.get_field(&field).into_owned());
            }
            Ok(_) => {}
            Err(error) => mistakes.add(&value.referenced, format!("{name}: {error}")),
        }
    }
    message
}

/// Adds a text for each member that the messages in a field's value do not have.
fn unknown_members(value: &Value, field: &FieldDescriptor, unknown: &mut Vec<String>) {
    let Kind::Message(type_) = field.kind() else {
        return;
    };
    match value {
        Value::Array(entries) => {
            entries.iter().for_each(|entry| unknown_members(entry, field, unknown));
        }
        Value::Object(members) if !field.is_map() => {
            for (name, value) in members {
                match type_.get_field_by_name(name) {
                    Some(member) => unknown_members(value, &member, unknown),
                    None => unknown.push(no_field(name, &type_)),
                }
            }
        }
        _ => {}
    }
}
