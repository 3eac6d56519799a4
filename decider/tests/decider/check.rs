//! `callback-decider check`: its report, and its exit code.

use crate::process::{Decider, PROGRAM, run, shipped_policy};
use policy::Policy;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const SUSPICIOUS: &str = "lists: {idle: [a]}
rules:
  - name: level
    on: [BeforeUpdateUserInfo, BeforeUpdateUserInfoEx]
    when: parseJson(request.ex).level > 3
    deny: {}
";

const MISTAKEN: &str = "rules:
  - {name: a, on: [BeforeUpdateUserInfo], when: int(request.ex) > 3, deny: {code: 1}}
  - {name: b, on: [BeforeUpdateUserInf], when: nothing, deny: {}}
";

fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    fs::write(folder.path().join("a.yaml"), text).expect("a file");
    folder
}

/// The exit code of a check, and the lines that it prints. `DIR` is the policy's folder.
fn check(policy: &Path, flags: &[&str]) -> (Option<i32>, String) {
    let name = policy.to_string_lossy();
    let output = run(&[&["check", "--policy", &name], flags].concat());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let printed = String::from_utf8_lossy(&output.stdout);
    (output.status.code(), printed.replace(&*name, "DIR"))
}

#[test]
fn the_shipped_policy_is_valid_and_has_no_warnings() {
    let expected = "DIR: valid: 8 rules for 6 rpcs, 0 warnings\n".to_owned();
    assert_eq!(check(&shipped_policy(), &["--strict"]), (Some(0), expected));
}

#[test]
fn warnings_are_told_and_are_mistakes_only_if_strict() {
    let folder = folder(SUSPICIOUS);
    let warnings = "DIR/a.yaml:1:9: warning: list \"idle\": no rule uses it
DIR/a.yaml:5:11: warning: rule \"level\": parseJson fails on what is no JSON, or lacks a member: write \
json(x).int('a', 0) or .text('a', '')
";
    let expected = format!("{warnings}DIR: valid: 1 rule for 2 rpcs, 2 warnings\n");
    assert_eq!(check(folder.path(), &[]), (Some(0), expected));
    let expected = format!("{warnings}DIR: not valid: 2 warnings, with --strict\n");
    assert_eq!(check(folder.path(), &["--strict"]), (Some(64), expected));
}

#[test]
fn mistakes_are_told_with_the_warnings_beside_them() {
    let expected =
        "DIR/a.yaml:2:49: warning: rule \"a\": int fails on a text that is no number: write \
json(x).int('', 0)
DIR/a.yaml:2:83: rule \"a\": code 1 is not in 5000–9999 or 20001–29999
DIR/a.yaml:3:20: rule \"b\": no rpc BeforeUpdateUserInf; did you mean `BeforeUpdateUserInfo`?
DIR: not valid: 2 mistakes, 1 warning
";
    let folder = folder(MISTAKEN);
    assert_eq!(check(folder.path(), &[]), (Some(64), expected.to_owned()));
}

#[test]
fn a_policy_that_is_not_there_is_told() {
    let folder = folder("");
    let (code, printed) = check(&folder.path().join("none.yaml"), &[]);
    let expected = "DIR: No such file or directory (os error 2)
DIR: not valid: 1 mistake, 0 warnings
";
    assert_eq!((code, &*printed), (Some(64), expected));
}

/// The object that `check --json` prints.
fn report(policy: &Path, flags: &[&str]) -> (Option<i32>, Value) {
    let (code, printed) = check(policy, &[&["--json"], flags].concat());
    (code, serde_json::from_str(&printed).expect("one JSON object"))
}

#[test]
fn json_has_the_same() {
    let valid = folder(SUSPICIOUS);
    let (code, mut printed) = report(valid.path(), &[]);
    assert_eq!(code, Some(0));
    let finding = printed["findings"][1].take();
    let text = "rule \"level\": parseJson fails on what is no JSON, or lacks a member: write json(x).int('a', 0) \
                or .text('a', '')";
    let expected = json!({
        "severity": "warning", "file": "DIR/a.yaml", "line": 5, "column": 11, "text": text
    });
    assert_eq!(finding, expected);
    let policy = Policy::load(valid.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let head = json!({
        "valid": true, "rules": 1, "rpcs": ["BeforeUpdateUserInfo", "BeforeUpdateUserInfoEx"],
        "hash": policy.hash(), "findings": [printed["findings"][0].clone(), null],
    });
    assert_eq!(printed, head);
    let (code, printed) = report(valid.path(), &["--strict"]);
    assert_eq!((code, &printed["valid"], &printed["rules"]), (Some(64), &json!(false), &json!(1)));

    let (code, printed) = report(&valid.path().join("none.yaml"), &[]);
    let finding = json!({
        "severity": "mistake", "file": "DIR", "line": 0, "column": 0,
        "text": "No such file or directory (os error 2)",
    });
    let expected =
        json!({"valid": false, "rules": null, "rpcs": null, "hash": null, "findings": [finding]});
    assert_eq!((code, printed), (Some(64), expected));
}

#[test]
fn the_policy_may_be_named_before_the_command_or_by_its_variable() {
    let folder = folder(MISTAKEN);
    let before = Command::new(PROGRAM).arg("--policy").arg(folder.path()).arg("check").status();
    assert_eq!(before.expect("it starts").code(), Some(64));
    let variable =
        Command::new(PROGRAM).arg("check").env("CALLBACK_DECIDER_POLICY", folder.path()).status();
    assert_eq!(variable.expect("it starts").code(), Some(64));
}

#[test]
fn the_server_logs_warnings_when_it_starts_and_reloads() {
    let folder = folder(SUSPICIOUS);
    let mut decider = Decider::start_policy(folder.path(), &mut Command::new(PROGRAM));
    assert!(decider.line().contains("deciding"));
    for list in ["idle", "spare"] {
        let line = decider.line();
        let expected = format!("a.yaml:1:9: warning: list {list:?}: no rule uses it");
        assert!(line.contains("WARN") && line.ends_with(&expected), "{line}");
        assert!(decider.line().contains("a.yaml:5:11: warning: rule"));
        let text = SUSPICIOUS.replace("idle", "spare");
        fs::write(folder.path().join("a.yaml"), text).expect("a file");
        decider.signal("HUP");
        // The second time nothing has changed.
        assert!(decider.line().contains(": policy "));
    }
    assert_eq!(decider.end("TERM"), Some(0));
}
