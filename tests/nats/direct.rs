//! Events as other NATS clients see them: CloudEvents.

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, Republish};
use futures_util::StreamExt;
use harness::{Decider, Nats, PATIENCE};
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::support::{gateway, tell};

#[test]
fn any_client_may_subscribe_and_an_event_that_is_published_again_is_stored_once() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let gateway = gateway(&decider, [&server], "");
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.expect("a connection");
        let mut events = client.subscribe("openim.events.>").await.expect("a subscription");
        client.flush().await.expect("a server");
        tell(&mut gateway.connect(), "g1", "hello");
        let event = timeout(PATIENCE, events.next()).await.expect("in time").expect("an event");
        // The partition must never change: what is stored already would lose its order.
        assert_eq!(event.subject.as_str(), "openim.events.32.afterSendGroupMsg");
        let headers = event.headers.expect("headers");
        let header = |name: &str| headers.get(name).map_or("", |value| value.as_str());
        decider.wait_until_asked(1);
        let asked = decider.asked_once();
        assert_eq!(header("ce-id"), asked.metadata("callback-id"));
        assert_eq!(header("ce-time"), asked.metadata("event-time"));
        let rest =
            ["ce-specversion", "ce-type", "ce-source", "ce-datacontenttype", "ce-partitionkey"];
        let expected = [
            "1.0",
            "openim.afterSendGroupMsg",
            "/callback-gateway",
            "application/protobuf",
            "default:g1",
        ];
        assert_eq!(rest.map(header), expected);
        let context = jetstream::new(client);
        let again =
            context.publish_with_headers(event.subject, headers.clone(), event.payload).await;
        assert!(again.expect("sent").await.expect("acknowledged").duplicate);
    });
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(decider.asked().len(), 1);
}

#[test]
fn a_stream_of_ones_own_gets_a_copy_of_every_event_by_republishing() {
    let Some(server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let first = gateway(&decider, [&server], "");
    let copies = runtime.block_on(async {
        let client = async_nats::connect(server.url()).await.expect("a connection");
        let context = jetstream::new(client);
        let events = context.get_stream("OPENIM_EVENTS").await.expect("the gateway's stream");
        let (source, destination) = ("openim.events.>".to_owned(), "told.>".to_owned());
        let republish = Some(Republish { source, destination, headers_only: false });
        let config = Config { republish, ..events.cached_info().config.clone() };
        context.update_stream(config).await.expect("a change of the stream");
        let (name, subjects) = ("TOLD".to_owned(), vec!["told.>".to_owned()]);
        let own = Config { name, subjects, ..Config::default() };
        context.create_stream(own).await.expect("a stream")
    });
    first.stop();
    // Another gateway takes the stream as it is.
    let second = gateway(&decider, [&server], "");
    tell(&mut second.connect(), "g1", "hello");
    decider.wait_until_asked(1);
    let copy = runtime.block_on(copies.get_raw_message(1)).expect("a copy");
    assert_eq!(copy.subject.as_str(), "told.32.afterSendGroupMsg");
    let id = copy.headers.get("ce-id").map(|id| id.as_str().to_owned());
    assert_eq!(id.as_deref(), Some(decider.asked_once().metadata("callback-id")));
}
