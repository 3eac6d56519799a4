//! `play` as a command: its output, and its exit code.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use callback_decider::serve::Server;
use policy::Policy;
use serde_json::Value;

use crate::support::{USAGE, directory, gateway, output, settings};

/// The address of a decider that denies blacklisting and friend requests, and implements nothing else.
fn denying() -> String {
    let rule = "rules: [{name: no, on: [BeforeAddBlack, BeforeAddFriend], when: true, deny: {code: 5001}}]";
    let policy = Policy::parse("policy.yaml", rule).expect("a policy");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.set_nonblocking(true).expect("a setting of the socket");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            Server::default().serve(listener, Arc::new(policy), std::future::pending()).await
        })
    });
    format!("http://{address}")
}

/// Nobody listens there: port 1 is reserved.
const NOBODY: [&str; 3] = ["play", "--decider", "http://127.0.0.1:1"];

#[test]
fn without_a_decider_every_callback_fails_with_the_reason() {
    let (code, said) = output(gateway().args(NOBODY));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG  beforeUserRegister "), "{said}");
    assert!(said.contains("Connection refused"), "{said}");
    let summary = "52 played: 0 allow, 0 edit, 0 deny, 0 not implemented, 52 failed; 52 wrong\n";
    assert!(said.contains(summary), "{said}");
    assert!(said.ends_with("does the decider run? --decider names its address\n"), "{said}");
}

#[test]
fn machines_get_an_object_a_line() {
    let callbacks = ["--json", "--callback", "beforeAddBlack", "--callback", "AfterUserOnline"];
    let (code, said) = output(gateway().args(NOBODY).args(callbacks));
    assert_eq!(code, Some(1), "{said}");
    let objects = said.lines().filter(|line| line.starts_with('{'));
    let played: Vec<Value> =
        objects.map(|line| serde_json::from_str(line).expect("an object")).collect();
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
    assert!(said.contains("\n       expected: deny 5001\n\n1 played"), "{said}");
}

#[test]
fn only_failures_prints_nothing_else() {
    let verdicts = "cases: [{name: a rule, callback: beforeAddBlack, decision: {deny: {}}}, {name: another, callback: beforeAddBlack, decision: allow}]";
    let file = settings("only-failures", verdicts);
    let expect = ["--decider", &denying(), "--only-failures", "--expect"];
    let (code, said) = output(gateway().arg("play").args(expect).arg(&file));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("WRONG  beforeAddBlack: another ") && !said.contains("a rule"), "{said}");
    assert!(said.contains("2 played: "), "{said}");
    let (_, said) = output(gateway().arg("play").args(expect).arg(&file).arg("--json"));
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn bodies_are_read_from_lines_and_their_mistakes_are_reported_together() {
    let good =
        r#"{"command": "callbackBeforeAddBlackCommand", "body": "{\"ownerUserID\":\"u1\"}"}"#;
    let new = r#"{"body": {"callbackCommand": "callbackNew"}}"#;
    let decider = denying();
    let play = |lines: &str, arguments: &[&str]| {
        let file = settings("lines", lines);
        output(
            gateway().args(["play", "--decider", &decider]).arg("--from").arg(file).args(arguments),
        )
    };
    let (code, said) = play(&format!("{good}\n\n{new}\n"), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok     beforeAddBlack: line 1 "), "{said}");
    assert!(said.contains("ok     unknown: line 3 "), "{said}");
    let (_, said) = play(&format!("{new}\n{good}"), &["--callback", "beforeAddBlack"]);
    assert!(said.contains("line 2 ") && said.contains("\n1 played"), "{said}");

    for (lines, arguments, told) in [
        (
            format!("{new}\nno json\n{good}\n[]"),
            &[][..],
            &["gateway.toml:2: ", "gateway.toml:4: "][..],
        ),
        (
            new.to_owned(),
            &["--callback", "beforeAddBlack"],
            &["--from: has no line of beforeAddBlack"],
        ),
        ("\n".to_owned(), &[], &["--from: has no line to play"]),
        (good.to_owned(), &["--expect", "file"], &["cannot be used with"]),
    ] {
        let (code, said) = play(&lines, arguments);
        assert_eq!(code, Some(USAGE), "{said}");
        assert!(told.iter().all(|told| said.contains(told)) && !said.contains("played"), "{said}");
    }
}

#[test]
fn bodies_are_read_from_the_standard_input() {
    let lines = settings("stdin", r#"{"body": {"callbackCommand": "callbackNew"}}"#);
    let decider = denying();
    let from = || {
        let mut gateway = gateway();
        gateway.args(["play", "--decider", &decider, "--from", "-"]);
        gateway
    };
    let (code, said) = output(from().stdin(File::open(lines).expect("a file")));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("unknown: line 1 "), "{said}");
    let wrong = settings("stdin-wrong", "no json");
    let (_, said) = output(from().stdin(File::open(wrong).expect("a file")));
    assert!(said.contains("error: stdin:1: "), "{said}");
}

#[test]
fn decisions_are_recorded_as_expectations_that_they_meet() {
    let file = directory("record").join("verdicts.yaml");
    let decider = denying();
    let play = |flag, file: &Path, more: &[&str]| {
        output(gateway().args(["play", "--decider", &decider, flag]).arg(file).args(more))
    };
    let both = ["--callback", "beforeAddBlack", "--callback", "beforeAddFriend"];
    let (code, said) = play("--record", &file, &both);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("2 recorded in "), "{said}");
    let (code, said) = play("--expect", &file, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.ends_with(
            "\n2 played: 0 allow, 0 edit, 2 deny, 0 not implemented, 0 failed; 0 wrong\n"
        ),
        "{said}"
    );

    let recorded = fs::read_to_string(&file).expect("a file");
    let (code, said) = play("--record", &file, &both);
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.contains(" exists: ") && !said.contains("played"), "{said}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), recorded);
}

#[test]
fn an_answer_of_the_settings_meets_no_expectation() {
    let answer = settings("answered", "[callbacks.beforeAddBlack]\nanswer = 'deny'");
    let mut play = gateway();
    play.args(NOBODY).arg("--config").arg(answer).args(["--callback", "beforeAddBlack"]);
    let (code, said) = output(&mut play);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("answered by the settings: deny"), "{said}");
    assert!(said.contains("0 failed, 1 answered by the settings; 0 wrong"), "{said}");
    let case = "cases: [{name: a rule, callback: beforeAddBlack, decision: {deny: {}}}]";
    let (code, said) = output(play.arg("--expect").arg(settings("answered-case", case)));
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn what_can_not_be_recorded_is_told_and_nothing_is_written_without_a_decision() {
    let file = directory("not-recorded").join("verdicts.yaml");
    let (code, said) = output(
        gateway().args(NOBODY).args(["--callback", "beforeAddBlack", "--record"]).arg(&file),
    );
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: not recorded: beforeAddBlack: failed: "), "{said}");
    assert!(said.contains("not written: no decision") && !file.exists(), "{said}");

    let lines = r#"{"body": {"callbackCommand": "callbackNew"}}
{"body": {"callbackCommand": "callbackBeforeAddBlackCommand"}}"#;
    let (decider, lines) = (denying(), settings("not-recorded-lines", lines));
    let from = ["play", "--decider", &decider, "--from"];
    let (code, said) = output(gateway().args(from).arg(lines).arg("--record").arg(&file));
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("error: not recorded: unknown: line 1: the contract"), "{said}");
    let recorded = fs::read_to_string(&file).expect("a file");
    assert!(recorded.contains("line 2") && !recorded.contains("line 1"), "{recorded}");
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
