//! `play` as a command: its output, and its exit code.

mod files;

use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use callback_decider::serve::Server;
use policy::Policy;
use serde_json::Value;

use crate::support::{USAGE, gateway, output, settings};

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
    assert!(
        said.ends_with("does the decider run, and is it ready? --decider names its address\n"),
        "{said}"
    );
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
fn wrong_arguments_are_a_usage_error_and_nothing_is_played() {
    let expect = |name, text| settings(name, text).into_os_string();
    let case = "cases: [{name: n, callback: beforeAddBlak, decision: allow}]";
    let typo =
        "cases: [{name: n, callback: beforeAddBlack, body: {ownerUserId: u1}, decision: allow}]";
    let no_edit = "cases: [{name: n, callback: beforeAddBlack, decision: {edit_only: {}}}]";
    for (flag, value, told) in [
        ("--callback", "beforeAddBlak".into(), "did you mean `beforeAddBlack`?"),
        ("--body", "no/such/file".into(), "no/such/file: No such file"),
        ("--expect", expect("empty-case", "cases: [{}]"), "missing field"),
        ("--expect", expect("no-callback", case), "did you mean `beforeAddBlack`?"),
        ("--expect", expect("no-case", "cases: []"), "no case"),
        ("--expect", expect("no-edit", no_edit), "write `allow`"),
        ("--expect", expect("no-member", typo), "did you mean `ownerUserID`?"),
    ] {
        let (code, said) = output(gateway().args(NOBODY).arg(flag).arg(&value));
        assert_eq!(code, Some(USAGE), "{flag} {value:?}: {said}");
        assert!(said.contains(told) && !said.contains("played"), "{flag} {value:?}: {said}");
    }
}
