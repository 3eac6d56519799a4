//! Edits: the conversion of their values, and their effect on later rules.

use crate::support::{decide, policy};
use serde_json::{Value, json};

/// Decides by a policy of rules that all hold, each with one edit, written in flow style.
fn edited(rpc: &str, edits: &[&str], request: Value) -> Result<Value, String> {
    let mut text = "rules:".to_owned();
    for (number, edit) in (1..).zip(edits) {
        let name = "r".repeat(number);
        text += &format!("\n  - {{name: {name}, on: [{rpc}], when: 'true', edit: {{{edit}}}}}");
    }
    decide(&policy(&text), rpc, request)
}

#[test]
fn a_later_rule_sees_earlier_edits() {
    let edits = [r#"nickname: "request.nickname.trim()""#, r#"nickname: "request.nickname + '!'""#];
    let response = edited("BeforeUpdateUserInfo", &edits, json!({"nickname": " a "}));
    assert_eq!(response, Ok(json!({"nickname": "a!"})));
}

#[test]
fn the_edits_of_one_rule_are_all_of_the_same_request() {
    let swap = [r#"nickname: request.ex, ex: request.nickname"#];
    let response = edited("BeforeUpdateUserInfo", &swap, json!({"nickname": "a", "ex": "b"}));
    assert_eq!(response, Ok(json!({"nickname": "b", "ex": "a"})));
}

#[test]
fn a_later_rule_sees_edits_of_an_inline_message() {
    let edits = [
        r#"content: "'{}'", content_type: "110", at_user_ids: "['a']""#,
        r#"content: "toJson({'c': request.msg.content, 't': request.msg.content_type, 'a': request.msg.at_user_ids})""#,
    ];
    let response = edited("BeforeMsgModify", &edits, json!({})).expect("no rule fails");
    let content: Value =
        serde_json::from_str(response["content"].as_str().expect("a text")).expect("JSON");
    assert_eq!(content, json!({"c": "{}", "t": 110, "a": ["a"]}));
    assert_eq!(response["at_user_ids"], json!({"values": ["a"]}));
}

#[test]
fn an_edit_of_what_the_request_lacks_is_only_in_the_response() {
    let edits = [r#"options: "{'history': false, 'unreadCount': true}", attached_info: "'x'""#];
    let response = edited("BeforeMsgModify", &edits, json!({}));
    let options = json!({"values": {"history": false, "unreadCount": true}});
    assert_eq!(response, Ok(json!({"options": options, "attached_info": "x"})));
}

#[test]
fn lists_can_be_edited_and_set_to_empty() {
    let edits = [r#"friend_user_ids: "request.friend_user_ids.filter(id, id != 'b')""#];
    let response = edited("BeforeImportFriends", &edits, json!({"friend_user_ids": ["a", "b"]}));
    assert_eq!(response, Ok(json!({"friend_user_ids": ["a"]})));
    let response = edited("BeforeMsgModify", &[r#"at_user_ids: "[]""#], json!({}));
    assert_eq!(response, Ok(json!({"at_user_ids": {}})));
}

#[test]
fn a_message_is_edited_by_a_map_of_its_fields() {
    let edits = [
        r#"offline_push_info: "{'title': request.content, 'ios_badge_count': true}""#,
        r#"user_ids: "[request.offline_push_info.title]""#,
    ];
    let response = edited("BeforeOfflinePush", &edits, json!({"content": "c"}));
    let info = json!({"title": "c", "ios_badge_count": true});
    assert_eq!(response, Ok(json!({"offline_push_info": info, "user_ids": ["c"]})));
}

const USERS: &str =
    r#"users: "request.users.map(u, {'user_id': u.user_id, 'nickname': u.nickname.trim()})""#;

#[test]
fn a_later_rule_sees_the_edited_entries_of_a_keyed_list() {
    let second = r#"users: "request.users.filter(u, u.nickname == 'b').map(u, {'user_id': u.user_id, 'ex': u.nickname + u.face_url})""#;
    let users = json!([{"user_id": "1", "nickname": "a"}, {"user_id": "2", "nickname": " b", "face_url": "f"}]);
    let response = edited("BeforeUserRegister", &[USERS, second], json!({"users": users}));
    let edits =
        json!([{"user_id": "1", "nickname": "a"}, {"user_id": "2", "nickname": "b", "ex": "bf"}]);
    assert_eq!(response, Ok(json!({"users": edits})));
}

#[test]
fn an_entry_whose_key_is_unknown_or_comes_twice_is_a_failure() {
    let users = json!({"users": [{"user_id": "1"}]});
    let unknown = edited("BeforeUserRegister", &[r#"users: "[{'user_id': '2'}]""#], users.clone());
    assert_eq!(unknown, Err("rule \"r\" failed: an edit's user_id is not in the request".into()));
    let twice = r#"users: "[{'user_id': '1'}, {'user_id': '1'}]""#;
    let twice = edited("BeforeUserRegister", &[twice], users);
    assert_eq!(twice, Err("rule \"r\" failed: two edits have the same user_id".into()));
}

#[test]
fn an_edit_out_of_its_fields_range_is_a_failure() {
    let edit = |value: &str| {
        let user = format!("{{'user_id': u.user_id, 'app_manager_level': {value}}}");
        let users = format!(r#"users: "request.users.map(u, {user})""#);
        edited("BeforeUserRegister", &[&users], json!({"users": [{"user_id": "1"}]}))
    };
    let level = json!({"users": [{"user_id": "1", "app_manager_level": i32::MIN}]});
    assert_eq!(edit("-2147483648"), Ok(level));
    let failed = "rule \"r\" failed: app_manager_level is out of range";
    assert_eq!(edit("2147483648"), Err(failed.into()));
    let content_type = r#"content_type: "3000000000 + request.msg.content_type""#;
    let content_type = edited("BeforeMsgModify", &[content_type], json!({}));
    assert_eq!(content_type, Err("rule \"r\" failed: content_type is out of range".into()));
}

#[test]
fn text_that_must_be_a_json_object_is_a_failure_if_it_is_none() {
    let modified = |content: &str| {
        let request = json!({"msg": {"content": content}});
        edited("BeforeMsgModify", &["content: request.msg.content"], request)
    };
    for content in [r#" {"a": 1} "#, r#"{"a":"\ud800","b":1e999}"#] {
        assert_eq!(modified(content), Ok(json!({"content": content})));
    }
    for content in ["", "text", "[]", "null", "\"{}\"", "{", "{} {}"] {
        let failed = "rule \"r\" failed: content is no JSON object";
        assert_eq!(modified(content), Err(failed.into()), "{content}");
    }
    let answered = edited("Decide", &["edits: request.body"], json!({"body": "[]"}));
    assert_eq!(answered, Err("rule \"r\" failed: edits is no JSON object".into()));
}
