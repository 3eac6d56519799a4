//! `callback-decider test`: what it prints, and what it exits with.

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
    let mut program = Command::new(PROGRAM);
    program.current_dir(folder).arg("test").args(arguments).output().expect("it starts")
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

#[test]
fn the_example_of_the_reference_gives_its_result() {
    let after = |text: &'static str, start| text.split_once(start).expect("it is there").1;
    let block = |text| after(text, "```yaml\n").split_once("```").expect("its end").0;
    let tests = after(REFERENCE, "\n## Tests\n");
    let shown = after(tests, "```console\n$ callback-decider test --policy policy.yaml\n");
    let shown = shown.split_once("```").expect("its end").0;
    let folder = folder(block(REFERENCE), &[("policy_test.yaml", block(tests))]);
    let output = test_in(folder.path(), &["--policy", "policy.yaml"]);
    assert_eq!(result(&output), (Some(1), shown.to_owned()));
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
