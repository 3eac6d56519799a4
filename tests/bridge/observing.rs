//! The operators' view: one count and one line in the log for each callback, by its outcome.

use harness::{Decider, Gateway, Port, Request, STYLES, Says, Style, Verdict, log};
use serde_json::{Value, json};
use tonic::Status;

const BEFORE: &str = "callbackBeforeAddBlackCommand";
const AFTER: &str = "callbackAfterUserOnlineCommand";
const REMARK: &str = "callbackBeforeSetFriendRemarkCommand";
const PUSH: &str = "callbackBeforeOfflinePushCommand";
const INFO_EX: &str = "callbackBeforeUpdateUserInfoExCommand";
const MODIFY: &str = "callbackBeforeMsgModifyCommand";

/// Sends one callback, and returns its counts and its lines of the log.
fn observe(decider: &str, command: &str, body: &Value) -> (Vec<String>, String) {
    log::keep("callback_gateway=debug");
    let gateway = Gateway::start(decider, "defaults.deadline = '300ms'");
    // Names the lines of this call: others are logged at the same time.
    let id = uuid::Uuid::now_v7().to_string();
    let request = Request::callback(Style::Path, command, body).header("operationID", id.as_str());
    let _ = gateway.send(&request).verdict(Style::Path);
    let metrics = gateway.metrics();
    let counted = metrics.lines().filter(|l| !l.starts_with('#') && l.ends_with(" 1"));
    let counted = counted.filter(|l| l.contains("_total{")).map(str::to_owned).collect();
    (counted, log::lines_with(&id).join("\n"))
}

fn counted(metrics: &[String], name: &str, labels: &str) -> bool {
    metrics.iter().any(|line| *line == format!("callback_gateway_{name}_total{{{labels}}} 1"))
}

/// An outcome of a callback, and the text in its line of the log.
struct Row {
    command: &'static str,
    says: Says,
    counted: (&'static str, &'static str),
    logged: &'static [&'static str],
}

fn rows() -> Vec<Row> {
    let row = |command, says: Says, counted, logged| Row { command, says, counted, logged };
    let denial = json!({ "denial": { "message": "shown", "reason": "spam\nforged line" } });
    let remark = json!({ "remark": "x" });
    let text = json!({ "content": "[]" });
    vec![
        row(BEFORE, json!({}).into(), ("beforeAddBlack", "allow"), &["DEBUG", "allowed"]),
        row(REMARK, remark.into(), ("beforeSetFriendRemark", "edit"), &["DEBUG", "edited=true"]),
        row(
            BEFORE,
            denial.into(),
            ("beforeAddBlack", "deny"),
            &["INFO", "denied", r#"reason="spam\nforged line""#, r#"shown="shown""#],
        ),
        row(
            BEFORE,
            Status::unimplemented("").into(),
            ("beforeAddBlack", "unimplemented_deny"),
            &["WARN", r#"rpc="BeforeAddBlack""#, "Unimplemented"],
        ),
        row(
            PUSH,
            Status::internal("rule 7").into(),
            ("beforeOfflinePush", "failed_allow"),
            &["WARN", "rule 7", "verdict=Allow"],
        ),
        row(AFTER, json!({}).into(), ("afterUserOnline", "delivered"), &["DEBUG", "allowed"]),
        row(AFTER, Says::Nothing, ("afterUserOnline", "failed"), &["WARN", "deadline"]),
        row(
            MODIFY,
            text.into(),
            ("beforeMsgModify", "failed_deny"),
            &["WARN", "wrong answer: content holds no JSON object"],
        ),
    ]
}

#[test]
fn each_callback_is_counted_and_logged_by_how_it_ended() {
    for Row { command, says, counted: (callback, outcome), logged } in rows() {
        let (metrics, log) = observe(&Decider::saying(says).url(), command, &json!({}));
        let labels = format!("callback=\"{callback}\",outcome=\"{outcome}\"");
        assert!(counted(&metrics, "callbacks", &labels), "{labels}: {metrics:#?}");
        assert_eq!(log.lines().count(), 1, "{labels}: {log}");
        for word in [&[callback, command, "callback_id="], logged].concat() {
            assert!(log.contains(word), "{word}: {log}");
        }
    }
}

#[test]
fn a_wrong_answer_is_counted_beside_its_verdict() {
    let decider = Decider::saying(json!({ "content": "[]" }));
    let (metrics, _) = observe(&decider.url(), MODIFY, &json!({}));
    assert!(counted(&metrics, "wrong_answers", "callback=\"beforeMsgModify\""), "{metrics:#?}");
}

#[test]
fn an_edit_that_is_dropped_is_counted_and_logged() {
    let decider = Decider::saying(json!({ "nickName": "x" }));
    let (metrics, log) = observe(&decider.url(), INFO_EX, &json!({ "nickName": null }));
    assert!(
        counted(&metrics, "dropped_edits", "callback=\"beforeUpdateUserInfoEx\""),
        "{metrics:#?}"
    );
    assert!(log.contains("field=\"nickname\"") && log.contains("dropped"), "{log}");
}

#[test]
fn a_code_that_is_replaced_is_logged() {
    let decider = Decider::saying(json!({ "denial": { "code": 42 } }));
    let (_, log) = observe(&decider.url(), BEFORE, &json!({}));
    assert!(log.contains("42 is no refusal code"), "{log}");
}

#[test]
fn a_refused_body_is_counted_and_its_values_are_not_logged() {
    let decider = Decider::allowing();
    let body = json!({ "secret": 12345 });
    let (metrics, log) = observe(&decider.url(), "callbackBeforeUserRegisterCommand", &body);
    let labels = "callback=\"beforeUserRegister\",outcome=\"refused\"";
    assert!(counted(&metrics, "callbacks", labels), "{metrics:#?}");
    assert!(log.contains("secret: expected a string") && !log.contains("12345"), "{log}");
}

#[test]
fn a_decider_that_is_down_is_logged_with_the_cause() {
    let (_, log) = observe(&Port::free().url(), BEFORE, &json!({}));
    assert!(log.to_lowercase().contains("connection refused"), "{log}");
}

#[test]
fn who_may_not_call_gets_an_id_under_which_the_log_has_the_reason() {
    log::keep("callback_gateway=debug");
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "callers.networks = ['10.0.0.0/8']");
    for style in STYLES {
        let response = gateway.call(style, BEFORE, &json!({}));
        let Verdict::Refuse { detail, .. } = response.verdict(style) else {
            panic!("{response:?}")
        };
        let lines = log::lines_with(&format!("callback_id={detail}"));
        assert_eq!(lines.len(), 1, "{lines:#?}");
        for word in ["WARN", "refused", "callbacks are not taken from this address", "127.0.0.1"] {
            assert!(lines[0].contains(word), "{word}: {}", lines[0]);
        }
    }
}

#[test]
fn what_settings_answer_is_counted_apart_from_what_a_decider_says() {
    for (command, key) in [(BEFORE, "beforeAddBlack"), (AFTER, "afterUserOnline")] {
        for answer in ["allow", "deny"] {
            if (command, answer) == (AFTER, "deny") {
                continue;
            }
            let decider = Decider::allowing();
            let settings = format!("[callbacks.{key}]\nanswer = '{answer}'");
            let gateway = Gateway::start(&decider.url(), &settings);
            let _ = gateway.call(Style::Path, command, &json!({})).verdict(Style::Path);
            let outcome =
                format!("callbacks_total{{callback=\"{key}\",outcome=\"answered_{answer}\"}}");
            assert_eq!(gateway.metric(&outcome), 1.0, "{}", gateway.metrics());
        }
    }
}
