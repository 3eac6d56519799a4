//! Runs the examples of docs/policy.md, so that none can be wrong.

use crate::support::{decide, holds, mistakes, policy};
use crate::warnings::{CONTENTS, warnings};
use policy::Policy;
use serde_json::{Value, json};

const REFERENCE: &str = include_str!("../../../../docs/policy.md");

/// The policies that the reference shows.
fn policies() -> impl Iterator<Item = &'static str> {
    let blocks = REFERENCE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.contains("rules:"))
}

/// The policy that has a rule of this name.
fn recipe(rule: &str) -> Policy {
    let block = policies().find(|block| block.contains(&format!("name: {rule}\n")));
    policy(block.expect("the reference has the rule"))
}

/// The cells of the tables in a section, of rows that hold code.
fn rows(section: &str) -> Vec<Vec<String>> {
    let (_, rest) = REFERENCE.split_once(&format!("\n## {section}\n")).expect("it is there");
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let rows = section.lines().filter(|line| line.starts_with('|') && line.ends_with("` |"));
    let cells = |line: &str| {
        let cells = line.split(" | ").map(|cell| cell.trim_matches(['|', ' ']).replace("\\|", "|"));
        cells.map(|cell| cell.trim_matches('`').to_owned()).collect()
    };
    rows.map(cells).collect()
}

fn code(rule: &str, rpc: &str, request: Value) -> Option<i64> {
    decide(&recipe(rule), rpc, request).expect("no rule fails").pointer("/denial/code")?.as_i64()
}

#[test]
fn every_policy_of_the_reference_loads_without_a_warning() {
    assert!(policies().count() > 5);
    for text in policies() {
        assert_eq!(warnings(text), "", "{text}");
    }
}

#[test]
fn every_example_of_the_reference_gives_its_result() {
    let rows = rows("Operators and functions");
    assert!(rows.len() > 50);
    for row in rows {
        let [.., example, result] = &row[..] else { panic!("{row:?}") };
        assert_eq!(holds(&format!("({example}) == ({result})"), json!({})), Ok(true), "{row:?}");
    }
}

#[test]
fn every_mistake_in_the_reference_is_told_so() {
    let rows = rows("Mistakes");
    assert!(rows.len() > 5);
    for row in rows {
        let [condition, mistake] = &row[..] else { panic!("{row:?}") };
        let told = mistakes_of(&format!("when: |\n      {condition}"));
        assert!(told.lines().count() == 1 && told.ends_with(mistake), "{row:?}: {told}");
    }
}

#[test]
fn every_warning_in_the_reference_is_told_so_and_not_about_what_to_write_instead() {
    let rows = rows("Warnings");
    assert!(rows.len() > 10);
    for row in rows {
        let [written, warning, instead] = &row[..] else { panic!("{row:?}") };
        let told = warnings(&with(written));
        assert!(told.lines().count() == 1 && told.ends_with(warning), "{row:?}: {told}");
        assert_eq!(warnings(&with(instead)), "", "{row:?}");
        assert_eq!(fails(written), warning.contains(" fails "), "{row:?}");
        assert!(!fails(instead), "{row:?}");
    }
}

/// True if a rule of the policy fails on some content.
fn fails(line: &str) -> bool {
    let policy = policy(&with(line));
    let decided = |ex: &&str| decide(&policy, "BeforeUpdateUserInfo", json!({"ex": ex}));
    CONTENTS.iter().any(|ex| decided(ex).is_err())
}

/// A policy of two rules, in the first of which a key has this value, or in the whole file.
fn with(line: &str) -> String {
    let key = line.split(':').next().expect("a key");
    let lines = ["lists: {words: [a]}", "when: request.ex == 'y'", "deny: {}"];
    let [lists, when, deny] = lines.map(|other| match other.split_once(':') {
        Some((other_key, _)) if other_key == key => line,
        _ => other,
    });
    format!(
        "{lists}
rules:
  - name: r
    on: [BeforeUpdateUserInfo]
    {when}
    {deny}
  - {{name: last, on: [BeforeUpdateUserInfo], when: request.ex in lists.words, deny: {{}}}}
"
    )
}

#[test]
fn what_yaml_takes_for_something_else_loads_as_the_reference_writes_it() {
    let rows = rows("What YAML makes of it");
    assert!(rows.len() > 5);
    for row in rows {
        let [written, _, instead] = &row[..] else { panic!("{row:?}") };
        assert_ne!(mistakes_of(written), "", "{row:?}");
        assert_eq!(mistakes_of(instead), "", "{row:?}");
    }
}

/// The mistakes of a rule whose `when` is written like this.
fn mistakes_of(when: &str) -> String {
    mistakes(&format!(
        "lists: {{words: [a]}}
rules:
  - name: r
    on: [BeforeUpdateUserInfo]
    {when}
    deny: {{}}
"
    ))
}

#[test]
fn edits_do_what_the_reference_says() {
    let policy = recipe("a single value");
    let edited = |rpc, request| decide(&policy, rpc, request).expect("no rule fails");
    let renamed = edited("BeforeUpdateUserInfo", json!({"nickname": " Ann "}));
    assert_eq!(renamed, json!({"nickname": "Ann", "ex": "renamed"}));
    let mention = |sender| json!({"msg": {"send_id": sender, "at_user_ids": ["AtAllTag"]}});
    assert_eq!(edited("BeforeMsgModify", mention("u9")), json!({"at_user_ids": {}}));
    assert_eq!(edited("BeforeMsgModify", mention("u1")), json!({}));
    let friends = json!({"owner_user_id": "u1", "friend_user_ids": ["u1", "u2"]});
    assert_eq!(edited("BeforeImportFriends", friends), json!({"friend_user_ids": ["u2"]}));
    let push = json!({"content_type": 101, "offline_push_info": {"title": "t", "desc": "d"}});
    let info = json!({"title": "t", "desc": "New message", "ios_badge_count": true});
    assert_eq!(edited("BeforeOfflinePush", push), json!({"offline_push_info": info}));
    let users = json!({"users": [{"user_id": "u1", "nickname": "Ann"}, {"user_id": "u2"}]});
    let named = json!({"users": [{"user_id": "u2", "nickname": "user u2"}]});
    assert_eq!(edited("BeforeUserRegister", users), named);
}

#[test]
fn reserved_names_are_refused_with_whatever_is_between_their_letters() {
    let changed = |name| code("disguised name", "BeforeUpdateUserInfo", json!({"nickname": name}));
    assert_eq!(changed("A d\u{200b}min"), Some(5001));
    assert_eq!(changed("administrate"), None);
    let registered = |name| {
        let users = json!({"users": [{"nickname": name}]});
        code("disguised name at registration", "BeforeUserRegister", users)
    };
    assert_eq!(registered("SUPPORT "), Some(5001));
    assert_eq!(registered("Ann"), None);
}

#[test]
fn registration_needs_an_invitation_code() {
    let registered = |request| code("invitation code", "BeforeUserRegister", request);
    assert_eq!(registered(json!({"secret": "SPRING-7F3A"})), None);
    assert_eq!(registered(json!({"secret": "openIM123"})), Some(5003));
    assert_eq!(registered(json!({})), Some(5003));
}

#[test]
fn only_moderators_send_links() {
    let sent = |sender, content| {
        let msg = json!({"send_id": sender, "content": content});
        code("links", "BeforeSendGroupMsg", json!({"msg": msg}))
    };
    assert_eq!(sent("u9", r#"{"content":"https:\/\/example.org"}"#), Some(5004));
    assert_eq!(sent("u9", "WWW.example.org"), Some(5004));
    assert_eq!(sent("u9", r#"{"content":"hello"}"#), None);
    assert_eq!(sent("u1", "https://example.org"), None);
}

#[test]
fn words_are_masked() {
    let modified = |content| {
        let msg = json!({"content_type": 101, "content": content});
        decide(&recipe("masked words"), "BeforeMsgModify", json!({"msg": msg}))
    };
    let masked = json!({"content": r#"{"content":"the ******"}"#});
    assert_eq!(modified(r#"{"content":"the Casino"}"#), Ok(masked));
    assert_eq!(modified(r#"{"content":"hello"}"#), Ok(json!({})));
    assert_eq!(modified("no JSON"), Ok(json!({})));
    assert_eq!(modified("a casino"), Ok(json!({"content": r#"{"content":"a ******"}"#})));
}

#[test]
fn pictures_are_small_or_refused() {
    let sent = |content_type, content| {
        let msg = json!({"content_type": content_type, "content": content});
        code("large picture", "BeforeSendGroupMsg", json!({"msg": msg}))
    };
    assert_eq!(sent(102, r#"{"sourcePicture":{"size":5000000}}"#), None);
    assert_eq!(sent(102, r#"{"sourcePicture":{"size":5000001}}"#), Some(5007));
    assert_eq!(
        sent(102, r#"{"sourcePicture":{"size":1},"SourcePicture":{"Size":5000001}}"#),
        Some(5007)
    );
    assert_eq!(sent(102, r#"{"sourcePicture":{"size":1e9}}"#), Some(5007));
    assert_eq!(sent(102, "[]"), Some(5007));
    assert_eq!(sent(101, "[]"), None);
}

#[test]
fn some_groups_are_quiet_at_night() {
    // 2026-01-31, 12:00 UTC.
    let noon = 1_769_860_800_000_i64;
    let sent = |group, from, time| {
        let msg = json!({"msg_from": from, "send_time": time});
        code("quiet hours", "BeforeSendGroupMsg", json!({"msg": msg, "group_id": group}))
    };
    let night = noon + 10 * 3_600_000;
    assert_eq!(sent("g1", 100, night), Some(5005));
    assert_eq!(sent("g1", 100, noon), None);
    assert_eq!(sent("g1", 200, night), None);
    assert_eq!(sent("g3", 100, night), None);
    assert_eq!(sent("g1", 100, 0), None);
}

#[test]
fn only_founders_make_groups() {
    let made = |owner| {
        let members =
            json!([{"user_id": "u2", "role_level": 20}, {"user_id": owner, "role_level": 100}]);
        code(
            "who may make groups",
            "BeforeCreateGroup",
            json!({"group": {"init_members": members}}),
        )
    };
    assert_eq!(made("u1"), None);
    assert_eq!(made("u9"), Some(5006));
}
