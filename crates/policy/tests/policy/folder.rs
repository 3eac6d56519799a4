//! Policies of several files: which of a folder's files they are, their order, and the places of mistakes.

use crate::support::{decide, decide_in_spite};
use policy::{Policy, Sources};
use serde_json::{Value, json};
use std::fs;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// A rule that denies with this reason.
fn rule(name: &str) -> String {
    format!("{{name: {name}, on: [BeforeUpdateUserInfo], when: 'true', deny: {{}}}}")
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

/// The mistakes in a folder, one a line, without the folder's own path.
fn mistakes(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let told = Policy::load(folder.path()).err().map(|mistakes| mistakes.to_string());
    let path = folder.path().to_str().expect("UTF-8");
    told.unwrap_or_default().replace(&format!("{path}/"), "").replace(path, "FOLDER")
}

#[test]
fn the_files_of_a_folder_follow_each_other_by_name() {
    let files = ["20.yaml", "10.yaml", "3.yaml"];
    let texts = files.map(|file| format!("rules: [{}]", rule(&format!("of {file}"))));
    let mut files: Vec<_> = files.into_iter().zip(texts.iter().map(String::as_str)).collect();
    while let Some(first) = files.iter().min() {
        let folder = folder(&files);
        let policy = Policy::load(folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(policy.rules(), files.len());
        let answer = decide(&policy, "BeforeUpdateUserInfo", json!({})).expect("a decision");
        assert_eq!(answer["denial"]["reason"], format!("of {}", first.0));
        let first = *first;
        files.retain(|file| *file != first);
    }
}

#[test]
fn tests_dot_files_and_other_files_are_no_part_of_a_policy() {
    let rules = format!("rules: [{}]", rule("r"));
    let files = ["a_test.yaml", ".a.yaml", "a.yml", "a.yaml~", "a.yaml.swp", "README.md"];
    let mut files: Vec<_> = files.map(|name| (name, "no policy")).into();
    assert_eq!(mistakes(&files), "FOLDER: no *.yaml in this folder");
    files.push(("test.yaml", &rules));
    assert_eq!(mistakes(&files), "");
    // A file that is named itself is read.
    let folder = folder(&[("a_test.yaml", &rules)]);
    assert!(Policy::load(&folder.path().join("a_test.yaml")).is_ok());
}

#[test]
fn every_file_may_use_the_lists_of_all() {
    let rules = "rules:
  - {name: r, on: [BeforeUpdateUserInfo], when: request.ex in lists.late, deny: {}}";
    assert_eq!(mistakes(&[("a.yaml", rules), ("b.yaml", "lists: {late: [x]}")]), "");
}

#[test]
fn defaults_are_for_the_rules_of_their_own_file() {
    let fails = "rules:
  - {name: NAME, on: [BeforeUpdateUserInfo], when: int(request.ex) > 5, deny: {}}";
    let skips = format!("defaults: {{on_error: skip}}\n{}", fails.replace("NAME", "skips"));
    let denies = fails.replace("NAME", "denies");
    let folder = folder(&[("a.yaml", &skips), ("b.yaml", &denies)]);
    let policy = Policy::load(folder.path()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let request = json!({"ex": "no number"});
    let (answer, failures) = decide_in_spite(&policy, "BeforeUpdateUserInfo", request);
    assert_eq!(failures.len(), 2, "{failures:?}");
    let reason = answer.pointer("/denial/reason").and_then(Value::as_str).expect("a denial");
    assert!(reason.contains("\"denies\""), "{reason}");
}

#[test]
fn a_name_that_comes_twice_is_told_with_both_places() {
    let a = format!("lists: {{bad: [x]}}\nrules:\n  - {}\n", rule("r"));
    let b = format!("rules:\n  - {}\n  - {}\nlists:\n  bad: [x]\n", rule("s"), rule("r"));
    let expected = "b.yaml:3:5: rule \"r\": another rule has this name, at a.yaml:3:5
b.yaml:5:3: list \"bad\": another list has this name, at a.yaml:1:9";
    assert_eq!(mistakes(&[("a.yaml", &a), ("b.yaml", &b)]), expected);

    let twice = format!("rules:\n  - {}\n  - {}\n", rule("r"), rule("r"));
    let expected = "a.yaml:3:5: rule \"r\": another rule has this name, at a.yaml:2:5";
    assert_eq!(mistakes(&[("a.yaml", &twice)]), expected);
}

#[test]
fn the_mistakes_of_all_files_are_told_at_once_each_in_its_file() {
    let fails = "rules:
  - {name: f, on: [BeforeUpdateUserInfo], when: 1 / 0 == 1, deny: {}}";
    let wrong = "lists: {late: ['']}
rules:
  - {name: w, on: [BeforeUpdateUserInfo], when: request.x == '', deny: {}}";
    let expected = "a.yaml:1:16: list \"late\": a word is empty, so every text has it
a.yaml:3:57: rule \"w\": no field x in BeforeUpdateUserInfoRequest; did you mean `ex`?
b.yaml:2:5: rule \"f\": for BeforeUpdateUserInfo: division by zero
c.yaml:3:57: rule \"o\": no field x in BeforeUpdateUserInfoRequest; did you mean `ex`?";
    let other = wrong.replace("late: ['']", "").replace("name: w", "name: o");
    let files = [("a.yaml", wrong), ("b.yaml", fails), ("c.yaml", &other)];
    assert_eq!(mistakes(&files), expected);
}

#[test]
fn files_that_are_no_yaml_are_told_all_at_once_and_nothing_else() {
    let uses = "rules:
  - {name: r, on: [BeforeUpdateUserInfo], when: request.ex in lists.bad, deny: {}}";
    let files = [("a.yaml", "lists: {bad: ["), ("b.yaml", uses), ("c.yaml", "ruls: []")];
    let expected = "a.yaml:1:14: unclosed bracket '['
c.yaml:1:1: unknown field `ruls`, expected one of lists, defaults, rules";
    assert_eq!(mistakes(&files), expected);
}

#[test]
fn a_policy_has_rules_in_one_file_at_least() {
    let lists = [("a.yaml", "lists: {a: [x]}"), ("b.yaml", "lists: {b: [x]}")];
    let missing = "a.yaml:1:1: missing field `rules`\nb.yaml:1:1: missing field `rules`";
    assert_eq!(mistakes(&lists), missing);
    assert_eq!(mistakes(&[("a.yaml", "rules: []"), lists[1]]), "");
    let null = "a.yaml:1:6: this key has no value: write one, or leave the key out";
    assert_eq!(mistakes(&[("a.yaml", "rules:"), lists[1]]), null);
}

#[test]
fn an_empty_file_is_a_mistake_beside_others_too() {
    for empty in ["", "# rules: []\n", "lists: {}"] {
        let files = [("a.yaml", "rules: []"), ("b.yaml", empty)];
        assert_eq!(mistakes(&files), "b.yaml:1:1: missing field `rules`", "{empty}");
    }
}

#[test]
fn the_files_of_a_folder_are_bounded_together() {
    let half = format!("rules: []\n#{}", "x".repeat(2 << 20));
    assert_eq!(mistakes(&[("a.yaml", &half)]), "");
    let told = "FOLDER: a policy may have 4194304 bytes, this has more";
    assert_eq!(mistakes(&[("a.yaml", &half), ("b.yaml", &half)]), told);
}

#[test]
fn a_policy_that_is_too_large_is_so_wherever_it_is_cut() {
    let text = format!("rules: []\n#{}", "ü".repeat(2 << 20));
    for text in [format!("\n{text}"), text] {
        let told = "FOLDER: a policy may have 4194304 bytes, this has more";
        assert_eq!(mistakes(&[("a.yaml", &text)]), told);
    }
}

#[test]
fn a_named_pipe_is_refused_and_not_waited_for() {
    let folder = folder(&[("a.yaml", "rules: []")]);
    let pipe = folder.path().join("b.yaml");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let (done, told) = channel();
    let path = folder.path().to_owned();
    thread::spawn(move || done.send(Policy::load(&path).err().map(|why| why.to_string())));
    let told = told.recv_timeout(Duration::from_secs(10)).expect("it does not wait");
    assert_eq!(told, Some(format!("{}: not a regular file", pipe.display())));
}

#[test]
fn the_hash_is_that_of_names_and_texts_wherever_they_lie() {
    let hash = |files: &[(&str, &str)]| {
        let sources = Sources::read(folder(files).path()).expect("files");
        sources.hash().to_owned()
    };
    let files = [("a.yaml", "rules: []\n"), ("b.yaml", "lists: {}\n")];
    // sha256sum *.yaml | sha256sum | cut -c -12
    assert_eq!(hash(&files), "a25adcb0c6b4");
    for other in [
        [files[0], ("c.yaml", files[1].1)],
        [files[0], ("b.yaml", "lists: {} \n")],
        [("a.yaml", files[1].1), ("b.yaml", files[0].1)],
    ] {
        assert_ne!(hash(&other), hash(&files));
    }
}
