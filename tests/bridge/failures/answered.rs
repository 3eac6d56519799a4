//! Callbacks that the settings answer, without a decider.

use harness::{Decider, Gateway, Request, STYLES};
use serde_json::json;

use super::{
    ADD_BLACK, SET_GROUP_INFO, UNKNOWN, USER_ONLINE, ask, assert_allowed, assert_refused, group,
};

fn answered(setting: &str, answer: &str) -> (Gateway, Decider) {
    let decider = Decider::allowing();
    let settings = format!("[callbacks.{setting}]\nanswer = '{answer}'");
    (Gateway::start(&decider.url(), &settings), decider)
}

#[test]
fn an_allow_sends_back_what_openim_would_lose() {
    let (gateway, decider) = answered("beforeSetGroupInfo", "allow");
    assert_allowed(&ask(&gateway, SET_GROUP_INFO, &group()), &group(), "set group info");
    assert!(decider.asked().is_empty());
    assert!(ask(&gateway, ADD_BLACK, &json!({})).is_allow());
    assert_eq!(decider.asked().len(), 2, "only the one callback is answered");
}

#[test]
fn a_denial_is_the_callbacks_own() {
    for (setting, command) in [("beforeAddBlack", ADD_BLACK), ("unknown", UNKNOWN)] {
        let (gateway, decider) = answered(setting, "deny");
        assert_refused(&ask(&gateway, command, &json!({})), setting);
        assert!(decider.asked().is_empty());
    }
}

#[test]
fn an_unknown_callback_is_allowed_without_edits() {
    let (gateway, decider) = answered("unknown", "allow");
    assert_allowed(&ask(&gateway, UNKNOWN, &json!({ "userID": "u1" })), &json!({}), UNKNOWN);
    assert!(decider.asked().is_empty());
}

#[test]
fn no_decider_is_told_of_an_after_callback() {
    let (gateway, decider) = answered("afterUserOnline", "allow");
    assert!(ask(&gateway, USER_ONLINE, &json!({ "userID": "u1" })).is_allow());
    assert!(decider.asked().is_empty());
}

#[test]
fn what_is_no_callback_is_refused_all_the_same() {
    let (gateway, _) = answered("beforeAddBlack", "allow");
    for style in STYLES {
        let mut request = Request::callback(style, ADD_BLACK, &json!({}));
        request.body = b"{".to_vec();
        assert!(gateway.send(&request).verdict(style).is_refuse());
        let wrong_type = gateway.call(style, ADD_BLACK, &json!({ "ownerUserID": {} }));
        assert!(wrong_type.verdict(style).is_refuse(), "{wrong_type:?}");
        request.body = json!({ "callbackCommand": SET_GROUP_INFO }).to_string().into();
        assert!(gateway.send(&request).verdict(style).is_refuse());
    }
}
