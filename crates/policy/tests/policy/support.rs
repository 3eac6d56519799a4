//! Helpers of the tests: policies from text, requests and responses as JSON by proto field names.

use policy::Policy;
use prost_reflect::{DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;

pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse("policy.yaml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// True if the condition holds for a BeforeUpdateUserInfo request; the failure if that can't be told.
pub(crate) fn holds(condition: &str, request: Value) -> Result<bool, String> {
    let policy = policy(&format!(
        "lists: {{words: [casino, Grüße]}}
rules:
  - name: condition
    on: [BeforeUpdateUserInfo]
    deny: {{}}
    when: |
      {condition}
"
    ));
    let response = decide(&policy, "BeforeUpdateUserInfo", request)?;
    Ok(response.get("denial").is_some())
}

/// The mistakes in a policy, one a line.
pub(crate) fn mistakes(text: &str) -> String {
    match Policy::parse("policy.yaml", text) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    }
}

/// The response to a request, or the first failure of a rule.
pub(crate) fn decide(policy: &Policy, rpc_name: &str, request: Value) -> Result<Value, String> {
    let rpc = rpc(rpc_name);
    let request = DynamicMessage::deserialize(rpc.input(), request).expect("a request of the rpc");
    let decision = policy.evaluate(&rpc, &request);
    if let Some(failure) = decision.failures.first() {
        return Err(format!("rule {:?} failed: {}", failure.rule, failure.why));
    }
    Ok(json(&decision.response))
}

/// The response to a request, and the failures of rules on the way.
pub(crate) fn decide_in_spite(
    policy: &Policy,
    rpc_name: &str,
    request: Value,
) -> (Value, Vec<String>) {
    let rpc = rpc(rpc_name);
    let request = DynamicMessage::deserialize(rpc.input(), request).expect("a request of the rpc");
    let decision = policy.evaluate(&rpc, &request);
    (json(&decision.response), decision.failures.iter().map(ToString::to_string).collect())
}

pub(crate) fn rpc(name: &str) -> MethodDescriptor {
    contract::rpcs().find(|rpc| rpc.name() == name).expect("the contract has the rpc")
}

fn json(response: &DynamicMessage) -> Value {
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .use_enum_numbers(true);
    let json = serde_json::value::Serializer;
    response.serialize_with_options(json, &options).expect("messages have a JSON form")
}
