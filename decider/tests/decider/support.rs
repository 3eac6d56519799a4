//! Helpers of the tests: policies from text, calls of any rpc, certificates.

use callback_decider::serve::DynamicCodec;
use policy::Policy;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use rcgen::{CertifiedKey, generate_simple_self_signed};
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
