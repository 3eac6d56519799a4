//! `callback-decider test` and `explain`: what it prints, and what it exits with.

use crate::process::{PROGRAM, shipped_policy};
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const REFERENCE: &str = include_str!("../../../docs/policy.md");

const POLICY: &str = "
rules:
  - name: level
    on: [BeforeUpdateUserInfo]
    when: parseJson(request.ex).level > 9
    deny: {code: 5001}
  - name: ban
    on: [BeforeUpdateUserInfo]
    when: request.user_id == 'u9'
    deny: {code: 5002}
";

const GOOD: &str = "- name: low
  rpc: BeforeUpdateUserInfo
  request: {ex: '{\"level\":1}'}
  expect: allow
";

/// A folder with `policy.yaml` and these other files.
fn folder(policy: &str, tests: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in tests.iter().chain(&[("policy.yaml", policy)]) {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// Runs `test` in a folder.
fn test_in(folder: &Path, arguments: &[&str]) -> Output {
    run_in(folder, "test", arguments)
}

fn run_in(folder: &Path, command: &str, arguments: &[&str]) -> Output {
    let mut program = Command::new(PROGRAM);
    program.current_dir(folder).arg(command).args(arguments).output().expect("it starts")
}

/// Runs `explain` in a folder, and returns the exit code and what is printed, without the times.
fn explained(folder: &Path, rpc: &str, request: &str) -> (Option<i32>, String) {
    let (code, printed) = result(&run_in(folder, "explain", &["--rpc", rpc, "--request", request]));
    (code, without_times(&printed))
}

/// The text with `_` for the number before each ` µs`.
fn without_times(text: &str) -> String {
    let mut parts: Vec<_> = text.split(" µs").map(str::to_owned).collect();
    let last = parts.len() - 1;
    for part in &mut parts[..last] {
        part.truncate(part.trim_end_matches(|char: char| char.is_ascii_digit()).len());
        part.push('_');
    }
    parts.join(" µs")
}

/// The exit code and what is printed, to stdout and then to stderr.
fn result(output: &Output) -> (Option<i32>, String) {
    let [out, errors] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    (output.status.code(), format!("{out}{errors}"))
}

#[test]
fn the_shipped_policies_pass_their_tests_which_reach_every_rule() {
    let top = shipped_policy();
    let examples = top.with_file_name("examples").join("policy.yaml");
    for policy in [top, examples] {
        let output = test_in(Path::new("."), &["--policy", &policy.to_string_lossy()]);
        let (code, printed) = result(&output);
        assert_eq!(code, Some(0), "{printed}");
        assert!(printed.ends_with(" cases, 0 failed\n"), "{printed}");
    }
}

/// The text of the reference behind this, up to the end of the block of code.
fn reference(start: &str) -> &'static str {
    let (_, rest) = REFERENCE.split_once(start).expect("it is there");
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_example_of_the_reference_gives_its_result() {
    let block = |text: &'static str| text.split_once("```yaml\n").expect("it is there").1;
    let block = |text| block(text).split_once("```").expect("its end").0;
    let tests = REFERENCE.split_once("\n## Tests\n").expect("it is there").1;
    let shown = reference("```console\n$ callback-decider test --policy policy.yaml\n");
    let folder = folder(block(REFERENCE), &[("policy_test.yaml", block(tests))]);
    let output = test_in(folder.path(), &["--policy", "policy.yaml"]);
    assert_eq!(result(&output), (Some(1), shown.to_owned()));

    fs::write(folder.path().join("request.json"), r#"{"nickname": "Admin"}"#).expect("a file");
    let shown =
        reference("$ callback-decider explain --rpc BeforeUpdateUserInfo --request request.json\n");
    let explained = explained(folder.path(), "BeforeUpdateUserInfo", "request.json");
    assert_eq!(explained, (Some(0), without_times(shown)));
}

#[test]
fn a_failure_is_printed_with_its_line_what_differs_and_the_rules_that_failed() {
    let tests = "# Levels.
- name: no JSON
  rpc: BeforeUpdateUserInfo
  request: {ex: none}
  expect: {deny: {code: 5001}}
- name: low
  rpc: BeforeUpdateUserInfo
  request: {ex: '{\"level\":1}'}
  expect: {deny: {rule: level}}
- name: high
  rpc: BeforeUpdateUserInfo
  request: {ex: '{\"level\":10}'}
  expect: {deny: {code: 5002, rule: level}}
";
    let folder = folder(POLICY, &[("levels_test.yaml", tests)]);
    let expected =
        "levels_test.yaml:2: no JSON: expected deny, got deny by rule \"level\", but a rule failed
  rule \"level\" failed at policy.yaml:5:11: parseJson failed
levels_test.yaml:6: low: expected deny by rule \"level\", got allow
levels_test.yaml:10: high: expected deny by rule \"level\", got deny by rule \"level\"
  code: expected 5002, got 5001
3 cases, 3 failed
rules that no case reached: ban
";
    assert_eq!(result(&test_in(folder.path(), &[])), (Some(1), expected.to_owned()));
}

#[test]
fn unreached_rules_are_no_failure() {
    let folder = folder(POLICY, &[("policy_test.yaml", GOOD)]);
    let expected = "1 case, 0 failed\nrules that no case reached: level, ban\n";
    assert_eq!(result(&test_in(folder.path(), &[])), (Some(0), expected.to_owned()));
}

#[test]
fn the_result_can_be_json() {
    let folder = folder(POLICY, &[("policy_test.yaml", &GOOD.replace("allow", "{edit: {ex: a}}"))]);
    let expected = r#"{"cases":1,"failed":1,"failures":[{"file":"policy_test.yaml","line":1,"name":"low","expected":{"edit":{"ex":"a"}},"got":"allow","rule_failures":[]}],"unreached":["level","ban"]}"#;
    let output = test_in(folder.path(), &["--json"]);
    assert_eq!(result(&output), (Some(1), format!("{expected}\n")));
}

#[test]
fn without_file_names_all_tests_beside_the_policy_are_run() {
    let bad = GOOD.replace("allow", "{deny: {}}");
    let tests = [("a_test.yaml", GOOD), ("b_test.yaml", &bad), (".c_test.yaml", &bad)];
    let folder = folder(POLICY, &tests);
    let failed = |arguments: &[&str]| {
        let (code, printed) = result(&test_in(folder.path(), arguments));
        let lines = printed.lines().filter(|line| line.contains(" failed") || line.contains("low"));
        (code, lines.map(|line| line.split(" low").next().unwrap_or(line).to_owned()).collect())
    };
    let both = |file: &str| (Some(1), vec![file.to_owned(), "2 cases, 1 failed".to_owned()]);
    assert_eq!(failed(&[]), both("b_test.yaml:1:"));
    assert_eq!(failed(&["--policy", "."]), both("./b_test.yaml:1:"));
    assert_eq!(failed(&["a_test.yaml"]), (Some(0), vec!["1 case, 0 failed".to_owned()]));
    assert_eq!(failed(&["a_test.yaml", "b_test.yaml"]), both("b_test.yaml:1:"));
}

#[test]
fn mistakes_and_missing_files_have_exit_code_64() {
    let none = folder(POLICY, &[]);
    let told = |folder: &TempDir, arguments: &[&str]| result(&test_in(folder.path(), arguments));
    let expected = ".: no *_test.yaml in this folder\n";
    assert_eq!(told(&none, &[]), (Some(64), expected.to_owned()));
    let expected = "a_test.yaml: No such file or directory (os error 2)\n";
    assert_eq!(told(&none, &["a_test.yaml"]), (Some(64), expected.to_owned()));

    let wrong = GOOD.replace("ex:", "exx:");
    let two = folder(POLICY, &[("a_test.yaml", &wrong), ("b_test.yaml", "- name: a\n")]);
    let expected =
        "a_test.yaml:3:13: no field exx in BeforeUpdateUserInfoRequest; did you mean `ex`?
b_test.yaml:1:3: missing field `rpc`
";
    assert_eq!(told(&two, &[]), (Some(64), expected.to_owned()));

    let policy = folder(&POLICY.replace("user_id", "userid"), &[("policy_test.yaml", GOOD)]);
    let (code, printed) = told(&policy, &[]);
    assert_eq!(code, Some(64));
    assert!(printed.starts_with("policy.yaml:9:19: rule \"ban\": no field userid"), "{printed}");
}

#[test]
fn it_explains_what_each_rule_says() {
    let tried = "    mode: log
    deny: {}
  - name: named
    on: [BeforeUpdateUserInfo]
    when: has(request.nickname)
    edit: {nickname: \"'Ann'\"}
  - name: ends
    on: [BeforeUpdateUserInfo]
    when: has(request.nickname)
    allow: true
  - name: last
    on: [BeforeUpdateUserInfo]
    when: true
    deny: {}
";
    let policy =
        POLICY.replace("    deny: {code: 5001}", "    edit: {ex: \"''\"}\n    on_error: skip");
    let policy = policy.replace("    deny: {code: 5002}\n", tried);
    let folder = folder(&policy, &[("r.yaml", "user_id: u9\nnickname: a\nex: none")]);
    let expected = "level  failed   _ µs
  rule \"level\" failed at policy.yaml:5:11: parseJson failed
ban    yes      _ µs, not enforced
named  yes      _ µs
ends   yes      _ µs
last   skipped
edit
  nickname: \"Ann\"
";
    let rpc = "BeforeUpdateUserInfo";
    assert_eq!(explained(folder.path(), rpc, "r.yaml"), (Some(0), expected.to_owned()));
    fs::write(folder.path().join("r.yaml"), "ex: '{\"level\": 1}'").expect("a file");
    let (_, printed) = explained(folder.path(), rpc, "r.yaml");
    assert!(printed.starts_with("level  no       _ µs\nban    no       _ µs\n"), "{printed}");
    assert!(printed.contains("last   yes      _ µs\ndeny by rule \"last\"\n"), "{printed}");
}

#[test]
fn a_request_that_is_none_of_the_rpc_is_not_explained() {
    let folder = folder(POLICY, &[("r.json", r#"{"nicknme": "a"}"#)]);
    let explained = |rpc, request| explained(folder.path(), rpc, request);
    let told = |text: &str| (Some(64), text.to_owned());
    let expected =
        "r.json:1:2: no field nicknme in BeforeUpdateUserInfoRequest; did you mean `nickname`?\n";
    assert_eq!(explained("BeforeUpdateUserInfo", "r.json"), told(expected));
    let expected = "--rpc: no rpc BeforeUpdateUserInf; did you mean `BeforeUpdateUserInfo`?\n";
    assert_eq!(explained("BeforeUpdateUserInf", "r.json"), told(expected));
    let expected = "--request: none.json: No such file or directory (os error 2)\n";
    assert_eq!(explained("BeforeUpdateUserInfo", "none.json"), told(expected));
}
