//! The decision about a case: the one that it expects, or the one that the policy gives.

use crate::decision::Decision;
use crate::denial;
use contract::Callback;
use prost_reflect::{DynamicMessage, MethodDescriptor, SerializeOptions, Value as Field};
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};

/// A decision, in the form in which a test file has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The call is allowed as it is.
    Allow,
    /// A callback that nobody knows is left to the gateway's settings.
    Unimplemented,
    /// The call is denied: `code`, `message`, `detail` and `rule`.
    Deny(Map<String, Value>),
    /// The call is allowed with these fields of the response.
    Edit(Map<String, Value>),
}

/// A part of two outcomes that is not the same.
#[derive(Debug, PartialEq)]
pub struct Difference<'a> {
    /// The name of the field.
    pub field: &'a str,
    /// None if it should be unset.
    pub expected: Option<&'a Value>,
    /// None if it is unset.
    pub got: Option<&'a Value>,
}

impl Outcome {
    pub(crate) fn of(rpc: &MethodDescriptor, decision: &Decision<'_>) -> Self {
        if let Some(rule) = decision.denied_by {
            let denial = denial::field_of(&rpc.output());
            let denial = denial.map(|field| decision.response.get_field(&field).into_owned());
            let denial = denial.as_ref().and_then(Field::as_message);
            let mut parts = denial.map(|denial| members(denial, false)).unwrap_or_default();
            parts.remove("reason");
            parts.insert("rule".to_owned(), rule.into());
            return Self::Deny(parts);
        }
        if !decision.has_verdict && Callback::of(rpc.clone()).is_none() {
            return Self::Unimplemented;
        }
        Self::of_edits(&decision.response)
    }

    /// The outcome of a response that does not deny.
    pub(super) fn of_edits(response: &DynamicMessage) -> Self {
        match members(response, true) {
            edits if edits.is_empty() => Self::Allow,
            edits => Self::Edit(edits),
        }
    }

    pub(super) fn is_denial_by(&self, rule: &str) -> bool {
        matches!(self, Self::Deny(parts) if parts.get("rule").is_some_and(|name| name == rule))
    }

    /// True if the other one is as a case expects that expects this one.
    #[must_use]
    pub fn is_met_by(&self, got: &Self) -> bool {
        self.verdict() == got.verdict() && self.differences(got).is_empty()
    }

    /// The parts in which the other one is not as a case expects that expects this one. Of a denial only the parts that
    /// the case names count. A denial and anything else have no parts to compare.
    #[must_use]
    pub fn differences<'a>(&'a self, got: &'a Self) -> Vec<Difference<'a>> {
        let fields: BTreeSet<_> = match (self, got) {
            (Self::Deny(expected), Self::Deny(_)) => expected.keys().collect(),
            (Self::Deny(_), _) | (_, Self::Deny(_)) => return vec![],
            _ => [self, got].into_iter().filter_map(Self::parts).flat_map(Map::keys).collect(),
        };
        let part = |outcome: &'a Self, field| outcome.parts().and_then(|parts| parts.get(field));
        let both = fields.into_iter().map(|field: &String| Difference {
            field,
            expected: part(self, field),
            got: part(got, field),
        });
        both.filter(|both| both.expected != both.got).collect()
    }

    /// The parts of the denial, or the edits.
    #[must_use]
    pub fn parts(&self) -> Option<&Map<String, Value>> {
        match self {
            Self::Deny(parts) | Self::Edit(parts) => Some(parts),
            Self::Allow | Self::Unimplemented => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Unimplemented => "unimplemented",
            Self::Deny(_) => "deny",
            Self::Edit(_) => "edit",
        }
    }
}

impl Display for Outcome {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deny(parts) if parts.contains_key("rule") => {
                write!(out, "deny by rule {}", parts["rule"])
            }
            other => out.write_str(other.verdict()),
        }
    }
}

/// The members of a message by their names in proto.
fn members(message: &DynamicMessage, skip_defaults: bool) -> Map<String, Value> {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .skip_default_fields(skip_defaults);
    let members = message.serialize_with_options(serde_json::value::Serializer, &options);
    match members.expect("messages have a JSON form") {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
