//! Properties of every request. `PROPTEST_CASES` sets the number of requests; they are the same each time.

use std::fs;
use std::path::Path;

use callback_gateway::openim::contract::CALLBACKS;
use harness::{Decider, Gateway, Request, STYLES, Style, Verdict};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

fn for_all<S: Strategy>(strategy: &S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tested = TestRunner::new_with_rng(config, rng).run(strategy, test);
    tested.unwrap_or_else(|failure| panic!("{failure}"));
}

/// Any request that parses as HTTP, but for HEAD, whose answers have no body.
fn request() -> impl Strategy<Value = Request> {
    let method = prop_oneof![
        3 => Just("POST".to_owned()),
        1 => "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}".prop_filter("has no body", |method| method != "HEAD"),
    ];
    let commands: Vec<_> = fixtures().into_iter().map(|(command, _)| command).collect();
    let command = prop_oneof![select(commands), "[ -~]{0,12}", "[A-Za-z0-9_]{1,140}"];
    let target = prop_oneof![
        "/[!-~]{0,40}",
        ("(/[a-z]{0,5}){0,3}", command.clone())
            .prop_map(|(prefix, command)| format!("{prefix}/{command}")),
        ("/[a-z]{0,5}", command.clone())
            .prop_map(|(path, command)| format!("{path}?command={command}")),
        ("/[a-z]{0,5}", "[!-~]{0,30}").prop_map(|(path, query)| format!("{path}?{query}")),
    ]
    .prop_filter("must parse", |url| !url.contains(' ') && url.parse::<http::Uri>().is_ok());
    let name = prop_oneof![
        select(vec![
            "operationID",
            "traceparent",
            "Content-Type",
            "Expect",
            "Connection",
            "Accept",
            "Cookie"
        ])
        .prop_map(str::to_owned),
        "X-[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}",
    ];
    let value = vec(prop_oneof![Just(b'\t'), 0x20..0x7f_u8, 0x80..=0xff_u8], 0..40);
    let body = prop_oneof![
        vec(any::<u8>(), 0..200),
        any_json().prop_map(|json| json.to_string().into_bytes()),
        (command, any_json()).prop_map(|(command, json)| {
            json!({ "callbackCommand": command, "x": json }).to_string().into_bytes()
        }),
    ];
    (method, target, vec((name, value), 0..6), body)
        .prop_map(|(method, target, headers, body)| Request { method, target, headers, body })
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 20, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,8}", inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Every callback with bodies as OpenIM sends them: its sample, and those in the table of cases.
fn fixtures() -> Vec<(String, Value)> {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let parse = |sample| serde_json::from_str::<Value>(sample).expect("a sample in JSON");
    let mut bodies: Vec<_> = CALLBACKS.iter().map(|callback| parse(callback.sample)).collect();
    for file in fs::read_dir(cases).expect("the table of cases") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a file of cases");
        let cases: Vec<Value> = serde_json::from_str(&text).expect("cases in JSON");
        let own = cases.into_iter().map(|mut case| case["request"].take());
        bodies.extend(own.filter(Value::is_object));
    }
    let command = |body: &Value| body["callbackCommand"].as_str().expect("a command").to_owned();
    let mut fixtures: Vec<_> = bodies.into_iter().map(|body| (command(&body), body)).collect();
    fixtures.sort_by_key(|(command, body)| (command.clone(), body.to_string()));
    fixtures
}

/// A change of one value somewhere in a body.
#[derive(Clone, Debug)]
enum Mutation {
    Delete,
    Replace(Value),
    InArray,
    InObject,
    AsText,
}

fn mutation() -> impl Strategy<Value = (Index, Mutation)> {
    let mutation = prop_oneof![
        1 => Just(Mutation::Delete),
        3 => any_json().prop_map(Mutation::Replace),
        1 => Just(Mutation::InArray),
        1 => Just(Mutation::InObject),
        1 => Just(Mutation::AsText),
    ];
    (any::<Index>(), mutation)
}

fn mutate(body: &mut Value, at: Index, mutation: Mutation) {
    let mut places = Vec::new();
    list_places(body, String::new(), &mut places);
    let place = at.get(&places);
    let (parent, key) = place.rsplit_once('/').unwrap_or_default();
    if let (Mutation::Delete, Some(Value::Object(parent))) = (&mutation, body.pointer_mut(parent)) {
        parent.remove(key);
        return;
    }
    if let Some(value) = body.pointer_mut(place) {
        *value = match mutation {
            Mutation::Delete => Value::Null,
            Mutation::Replace(value) => value,
            Mutation::InArray => json!([value]),
            Mutation::InObject => json!({ "x": value }),
            Mutation::AsText => value.to_string().into(),
        };
    }
}

/// The places of all values, as JSON pointers. No key in the fixtures needs escapes.
fn list_places(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            list.iter()
                .enumerate()
                .for_each(|(n, v)| list_places(v, format!("{place}/{n}"), places));
        }
        Value::Object(map) => {
            map.iter().for_each(|(key, v)| list_places(v, format!("{place}/{key}"), places));
        }
        _ => {}
    }
    places.push(place);
}

#[test]
fn any_request_gets_a_verdict_and_no_allow_but_the_decider_s() {
    let decider = Decider::start(|asked| match asked.rpc.starts_with("After") {
        true => json!({}),
        false => json!({ "denial": { "code": 7777 } }),
    });
    let gateway = Gateway::start(&decider.url(), "");
    for_all(&request(), |request| {
        let response = gateway.connect().try_send(&request);
        let response = response.map_err(|e| TestCaseError::fail(format!("no answer: {e}")))?;
        // A query without a command, however it is escaped, makes no query style.
        let query = request.target.contains("ommand") || request.target.contains('%');
        let styles = if query { &STYLES[..] } else { &[Style::Path] };
        let verdict = styles.iter().find_map(|style| Verdict::read(*style, &response.body).ok());
        let asked = decider.take_asked();
        let told = asked.iter().any(|asked| asked.rpc.starts_with("After"));
        match verdict {
            Some(Verdict::Refuse { .. }) => prop_assert!(!told),
            Some(Verdict::Allow(_)) => prop_assert!(told),
            None => prop_assert!(false, "no verdict: {response:?}"),
        }
        prop_assert_eq!(response.status.is_client_error(), asked.is_empty());
        Ok(())
    });
}

#[test]
fn a_callback_with_any_mistake_is_refused_or_decided() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let strategy = (select(fixtures()), vec(mutation(), 0..4), select(&STYLES[..]));
    for_all(&strategy, |((command, mut body), mutations, style)| {
        for (at, mutation) in mutations {
            mutate(&mut body, at, mutation);
        }
        let target = Request::callback(style, &command, &json!({})).target;
        let response = gateway.send(&Request::post(target, body.to_string()));
        let allowed = matches!(response.verdict(style), Verdict::Allow(_));
        prop_assert_eq!(allowed, decider.take_asked().len() == 1, "{}: {:?}", body, response);
        prop_assert_eq!(allowed, response.status == 200);
        Ok(())
    });
}

#[test]
fn bytes_that_are_no_http_get_no_allow() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    for_all(&vec(any::<u8>(), 1..300), |bytes| {
        let mut client = gateway.connect();
        client.write(&bytes);
        client.finish();
        if let Ok(response) = client.try_read() {
            prop_assert!(!matches!(
                Verdict::read(Style::Path, &response.body),
                Ok(Verdict::Allow(_))
            ));
        }
        Ok(())
    });
    let callback = gateway.call(Style::Path, "callbackBeforeAddBlackCommand", &json!({}));
    assert!(callback.verdict(Style::Path).is_allow());
}
