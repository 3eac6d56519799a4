//! What the tests share: policies from text, requests and responses as JSON by proto field names.

use callback_decider::Policy;
use callback_decider::server::DynamicCodec;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor, SerializeOptions};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use tempfile::TempDir;
use tonic::client::Grpc;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(crate) fn rpc(name: &str) -> MethodDescriptor {
    contract::rpcs().find(|rpc| rpc.name() == name).expect("the contract has the rpc")
}

pub(crate) fn policy(text: &str) -> Policy {
    Policy::parse("policy.yaml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// Whether the condition holds for a BeforeUpdateUserInfo request, or why that can't be told.
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
    let rpc = rpc(rpc_name);
    let request = DynamicMessage::deserialize(rpc.input(), request).expect("a request of the rpc");
    let decision = policy.evaluate(&rpc, &request).map_err(|failed| failed.to_string())?;
    let options = SerializeOptions::new()
        .use_proto_field_name(true)
        .stringify_64_bit_integers(false)
        .use_enum_numbers(true);
    let json = serde_json::value::Serializer;
    Ok(decision.response.serialize_with_options(json, &options).expect("messages have a JSON form"))
}

/// Calls an rpc of a server.
pub(crate) async fn call(
    channel: &Channel,
    rpc: &MethodDescriptor,
    request: DynamicMessage,
) -> Result<DynamicMessage, Status> {
    let path = format!("/{}/{}", rpc.parent_service().full_name(), rpc.name());
    call_path(channel, &path, rpc.output(), Request::new(request)).await
}

/// Calls anything that a server may have.
pub(crate) async fn call_path(
    channel: &Channel,
    path: &str,
    response: MessageDescriptor,
    request: Request<DynamicMessage>,
) -> Result<DynamicMessage, Status> {
    let mut client = Grpc::new(channel.clone());
    client.ready().await.expect("the server is there");
    let path = path.parse().expect("a path");
    Ok(client.unary(request, path, DynamicCodec::new(response)).await?.into_inner())
}

/// A directory with `cert.pem`, a certificate for these names that signed itself, and `key.pem`, its key.
pub(crate) fn certify(names: &[&str]) -> TempDir {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(names).expect("a certificate");
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("cert.pem"), cert.pem()).expect("a file");
    std::fs::write(directory.path().join("key.pem"), signing_key.serialize_pem()).expect("a file");
    directory
}
