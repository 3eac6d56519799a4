//! The server over real sockets: what it answers whom, and how it ends.

use crate::support::{call, call_path, policy, rpc};
use callback_decider::serve::{Decide, ServeError, Server as DeciderServer};
use prost_reflect::{DynamicMessage, MethodDescriptor, ReflectMessage, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::metadata::MetadataMap;
use tonic::transport::Channel;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Longer than anything here takes.
const SOON: Duration = Duration::from_secs(4);

/// Answers by the request's own field 1, for the tests' sake: panics, waits or allows.
#[derive(Clone, Default)]
struct Fake {
    called: Arc<Notify>,
    go_on: Arc<Notify>,
}

impl Decide for Fake {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        _: &MetadataMap,
        request: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        let field = request.get_field_by_number(1);
        match field.as_deref().and_then(Value::as_str) {
            Some("panic") => panic!("as told"),
            Some("wait") => {
                self.called.notify_one();
                self.go_on.notified().await;
            }
            _ => {}
        }
        Ok(DynamicMessage::new(rpc.output()))
    }
}

struct Server {
    channel: Channel,
    stop: oneshot::Sender<()>,
    served: JoinHandle<Result<(), ServeError>>,
}

impl Server {
    async fn start(decide: impl Decide) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(DeciderServer::default().serve(listener, decide, async {
            drop(stopped.await);
        }));
        let endpoint = Channel::from_shared(format!("http://{address}")).expect("a URI");
        Self { channel: endpoint.connect().await.expect("it listens"), stop, served }
    }
}

fn request(user_id: &str) -> DynamicMessage {
    let mut request = DynamicMessage::new(rpc("BeforeUpdateUserInfo").input());
    request.set_field_by_name("user_id", Value::String(user_id.to_owned()));
    request
}

#[tokio::test]
async fn every_rpc_of_the_contract_is_served() {
    let server = Server::start(Fake::default()).await;
    for service in contract::descriptors().services() {
        for rpc in service.methods() {
            let answer = call(&server.channel, &rpc, DynamicMessage::new(rpc.input())).await;
            assert_eq!(answer.expect("an answer"), DynamicMessage::new(rpc.output()));
        }
    }
}

#[tokio::test]
async fn an_unknown_rpc_is_unimplemented() {
    let server = Server::start(Fake::default()).await;
    let path = "/openim.decider.v1.UserService/BeforeNothing";
    let answer =
        call_path(&server.channel, path, request("1").descriptor(), Request::new(request("1")))
            .await;
    assert_eq!(answer.expect_err("a status").code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_request_that_can_not_be_decoded_is_an_invalid_argument() {
    let server = Server::start(Fake::default()).await;
    // Its first field is a number, that of the request a text.
    let mut other = DynamicMessage::new(
        contract::descriptors().get_message_by_name("openim.decider.v1.Denial").expect("it exists"),
    );
    other.set_field_by_name("code", Value::I32(1));
    let answer = call(&server.channel, &rpc("BeforeUpdateUserInfo"), other).await;
    assert_eq!(answer.expect_err("a status").code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_ends_nothing_else() {
    let server = Server::start(Fake::default()).await;
    let answer = call(&server.channel, &rpc("BeforeUpdateUserInfo"), request("panic")).await;
    assert_eq!(answer.expect_err("a status").code(), Code::Internal);
    let answer = call(&server.channel, &rpc("BeforeUpdateUserInfo"), request("1")).await;
    assert!(answer.is_ok());
}

#[tokio::test]
async fn a_policy_is_served_and_a_rule_that_fails_denies() {
    let policy = policy(
        "
rules:
  - {name: fails, on: [BeforeUpdateUserInfo], when: int(request.user_id) > 5, deny: {}}
",
    );
    let server = Server::start(Arc::new(policy)).await;
    let answer = call(&server.channel, &rpc("BeforeUpdateUserInfo"), request("6")).await;
    assert!(answer.expect("a denial").has_field_by_name("denial"));
    let answer = call(&server.channel, &rpc("BeforeUpdateUserInfo"), request("s3cret")).await;
    let answer = answer.expect("a denial");
    let denial = answer.get_field_by_name("denial").expect("a field");
    let reason = denial.as_message().expect("a message").get_field_by_name("reason");
    let reason = reason.as_deref().and_then(Value::as_str);
    assert_eq!(reason, Some("rule \"fails\" failed at policy.yaml:3:53: int failed"));
}

#[tokio::test]
async fn a_command_that_the_contract_does_not_know_is_unimplemented_unless_a_rule_decides() {
    let policy = policy(
        "
rules:
  - {name: known, on: [Decide], when: request.command == 'known', allow: true}
",
    );
    let server = Server::start(Arc::new(policy)).await;
    let rpc = rpc("Decide");
    let request = |command: &str| {
        let mut request = DynamicMessage::new(rpc.input());
        request.set_field_by_name("command", Value::String(command.to_owned()));
        request
    };
    let ask = |command| call(&server.channel, &rpc, request(command));
    let answer = ask("known").await.expect("an answer");
    assert_eq!(answer, DynamicMessage::new(rpc.output()));
    assert_eq!(ask("new").await.expect_err("a status").code(), Code::Unimplemented);
}

#[tokio::test]
async fn health_is_served_for_every_service_and_ends_with_the_server() {
    let server = Server::start(Fake::default()).await;
    let mut client = HealthClient::new(server.channel.clone());
    let services =
        contract::descriptors().services().map(|s| s.full_name().to_owned()).collect::<Vec<_>>();
    for service in [vec![String::new()], services].concat() {
        let health = client.check(HealthCheckRequest { service }).await.expect("it is known");
        assert_eq!(health.into_inner().status(), ServingStatus::Serving);
    }
    let watch = client.watch(HealthCheckRequest::default()).await.expect("a stream");
    let mut watch = watch.into_inner();
    assert!(watch.message().await.expect("a status").is_some());
    server.stop.send(()).expect("it runs");
    timeout(SOON, server.served).await.expect("soon").expect("no panic").expect("no error");
}

#[tokio::test]
async fn a_call_under_way_is_finished_before_the_server_ends() {
    let fake = Fake::default();
    let server = Server::start(fake.clone()).await;
    let rpc = rpc("BeforeUpdateUserInfo");
    let answer = call(&server.channel, &rpc, request("wait"));
    let stop = async {
        fake.called.notified().await;
        server.stop.send(()).expect("it runs");
        fake.go_on.notify_one();
    };
    let (answer, ()) = tokio::join!(answer, stop);
    assert!(answer.is_ok());
    timeout(SOON, server.served).await.expect("soon").expect("no panic").expect("no error");
}

#[tokio::test]
async fn both_versions_of_reflection_know_the_contract() {
    /// The same for both generated modules.
    macro_rules! services {
        ($version:ident, $channel:expr) => {{
            use tonic_reflection::pb::$version::ServerReflectionRequest;
            use tonic_reflection::pb::$version::server_reflection_client::ServerReflectionClient;
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse;
            let request = ServerReflectionRequest {
                host: String::new(),
                message_request: Some(MessageRequest::ListServices(String::new())),
            };
            let mut client = ServerReflectionClient::new($channel);
            let answers = client.server_reflection_info(tokio_stream::once(request)).await;
            let answer = answers.expect("a stream").into_inner().message().await;
            match answer.expect("no error").and_then(|answer| answer.message_response) {
                Some(MessageResponse::ListServicesResponse(list)) => {
                    list.service.into_iter().map(|service| service.name).collect::<Vec<_>>()
                }
                other => panic!("no list of services: {other:?}"),
            }
        }};
    }
    let server = Server::start(Fake::default()).await;
    for services in
        [services!(v1, server.channel.clone()), services!(v1alpha, server.channel.clone())]
    {
        for service in contract::descriptors().services() {
            assert!(services.iter().any(|name| name == service.full_name()), "{services:?}");
        }
        assert!(services.iter().any(|name| name == "grpc.health.v1.Health"));
    }
}
