//! Helpers of the tests: policies from text, requests and responses as JSON by proto field names.

use policy::Policy;
use prost_reflect::{DynamicMessage, SerializeOptions};
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

/// The response to a request, or why there is none.
pub(crate) fn decide(policy: &Policy, rpc_name: &str, request: Value) -> Result<Value, String> {
    let rpc =
        contract::rpcs().find(|rpc| rpc.name() == rpc_name).expect("the contract has the rpc");
    let request = DynamicMessage::deserialize(rpc.input(), request).expect("a request of the rpc");
    let decision = policy.evaluate(&rpc, &request).map_err(|failed| failed.to_string())?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .use_enum_numbers(true);
    let json = serde_json::value::Serializer;
    Ok(decision.response.serialize_with_options(json, &options).expect("messages have a JSON form"))
}
