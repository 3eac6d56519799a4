//! Fields marked `(sensitive)` in no line of the log, in a process of its own: every crate logs at level trace here.

use std::future::pending;
use std::sync::Arc;
use std::thread;

use callback_decider::serve::Server;
use callback_gateway::openim::contract::{self as callbacks, Callback};
use contract::FieldOptions;
use harness::{Client, Decider, Gateway, Port, Request, STYLES, Says, log};
use policy::Policy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::Status;

const SECRET: &str = "s3cret-of-a-user";

#[test]
fn the_value_of_a_sensitive_field_is_in_no_line_of_the_log() {
    log::keep("trace");
    let bodies = bodies();
    assert_eq!(bodies.len(), sensitive_fields(), "one is not a request's own field, or is missing");
    for (callback, field, body) in &bodies {
        decided_by_a_decider(callback, body);
        decided_by_rules(callback, field, body);
    }
    for expected in ["TRACE h2", "allowed", "denied", "no decision", "refused", "int failed"] {
        assert!(!log::lines_with(expected).is_empty(), "no {expected:?} in the log");
    }
    assert_eq!(log::lines_with(SECRET), [""; 0]);
}

/// Each callback with a sensitive field, the field, and the callback's sample with the secret in it.
fn bodies() -> Vec<(&'static Callback, String, Value)> {
    let callbacks = contract::callbacks().flat_map(|callback| {
        let request = callback.rpc.input();
        let fields = request.fields().filter(|field| FieldOptions::of(field).sensitive);
        let command = callback.option.command;
        fields.map(|field| (command.clone(), field)).collect::<Vec<_>>()
    });
    let body = |(command, field): (String, prost_reflect::FieldDescriptor)| {
        let callback = callbacks::find(&command).expect("the same contract");
        let mut body: Value = serde_json::from_str(callback.sample).expect("a sample");
        body[field.json_name()] = json!(SECRET);
        (callback, field.name().to_owned(), body)
    };
    callbacks.map(body).collect()
}

/// The number of sensitive fields in all messages.
fn sensitive_fields() -> usize {
    let descriptors = contract::descriptors();
    let fields =
        descriptors.all_messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    fields.filter(|field| FieldOptions::of(field).sensitive).count()
}

fn decided_by_a_decider(callback: &Callback, body: &Value) {
    let answers: [Says; 5] = [
        json!({}).into(),
        json!({ "denial": { "reason": "spam" } }).into(),
        json!({ "users": [{ "userID": "nobody", "nickname": "x" }] }).into(),
        Status::internal("broken").into(),
        Status::unimplemented("").into(),
    ];
    for answer in answers {
        let decider = Decider::saying(answer);
        let gateway = Gateway::start(&decider.url(), "");
        send(&mut gateway.connect(), callback, &body.to_string());
        let asked = decider.asked();
        assert!(!asked.is_empty());
        assert!(asked.iter().all(|asked| asked.request.to_string().contains(SECRET)));
    }
}

fn decided_by_rules(callback: &Callback, field: &str, body: &Value) {
    let conditions = ["false", "request.FIELD != ''", "int(request.FIELD) == 1"]
        .map(|c| c.replace("FIELD", field));
    for condition in conditions {
        let rpc = callback.name;
        let text = format!("rules: [{{name: r, on: [{rpc}], when: \"{condition}\", deny: {{}}}}]");
        let policy = Policy::parse("policy.yaml", &text).unwrap_or_else(|e| panic!("{text}\n{e}"));
        let port = Port::free();
        let listener = port.listen();
        // It serves until the process ends.
        thread::spawn(move || serve(listener, policy));
        let gateway = Gateway::start(&port.url(), "");
        send(&mut gateway.connect(), callback, &body.to_string());
    }
}

#[tokio::main(flavor = "current_thread")]
async fn serve(listener: std::net::TcpListener, policy: Policy) {
    let listener = TcpListener::from_std(listener).expect("it does not block");
    Server::default().serve(listener, Arc::new(policy), pending()).await.expect("it serves");
}

/// Sends a body in both styles, and then bodies with the secret that are refused for their form.
fn send(client: &mut Client, callback: &Callback, body: &str) {
    let cut_off = &body[..body.len() - 1];
    let in_a_list = body.replace(&format!("\"{SECRET}\""), &format!("[\"{SECRET}\"]"));
    for style in STYLES {
        let target = Request::callback(style, callback.command, &json!({})).target;
        for body in [body, cut_off, &in_a_list] {
            let _ = client.send(&Request::post(target.clone(), body)).verdict(style);
        }
    }
}
