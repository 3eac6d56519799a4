//! Each shows one rule, by a client and a server over a real connection.

use crate::handled::{Handled, REMEMBERED};
use crate::proto::message_service_client::MessageServiceClient;
use crate::proto::user_service_client::UserServiceClient;
use crate::proto::*;
use crate::{server, service::Decider};
use http::Uri;
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use std::future::pending;
use std::io::{BufRead, BufReader, PipeReader, pipe};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use tokio::net::TcpListener;
use tokio::task::yield_now;
use tonic::{Code, Request, Status, body::Body};
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

/// Unlike tonic's own it has no timer, so that deadlines are the server's affair alone.
type Http = Client<HttpConnector, Body>;

/// What all tests log.
static LOG: LazyLock<PipeReader> = LazyLock::new(|| {
    let (log, writer) = pipe().expect("a pipe");
    tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(writer)).init();
    log
});

async fn start() -> (Http, Uri, Arc<Decider>) {
    LazyLock::force(&LOG);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let decider = Arc::new(Decider::default());
    tokio::spawn(server::serve(listener, decider.clone(), pending()));
    let http = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    (http, origin.parse().expect("a URI"), decider)
}

async fn users() -> UserServiceClient<Http> {
    let (http, origin, _) = start().await;
    UserServiceClient::with_origin(http, origin)
}

async fn messages() -> (MessageServiceClient<Http>, Arc<Decider>) {
    let (http, origin, decider) = start().await;
    (MessageServiceClient::with_origin(http, origin), decider)
}

fn with_metadata<T: Default>(metadata: &[(&'static str, &str)]) -> Request<T> {
    let mut request = Request::new(T::default());
    for (key, value) in metadata {
        request.metadata_mut().insert(*key, value.parse().expect("ASCII"));
    }
    request
}

fn reserved() -> Option<Denial> {
    let (message, reason) = ("this nickname is reserved".into(), "reserved nickname".into());
    Some(Denial { code: 5001, message, reason, detail: String::new() })
}

/// What setting a nickname is answered with, by both rpcs that do it.
async fn updated(nickname: Option<&str>) -> (Option<Denial>, Option<String>) {
    let (mut users, nickname) = (users().await, nickname.map(String::from));
    let ex = BeforeUpdateUserInfoExRequest { nickname: nickname.clone(), ..Default::default() };
    let ex = users.before_update_user_info_ex(ex).await.expect("an answer").into_inner();
    let request = BeforeUpdateUserInfoRequest { nickname, ..Default::default() };
    let answer = users.before_update_user_info(request).await.expect("an answer").into_inner();
    assert_eq!((ex.denial, ex.nickname), (answer.denial.clone(), answer.nickname.clone()));
    (answer.denial, answer.nickname)
}

/// What the registration of users with these names, which are also their ids, is answered with.
async fn registered(names: [&str; 2]) -> BeforeUserRegisterResponse {
    let user = |name: &str| User { user_id: name.into(), nickname: name.into(), ..User::default() };
    let request = BeforeUserRegisterRequest { users: names.map(user).into(), secret: None };
    users().await.before_user_register(request).await.expect("an answer").into_inner()
}

async fn modified(content_type: ContentType, content: &str) -> Option<String> {
    let (content_type, content) = (content_type.into(), content.into());
    let request =
        BeforeMsgModifyRequest { msg: Some(Msg { content_type, content, ..Msg::default() }) };
    let answer = messages().await.0.before_msg_modify(request).await;
    answer.expect("an answer").into_inner().content
}

#[tokio::test]
async fn a_reserved_name_is_refused_with_spaces_and_capitals_too() {
    assert_eq!(updated(Some(" \tAdMiN ")).await, (reserved(), None));
}

#[tokio::test]
async fn a_name_is_trimmed_if_it_needs_that() {
    assert_eq!(updated(Some(" John Doe ")).await, (None, Some("John Doe".into())));
    assert_eq!(updated(Some("administrator")).await, (None, None));
    assert_eq!(updated(None).await, (None, None));
}

#[tokio::test]
async fn a_registration_edits_only_who_needs_it_and_one_reserved_name_refuses_all() {
    let ann =
        UserEdit { user_id: " Ann".into(), nickname: Some("Ann".into()), ..Default::default() };
    let edited = BeforeUserRegisterResponse { denial: None, users: vec![ann] };
    assert_eq!(registered([" Ann", "Bob"]).await, edited);
    let refused = BeforeUserRegisterResponse { denial: reserved(), users: vec![] };
    assert_eq!(registered([" Ann", "root"]).await, refused);
}

#[tokio::test]
async fn a_word_is_masked_and_other_content_left_alone() {
    let masked = modified(ContentType::Text, r#"{"content":"DARN, darned","n":1.10}"#).await;
    assert_eq!(masked.as_deref(), Some(r#"{"content":"****, ****ed","n":1.10}"#));
    assert_eq!(modified(ContentType::Picture, r#"{"content":"darn"}"#).await, None);
    for content in [r#"{"content":"hello"}"#, r#"{"content":["darn"]}"#, r#"["darn"]"#, "darn", ""]
    {
        assert_eq!(modified(ContentType::Text, content).await, None, "{content}");
    }
}

#[tokio::test]
async fn an_rpc_that_nobody_decides_is_unimplemented() {
    let answer = users().await.after_user_online(AfterUserOnlineRequest::default()).await;
    assert_eq!(answer.expect_err("a status").code(), Code::Unimplemented);
}

#[tokio::test]
async fn after_callbacks_are_counted_once_but_not_after_their_deadline() {
    let (mut messages, decider) = messages().await;
    let late = messages.after_send_single_msg(with_metadata(&[("grpc-timeout", "1n")])).await;
    assert_eq!(late.expect_err("a status").code(), Code::DeadlineExceeded);
    assert_eq!(decider.after_callbacks(), 0);
    messages.after_send_single_msg(with_metadata(&[])).await.expect("OK");
    let ids = [("grpc-timeout", "1M"), ("callback-id", "c1")];
    messages.after_send_group_msg(with_metadata(&ids)).await.expect("OK");
    messages.after_send_group_msg(with_metadata(&ids)).await.expect("OK");
    assert_eq!(decider.after_callbacks(), 2);
}

/// Delivers an after-callback whose work is to count.
async fn deliver(handled: &Handled, id: &str, done: &AtomicUsize) {
    let work = async {
        yield_now().await;
        done.fetch_add(1, Ordering::Relaxed);
        Ok::<_, Status>(())
    };
    handled.once(id, work).await.expect("OK");
}

#[tokio::test]
async fn a_second_delivery_does_nothing_even_at_the_same_time() {
    let (handled, done) = (Handled::default(), AtomicUsize::new(0));
    tokio::join!(deliver(&handled, "c1", &done), deliver(&handled, "c1", &done));
    deliver(&handled, "c1", &done).await;
    assert_eq!(done.into_inner(), 1);
}

#[tokio::test]
async fn what_failed_is_done_again() {
    let (handled, done) = (Handled::default(), AtomicUsize::new(0));
    let failed = handled.once("c1", async { Err(Status::unavailable("no database")) }).await;
    assert_eq!(failed.expect_err("a status").code(), Code::Unavailable);
    deliver(&handled, "c1", &done).await;
    assert_eq!(done.into_inner(), 1);
}

#[tokio::test]
async fn without_an_id_it_is_always_done() {
    let (handled, done) = (Handled::default(), AtomicUsize::new(0));
    deliver(&handled, "", &done).await;
    deliver(&handled, "", &done).await;
    assert_eq!(done.into_inner(), 2);
}

#[tokio::test]
async fn the_oldest_id_is_forgotten_first() {
    let (handled, done) = (Handled::default(), AtomicUsize::new(0));
    for id in 0..=REMEMBERED {
        deliver(&handled, &id.to_string(), &done).await;
    }
    deliver(&handled, "1", &done).await;
    assert_eq!(done.load(Ordering::Relaxed), REMEMBERED + 1);
    deliver(&handled, "0", &done).await;
    assert_eq!(done.load(Ordering::Relaxed), REMEMBERED + 2);
}

#[tokio::test]
async fn a_call_is_logged_in_one_line() {
    let ids = [("openim-operation-id", "caf%C3%A9%0A"), ("callback-id", "c1")];
    messages().await.0.before_send_single_msg(with_metadata(&ids)).await.expect("OK");
    tracing::info!("the end");
    let lines = BufReader::new(&*LOG).lines().map(|line| line.expect("UTF-8"));
    let line = lines.take_while(|line| !line.contains("the end")).find(|line| line.contains("c1"));
    let line = line.expect("a line of this call");
    assert!(
        line.contains(r#"MessageService/BeforeSendSingleMsg" operation_id="café\n""#),
        "{line}"
    );
    assert!(line.contains("status=Ok milliseconds="), "{line}");
}

#[tokio::test]
async fn health_says_that_both_services_serve() {
    let (http, origin, _) = start().await;
    let mut health = HealthClient::with_origin(http, origin);
    for name in ["", "openim.decider.v1.UserService", "openim.decider.v1.MessageService"] {
        let answer = health.check(HealthCheckRequest { service: name.into() }).await;
        assert_eq!(answer.expect("it is known").into_inner().status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn reflection_lists_the_services() {
    let (http, origin, _) = start().await;
    let mut reflection = ServerReflectionClient::with_origin(http, origin);
    let list = Some(MessageRequest::ListServices(String::new()));
    let list = ServerReflectionRequest { message_request: list, ..Default::default() };
    let answers = reflection.server_reflection_info(tokio_stream::once(list)).await;
    let answer = format!("{:?}", answers.expect("a stream").into_inner().message().await);
    for name in ["openim.decider.v1.UserService", "openim.decider.v1.MessageService"] {
        assert!(answer.contains(name), "{answer}");
    }
}
