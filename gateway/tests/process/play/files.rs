//! The files that `play` reads and writes.

use std::fs::{self, File};
use std::path::Path;

use super::{NOBODY, denying};
use crate::support::{USAGE, directory, gateway, output, settings};

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
    let (code, said) = play(&format!("{new}\n\n{good}\n"), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("ok     beforeAddBlack: line 3 "), "{said}");
    assert!(said.contains("\nnot implemented (1): unknown\n"), "{said}");
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
    let lines =
        settings("stdin", r#"{"body": {"callbackCommand": "callbackBeforeAddBlackCommand"}}"#);
    let decider = denying();
    let from = || {
        let mut gateway = gateway();
        gateway.args(["play", "--decider", &decider, "--from", "-"]);
        gateway
    };
    let (code, said) = output(from().stdin(File::open(lines).expect("a file")));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("beforeAddBlack: line 1 "), "{said}");
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
fn a_file_that_can_not_be_recorded_is_an_error_before_anything_is_played() {
    let folder = directory("not-new");
    std::os::unix::fs::symlink("nowhere", folder.join("link")).expect("a link");
    let nowhere = |name| folder.join(name).to_str().expect("UTF-8").to_owned();
    for (path, told) in [
        (nowhere("link"), "link exists: "),
        (nowhere("none/file"), "none/file: No such file or directory"),
        (nowhere("new/"), "new/: Is a directory"),
        ("-".to_owned(), "the standard output has the report"),
        (String::new(), "a value is required"),
    ] {
        let (code, said) = output(gateway().args(NOBODY).args(["--record", &path]));
        assert_eq!(code, Some(USAGE), "{path}: {said}");
        assert!(said.contains(told) && !said.contains("played"), "{path}: {said}");
    }
}

#[test]
fn the_standard_input_stands_for_every_file_that_is_read() {
    let body = r#"{"callbackCommand": "callbackBeforeAddBlackCommand"}"#;
    let case = "cases: [{name: a rule, callback: beforeAddBlack, decision: {deny: {}}}]";
    let decider = denying();
    for (flag, text) in
        [("--body", body), ("--from", &format!(r#"{{"body": {body}}}"#)), ("--expect", case)]
    {
        let file = settings("any-stdin", &format!("\u{feff}{text}"));
        let mut play = gateway();
        play.args(["play", "--decider", &decider, flag, "-"])
            .stdin(File::open(file).expect("a file"));
        let (code, said) = output(&mut play);
        assert_eq!(code, Some(0), "{flag}: {said}");
        assert!(said.contains("\n1 played: 0 allow, 0 edit, 1 deny"), "{flag}: {said}");
    }
}

#[test]
fn the_lines_of_a_file_that_is_another_are_not_all_reported() {
    let mut lines = "no json\n".repeat(1000);
    lines.push_str("{\"body\": {\"callbackCommand\": \"no\u{202e} url\"}}");
    let (code, said) = output(gateway().args(NOBODY).arg("--from").arg(settings("junk", &lines)));
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.lines().count() == 21 && said.ends_with(": 981 more lines are wrong\n"), "{said}");
    let last = lines.lines().last().expect("one");
    let (_, said) = output(gateway().args(NOBODY).arg("--from").arg(settings("junk", last)));
    assert!(said.contains(r"`no\u{202e} url`"), "{said}");
}

#[test]
fn every_file_of_the_settings_that_can_not_be_used_is_reported() {
    let config = "[decider]\nendpoints = ['https://127.0.0.1:1']\nca = '/no/ca.pem'\ntoken_file = '/no/token'";
    let file = settings("no-files", config);
    let (code, said) = output(gateway().args(["play", "--config"]).arg(file));
    assert_eq!(code, Some(USAGE), "{said}");
    assert!(said.lines().all(|line| line.starts_with("error: ")), "{said}");
    assert!(said.contains("/no/ca.pem") && said.contains("/no/token"), "{said}");
}
