//! `play` as a command: its output, and its exit code.

use serde_json::Value;

use crate::support::{USAGE, gateway, output, settings};

/// Nobody listens there: port 1 is reserved.
const NOBODY: [&str; 3] = ["play", "--decider", "http://127.0.0.1:1"];

#[test]
fn without_a_decider_every_callback_fails_with_the_reason() {
    let (code, said) = output(gateway().args(NOBODY));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG  beforeUserRegister "), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    assert!(
        said.ends_with(
            "52 played: 0 allow, 0 edit, 0 deny, 0 not implemented, 52 failed; 52 wrong\n"
        ),
        "{said}"
    );
}

#[test]
fn machines_get_an_object_a_line() {
    let callbacks = ["--json", "--callback", "beforeAddBlack", "--callback", "AfterUserOnline"];
    let (code, said) = output(gateway().args(NOBODY).args(callbacks));
    assert_eq!(code, Some(1), "{said}");
    let played: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let [online, black] = &played[..] else { panic!("two lines: {said}") };
    let callback = |played: &Value| played["callback"].as_str().map(str::to_owned);
    let mut callbacks = [callback(online), callback(black)].map(Option::unwrap_or_default);
    callbacks.sort();
    assert_eq!(callbacks, ["afterUserOnline", "beforeAddBlack"]);
    assert_eq!(black["ok"], false);
    assert!(black["decision"]["failed"].is_string(), "{black}");
}

#[test]
fn what_is_expected_stands_below_what_is_wrong() {
    let expectations = "cases:\n  - name: the rule\n    callback: beforeAddBlack\n    decision: {deny: {code: 5001}}";
    let file = settings("verdicts", expectations);
    let (code, said) = output(gateway().args(NOBODY).arg("--expect").arg(file));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG  beforeAddBlack: the rule "), "{said}");
    assert!(said.contains("\n       expected: deny 5001\n       decided:  failed: "), "{said}");
    assert!(said.contains("\n1 played: "), "{said}");
}

#[test]
fn wrong_arguments_are_a_usage_error_and_nothing_is_played() {
    let expect = |name, text| settings(name, text).into_os_string();
    let case = "cases: [{name: n, callback: beforeAddBlak, decision: allow}]";
    let typo =
        "cases: [{name: n, callback: beforeAddBlack, body: {ownerUserId: u1}, decision: allow}]";
    for (flag, value, told) in [
        ("--callback", "beforeAddBlak".into(), "did you mean `beforeAddBlack`?"),
        ("--body", "no/such/file".into(), "no/such/file: No such file"),
        ("--expect", expect("empty-case", "cases: [{}]"), "missing field"),
        ("--expect", expect("no-callback", case), "did you mean `beforeAddBlack`?"),
        ("--expect", expect("no-case", "cases: []"), "no case"),
        ("--expect", expect("no-member", typo), "did you mean `ownerUserID`?"),
    ] {
        let (code, said) = output(gateway().args(NOBODY).arg(flag).arg(&value));
        assert_eq!(code, Some(USAGE), "{flag} {value:?}: {said}");
        assert!(said.contains(told) && !said.contains("played"), "{flag} {value:?}: {said}");
    }
}
