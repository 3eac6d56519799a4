//! Bodies that are not the callback's JSON.

use harness::{Request, STYLES, Style};
use serde_json::{Value, json};

use super::requests::{body, open};
use super::{ADD_BLACK, REGISTER, USER_ONLINE};

#[test]
fn a_body_that_is_not_one_json_object_is_refused() {
    let fixture = open();
    let deep = format!("{{\"x\":{}", "[".repeat(100_000));
    let whole = body(ADD_BLACK);
    let control = format!("{{\"callbackCommand\":\"{ADD_BLACK}\",\"x\":\"a\nb\"}}");
    for (what, body) in [
        ("nothing", ""),
        ("space", "  \r\n"),
        ("text", "hello"),
        ("half an object", &whole[..whole.len() - 1]),
        ("an array", "[]"),
        ("an array around it", &format!("[{whole}]")),
        ("text in quotes", &json!(whole).to_string()),
        ("null", "null"),
        ("a number", "1"),
        ("text after it", &format!("{whole}x")),
        ("two of them", &format!("{whole}{whole}")),
        ("a form", &format!("callbackCommand={ADD_BLACK}")),
        ("a control character", &control),
        ("deep nesting", &deep),
        ("a byte order mark", &format!("\u{feff}{whole}")),
    ] {
        for style in STYLES {
            let url = Request::callback(style, ADD_BLACK, &json!({})).target;
            eprintln!("{what}");
            fixture.refuses(&Request::post(url, body), style, 400, "the body can't be read");
        }
    }
}

#[test]
fn space_around_the_body_is_no_mistake() {
    let fixture = open();
    let request = Request::post(format!("/{ADD_BLACK}"), format!(" \t{}\r\n", body(ADD_BLACK)));
    assert!(fixture.gateway.send(&request).verdict(Style::Path).is_allow());
}

#[test]
fn a_body_without_a_command_is_refused() {
    let fixture = open();
    for body in ["{}", r#"{"callbackcommand":"x"}"#, r#"{"callbackCommand":null}"#] {
        for style in STYLES {
            let url = Request::callback(style, ADD_BLACK, &json!({})).target;
            fixture.refuses(&Request::post(url, body), style, 400, "no callbackCommand");
        }
    }
}

#[test]
fn a_value_of_a_wrong_type_is_refused_by_its_name() {
    let fixture = open();
    let register = |users: Value| (REGISTER, "users", json!({ "users": users }));
    let online = |key: &'static str, value: Value| (USER_ONLINE, key, json!({ key: value }));
    let message = |key: &'static str, value: Value| {
        ("callbackBeforeSendSingleMsgCommand", key, json!({ key: value }))
    };
    let push = |key: &'static str, value: Value| {
        ("callbackBeforeOfflinePushCommand", key, json!({ key: value }))
    };
    for (command, key, body) in [
        register(json!("u1")),
        register(json!(1)),
        register(json!(true)),
        register(json!(["u1"])),
        register(json!([1])),
        register(json!([[]])),
        register(json!([["u1", "Alice"]])),
        register(json!([{ "userID": "u1" }, []])),
        register(json!([{ "userID": 1 }])),
        register(json!([{ "userID": ["u1"] }])),
        register(json!([{ "userID": {} }])),
        register(json!([{ "createTime": "soon" }])),
        register(json!({ "userID": 1 })),
        online("userID", json!(1)),
        online("userID", json!({})),
        online("seq", json!("x")),
        online("seq", json!(1.5)),
        online("seq", json!(true)),
        online("seq", json!([])),
        online("seq", json!(18446744073709551615_u64)),
        online("seq", json!("99999999999999999999")),
        online("platformID", json!(2147483648_u64)),
        online("isAppBackground", json!("true")),
        online("isAppBackground", json!(1)),
        message("content", json!({})),
        message("sendID", json!([])),
        message("atUserList", json!("u1")),
        message("atUserList", json!([1])),
        message("atUserList", json!([["u1"]])),
        message("seq", json!({})),
        push("iOSBadgeCount", json!("yes")),
        push("title", json!(1)),
        push("userIDList", json!({ "a": 1 })),
    ] {
        for style in STYLES {
            let response = fixture.gateway.call(style, command, &body);
            eprintln!("{command} {body}");
            fixture.assert_refused(&response, style, 400, key);
        }
    }
}

#[test]
fn lists_of_messages_are_bounded_and_lists_of_ids_are_not() {
    let fixture = open();
    let users = json!({ "users": vec![json!({}); 10_001] });
    let response = fixture.gateway.call(Style::Path, REGISTER, &users);
    fixture.assert_refused(&response, Style::Path, 400, "users: more than 10000 entries in lists");
    let ids = json!({ "userIDList": vec!["u1"; 20_000] });
    let response = fixture.gateway.call(Style::Path, "callbackBeforeOfflinePushCommand", &ids);
    assert!(response.verdict(Style::Path).is_allow());
}
