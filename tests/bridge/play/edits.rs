//! The difference of edits to what OpenIM sent.

use callback_gateway::play::{Decision, Outcome};
use harness::Decider;
use serde_json::{Value, json};

use super::{edited, edits_of, play};

/// The changes that an outcome's edits make.
fn changed(outcome: &Outcome) -> Value {
    edits_of(outcome).changes.clone().into()
}

#[test]
fn the_difference_to_what_openim_sent_is_found_in_every_list_of_edits() {
    let body = json!({"callbackCommand": "callbackBeforeUserRegisterCommand",
        "users": [{"userID": "u1", "nickname": " Ann", "createTime": 7}, {"userID": "u2"}]});
    let edit = json!({"users": [{"userID": "u1", "nickname": "Ann"}, {"userID": "u2"}]});
    let outcome = play(&Decider::saying(edit).url(), "", &body);
    assert_eq!(edited(&outcome)["users"][0]["createTime"], 7, "the gateway completes it");
    assert_eq!(changed(&outcome), json!({"users": [{"userID": "u1", "nickname": "Ann"}]}));

    let body = json!({"callbackCommand": "callbackBeforeMembersJoinGroupCommand",
        "memberList": [{"userID": "u1", "ex": "x"}, {"userID": "u2", "ex": "x"}]});
    let edit = json!({"memberCallbackList": [{"userID": "u2", "ex": "x", "nickname": ""}]});
    let outcome = play(&Decider::saying(edit).url(), "", &body);
    let expected = json!({"memberCallbackList": [{"userID": "u2", "nickname": ""}]});
    assert_eq!(changed(&outcome), expected);

    let body = json!({"callbackCommand": "callbackBeforeMsgModifyCommand", "content": "{}",
        "senderNickname": "Ann", "faceURL": "a.png", "atUserList": ["u1"]});
    let edit = json!({"senderNickname": "Ann", "senderFaceURL": "a.png",
        "atUserIDList": {"values": ["u1"]}});
    let outcome = play(&Decider::saying(edit).url(), "", &body);
    assert!(matches!(outcome.decision, Decision::Allow), "{outcome:?}");
}

#[test]
fn of_the_notification_of_a_push_what_changes_is_the_edit() {
    let body = json!({"callbackCommand": "callbackBeforeOfflinePushCommand",
        "title": "New message", "desc": "Alice: hello", "options": {"history": true}});
    let push = |desc: &str| json!({"offlinePushInfo": {"title": "New message", "desc": desc}});
    let outcome = play(&Decider::saying(push("a message")).url(), "", &body);
    assert_eq!(changed(&outcome), json!({"offlinePushInfo": {"desc": "a message"}}));
    let outcome = play(&Decider::saying(push("Alice: hello")).url(), "", &body);
    assert!(matches!(outcome.decision, Decision::Allow), "{outcome:?}");
}

#[test]
fn a_number_that_openim_sent_as_text_is_no_edit_when_it_comes_back() {
    let body = json!({"callbackCommand": "callbackBeforeUserRegisterCommand",
        "users": [{"userID": "u1", "createTime": "7", "globalRecvMsgOpt": "\u{2}"}]});
    let edit = json!({"users": [{"userID": "u1", "createTime": 7, "globalRecvMsgOpt": 2}]});
    let outcome = play(&Decider::saying(edit).url(), "", &body);
    assert!(matches!(outcome.decision, Decision::Allow), "{outcome:?}");
}
