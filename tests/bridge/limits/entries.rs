//! The limit on the entries of lists of messages: each takes a hundred times the memory of its JSON.

use std::time::{Duration, Instant};

use harness::{Decider, Gateway, Request, STYLES, Style, Verdict};
use serde_json::{Value, json};

const REGISTER: &str = "callbackBeforeUserRegisterCommand";

fn users(count: usize) -> Value {
    json!({ "users": vec![json!({}); count] })
}

#[test]
fn a_body_with_more_entries_than_the_bound_is_refused() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "limits.entries = 3");
    for style in STYLES {
        assert!(gateway.call(style, REGISTER, &users(3)).verdict(style).is_allow());
        assert_eq!(decider.take_asked().len(), 1);
        let over = gateway.call(style, REGISTER, &users(4));
        assert_eq!(over.status, 400, "{over:?}");
        match over.verdict(style) {
            Verdict::Refuse { detail, .. } => assert!(detail.contains("more than 3"), "{detail}"),
            other => panic!("{other:?}"),
        }
        assert!(decider.asked().is_empty());
    }
}

#[test]
fn a_body_full_of_empty_entries_is_refused_at_once() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let request = Request::callback(Style::Path, REGISTER, &users(349_503));
    assert!((1_040_000..=1 << 20).contains(&request.body.len()), "{}", request.body.len());
    let began = Instant::now();
    let response = gateway.send(&request);
    assert!(response.verdict(Style::Path).is_refuse());
    assert_eq!(response.status, 400, "{response:?}");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert!(decider.asked().is_empty());
}

#[test]
fn lists_of_ids_may_be_longer() {
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let ids: Vec<_> = (0..20_000).map(|n| format!("u{n}")).collect();
    let body = json!({ "userIDList": ids });
    let response = gateway.call(Style::Path, "callbackBeforeOfflinePushCommand", &body);
    assert!(response.verdict(Style::Path).is_allow(), "{response:?}");
    let asked = decider.asked_once().request;
    assert_eq!(asked["userIDList"].as_array().map(Vec::len), Some(20_000));
}
