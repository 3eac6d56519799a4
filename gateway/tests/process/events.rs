//! `events` as a command, before a gateway that runs.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread;

use callback_decider::serve::{Decide, Server};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::{Value, json};
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::support::{
    Running, UNAVAILABLE, USAGE, answer, directory, free_address, gateway, output,
};

/// A decider that takes no event until it is mended, and records the ids of those that it takes.
#[derive(Clone, Default)]
struct Refusing {
    is_mended: Arc<AtomicBool>,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Decide for Refusing {
    async fn decide(
        &self,
        rpc: &MethodDescriptor,
        metadata: &MetadataMap,
        _: DynamicMessage,
    ) -> Result<DynamicMessage, Status> {
        if !self.is_mended.load(Relaxed) {
            return Err(Status::invalid_argument("bad \u{1b}[31mword"));
        }
        let id = metadata.get("callback-id").and_then(|id| id.to_str().ok());
        self.taken.lock().expect("no panic").push(id.expect("an id").to_owned());
        Ok(DynamicMessage::new(rpc.output()))
    }
}

impl Refusing {
    /// Serves it, and returns its URL.
    fn serve(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a setting of the socket");
        let address = listener.local_addr().expect("an address");
        let decide = self.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
                Server::default().serve(listener, decide, std::future::pending()).await
            })
        });
        format!("http://{address}")
    }
}

/// A gateway that keeps events, with more settings.
fn start(test: &str, decider: &str, settings: &str) -> Running {
    let directory = directory(test);
    let file = directory.join("gateway.toml");
    let text = format!("{settings}\n[events]\ndirectory = {:?}", directory.join("events"));
    fs::write(&file, text).expect("a place for files");
    Running::start(gateway().args(["--decider", decider, "--config"]).arg(file))
}

fn tell(running: &Running, to: &str) {
    let body = json!({
        "callbackCommand": "callbackAfterSendSingleMsgCommand",
        "sendID": "u1",
        "recvID": to,
        "content": "a-word",
    });
    let body = body.to_string();
    let mut client = running.connect();
    let head = "POST /callbackAfterSendSingleMsgCommand HTTP/1.1\r\nHost: x\r\nContent-Length:";
    write!(client, "{head} {}\r\n\r\n{body}", body.len()).expect("it reads");
    assert!(answer(&mut client).starts_with("HTTP/1.1 200"));
}

/// The command line of `events` for a gateway.
fn events(running: &Running, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callback-gateway"));
    command.env_clear().args(["events", "--admin", &running.admin.to_string()]).args(arguments);
    command
}

/// The output of `events`, which must end so.
fn ends(running: &Running, arguments: &[&str], code: i32) -> String {
    let (ended, said) = output(&mut events(running, arguments));
    assert_eq!(ended, Some(code), "{arguments:?}: {said}");
    said
}

/// The lines of JSON that `events` prints.
fn json_of(running: &Running, arguments: &[&str]) -> Vec<Value> {
    let said = ends(running, &[&["--json"], arguments].concat(), 0);
    let objects = said.lines().filter(|line| line.starts_with('{'));
    objects.map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn dead_letters_are_found_replayed_and_dropped() {
    let decider = Refusing::default();
    let running = start("dead-letters", &decider.serve(), "");
    ["u2", "u2", "u3"].iter().for_each(|to| tell(&running, to));
    running.wait_for_metric("callback_gateway_events_dead 3");

    let status = ends(&running, &["status"], 0);
    assert!(status.contains("store      disk\n") && status.contains("dead       3\n"), "{status}");
    assert_eq!(json_of(&running, &["status"])[0]["dead"], 3);
    let list = ends(&running, &["list", "--dead", "--callback", "AfterSendSingleMsg"], 0);
    assert_eq!(list.lines().count(), 4, "a head and three rows: {list}");
    assert!(list.contains("default:u1,u3") && list.contains(r"bad \u{1b}[31mword"), "{list}");
    let listed = json_of(&running, &["list", "--key", "default:u1,u2"]);
    let ids: Vec<_> = listed.iter().map(|event| event["id"].as_str().expect("an id")).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(json_of(&running, &["list", "--limit", "1", "--since", "1h"]).len(), 1);
    let none = ends(&running, &["list", "--ignored"], 1);
    assert_eq!(none, "no event matches\n");

    let shown = ends(&running, &["show", ids[0]], 0);
    assert!(shown.contains("attempt 1     20") && !shown.contains("a-word"), "{shown}");
    let shown = ends(&running, &["show", ids[0], "--body"], 0);
    assert!(shown.contains(r#""content": "a-word""#), "{shown}");

    assert_eq!(ends(&running, &["drop", ids[0]], 0), "dropped 1\n");
    assert_eq!(ends(&running, &["show", ids[0]], 1), "no event has this id\n");
    assert_eq!(ends(&running, &["drop", ids[0]], 1), "dropped 0\nno event matches\n");
    decider.is_mended.store(true, Relaxed);
    assert_eq!(json_of(&running, &["replay", ids[1]]), [json!({ "replayed": 1 })]);
    running.wait_for_metric("callback_gateway_events_dead 1");
    running.wait_for_metric("callback_gateway_events_waiting 0");
    assert_eq!(*decider.taken.lock().expect("no panic"), [ids[1]]);
    assert_eq!(ends(&running, &["replay", "--dead", "--since", "1h"], 0), "replayed 1\n");
    running.wait_for_metric("callback_gateway_events_dead 0");
    running.wait_for_metric("callback_gateway_events_waiting 0");
    assert_eq!(decider.taken.lock().expect("no panic").len(), 2);
}

#[test]
fn the_token_of_the_same_settings_is_sent() {
    let token = directory("events-token").join("token");
    fs::write(&token, "s3cret\n").expect("a place for files");
    let settings = format!("admin_token_file = {token:?}");
    let running = start("events-tokens", &Refusing::default().serve(), &settings);
    let drop = ["drop", "--dead"];
    let refused = ends(&running, &drop, UNAVAILABLE);
    assert!(refused.contains("401") && refused.contains("admin_token_file"), "{refused}");
    assert_eq!(ends(&running, &["list"], UNAVAILABLE), refused);
    ends(&running, &["status"], 0);
    let file = token.with_file_name("gateway.toml");
    fs::write(&file, &settings).expect("a place for files");
    let nothing = "dropped 0\nno event matches\n";
    let with_file = output(events(&running, &drop).arg("--config").arg(file));
    assert_eq!(with_file, (Some(1), nothing.to_owned()));
    let with_variable =
        output(events(&running, &drop).env("CALLBACK_GATEWAY_ADMIN_TOKEN", "s3cret"));
    assert_eq!(with_variable, (Some(1), nothing.to_owned()));
    let missing = output(events(&running, &drop).env("CALLBACK_GATEWAY_ADMIN_TOKEN", ""));
    assert_eq!(missing.0, Some(USAGE), "{}", missing.1);
    let (_, said) = output(&mut events(&running, &["show", "--help"]));
    assert!(!said.contains("s3cret"), "{said}");
}

#[test]
fn the_reason_is_said_where_there_are_no_events() {
    let running = Running::start(&mut gateway());
    let said = ends(&running, &["status"], UNAVAILABLE);
    assert!(said.contains("keeps no events"), "{said}");
    let nobody = free_address().to_string();
    let (code, said) = output(gateway().args(["events", "status", "--admin", &nobody]));
    assert!(code == Some(UNAVAILABLE) && said.contains("does the gateway run"), "{said}");
}

/// The address of an admin port that gives these answers.
fn answering<const COUNT: usize>(answers: [(u16, &'static str); COUNT]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for (status, body) in answers {
            let (mut stream, _) = listener.accept().expect("a connection");
            let _ = stream.read(&mut [0; 4096]).expect("a request");
            let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", body.len());
            write!(stream, "{head}{body}").expect("it reads");
        }
    });
    address
}

#[test]
fn an_answer_of_any_server_can_not_steer_the_terminal() {
    for answer in [(503, "no\u{1b}[31m\r\n"), (200, r#"{"records": [{"state": "\u001b[31m"}]}"#)] {
        let address = answering([answer]);
        let (code, said) = output(gateway().args(["events", "list", "--admin", &address]));
        assert_eq!(code, Some(UNAVAILABLE), "{said:?}");
        let is_escaped =
            said.contains(r"\u{1b}[31m") && !said.trim_end().contains(char::is_control);
        assert!(is_escaped, "{said:?}");
    }
}

#[test]
fn an_act_that_fails_half_way_says_how_many_it_changed() {
    let address = answering([(200, r#"{"records": 10000, "next": 7}"#), (503, "busy")]);
    let (code, said) = output(gateway().args(["events", "drop", "--dead", "--admin", &address]));
    assert_eq!(code, Some(UNAVAILABLE), "{said}");
    assert!(said.starts_with("dropped 10000\n") && said.contains("503"), "{said}");
}

#[test]
fn a_wrong_argument_is_a_mistake_and_so_is_an_act_without_a_selection() {
    for arguments in [
        &["drop"][..],
        &["replay"],
        &["drop", "--since", "1h"],
        &["replay", "--key", "k"],
        &["replay", "--waiting"],
        &["drop", "--dead", "--ignored"],
        &["replay", "--since", "soon"],
        &["show", "x"],
        &["list", "--limit", "0"],
    ] {
        let (code, said) = output(gateway().arg("events").args(arguments));
        assert_eq!(code, Some(USAGE), "{arguments:?}: {said}");
    }
}
