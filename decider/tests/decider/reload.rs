//! The reload of the policy while the program serves.

use crate::process::{Decider, PROGRAM, change_nickname, connect};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Builder;
use tonic::transport::Channel;

/// The time in which a change is in force: two reads of the files, on a machine that is busy.
const SOON: Duration = Duration::from_secs(20);

/// A policy whose two rules both mark what they edit.
fn marking(mark: &str) -> String {
    format!(
        "rules:
  - {{name: {mark} name, on: [BeforeUpdateUserInfo], when: 'true', edit: {{nickname: \"'{mark}'\"}}}}
  - {{name: {mark} face, on: [BeforeUpdateUserInfo], when: 'true', edit: {{face_url: \"'{mark}'\"}}}}
"
    )
}

const MISTAKEN: &str = "rules:
  - {name: wrong, on: [BeforeUpdateUserInfo], when: nothing, deny: {}}
  - {name: worse, on: [BeforeUpdateUserInf], when: 'true', deny: {}}
";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a directory");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn start(policy: &Path) -> Decider {
    Decider::start_policy(policy, &mut Command::new(PROGRAM))
}

/// The marks of the nickname and the face in an answer.
async fn marks(channel: &Channel) -> [String; 2] {
    let answer = change_nickname(channel, "Ann").await;
    ["nickname", "face_url"].map(|field| {
        let value = answer.get_field_by_name(field).expect("a field");
        value.as_str().expect("a text").to_owned()
    })
}

#[test]
fn twenty_reloads_under_load_refuse_no_call_and_mix_no_policies() {
    let policies = ["a", "b"].map(marking);
    let folder = folder(&[("policy.yaml", &policies[0])]);
    let file = folder.path().join("policy.yaml");
    let mut decider = start(&file);
    let address = decider.address();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let calls = thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let channel = connect(&address).await;
            let mut answers = vec![marks(&channel).await];
            while !stopped.load(Ordering::Relaxed) {
                answers.push(marks(&channel).await);
            }
            answers
        })
    });
    let began = Instant::now();
    for policy in policies.iter().rev().cycle().take(20) {
        fs::write(&file, policy).expect("a file");
        decider.signal("HUP");
        let line = decider.line();
        assert!(line.contains("policy reloaded"), "{line}");
    }
    // A change alone would take a second each.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    stop.store(true, Ordering::Relaxed);
    let answers = calls.join().expect("every call is answered");
    for mark in ["a", "b"] {
        assert!(answers.iter().any(|answer| answer[0] == mark), "{mark}");
    }
    assert!(answers.iter().all(|[name, face]| name == face), "{answers:?}");
    assert_eq!(decider.end("TERM"), Some(0));
}

#[tokio::test]
async fn a_changed_file_is_used_and_one_with_mistakes_is_not() {
    let folder = folder(&[("policy.yaml", &marking("a"))]);
    let file = folder.path().join("policy.yaml");
    let mut decider = start(&file);
    let first = decider.line();
    let address = first.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
    let channel = connect(address.expect("an address")).await;

    fs::write(&file, MISTAKEN).expect("a file");
    let changed = Instant::now();
    for mistake in
        ["policy.yaml:2:53: rule \"wrong\": no variable nothing", "policy.yaml:3:24: rule"]
    {
        let line = decider.line();
        let told = line.contains("ERROR") && line.contains("policy not reloaded why=");
        assert!(told && line.contains(mistake), "{line}");
    }
    assert!(changed.elapsed() < SOON);
    assert_eq!(marks(&channel).await, ["a", "a"]);

    // The policy in force is put back without a line, so the next line is about the next change. It may come
    // before the files were read in between.
    fs::write(&file, marking("a")).expect("a file");
    thread::sleep(Duration::from_millis(2500));
    fs::write(&file, marking("b")).expect("a file");
    let line = decider.line();
    assert!(line.contains("INFO") && line.contains("policy reloaded policy=\""), "{line}");
    assert!(line.ends_with("rules=2 rpcs=\"BeforeUpdateUserInfo\""), "{line}");
    assert_eq!(marks(&channel).await, ["b", "b"]);
    let hash = |line: &str| line.split("policy=\"").nth(1).map(|rest| rest[..12].to_owned());
    assert!(
        hash(&line).is_some() && hash(&first).is_some() && hash(&line) != hash(&first),
        "{first}"
    );
}

#[test]
fn sighup_always_says_what_happened() {
    let folder = folder(&[("policy.yaml", &marking("a"))]);
    let file = folder.path().join("policy.yaml");
    let mut decider = start(&file);
    assert!(decider.line().contains("deciding"));
    for _ in 0..2 {
        decider.signal("HUP");
        assert!(decider.line().contains("policy unchanged policy="));
    }
    fs::remove_file(&file).expect("it is there");
    for _ in 0..2 {
        decider.signal("HUP");
        let line = decider.line();
        assert!(
            line.contains("policy not reloaded why=") && line.contains("No such file"),
            "{line}"
        );
    }
    assert_eq!(decider.end("TERM"), Some(0));
}

#[tokio::test]
async fn a_folder_is_one_policy_and_reloaded_as_kubernetes_changes_it() {
    // A ConfigMap's files are links into a folder that is a link itself.
    let volume = tempfile::tempdir().expect("a directory");
    let path = |name: &str| volume.path().join(name);
    let (a, b) = (marking("a"), marking("b"));
    for (version, texts) in [("..1", [&b, &a]), ("..2", [&a, &b])] {
        fs::create_dir(path(version)).expect("a directory");
        for (name, text) in ["1.yaml", "2.yaml"].iter().zip(texts) {
            fs::write(path(version).join(name), text).expect("a file");
        }
    }
    symlink("..1", path("..data")).expect("a link");
    for name in ["1.yaml", "2.yaml"] {
        symlink(Path::new("..data").join(name), path(name)).expect("a link");
    }
    let mut decider = start(volume.path());
    let channel = connect(&decider.address()).await;
    // The last edit is in force.
    assert_eq!(marks(&channel).await, ["a", "a"]);
    symlink("..2", path("..new")).expect("a link");
    fs::rename(path("..new"), path("..data")).expect("a link");
    let line = decider.line();
    assert!(line.contains("policy reloaded") && line.contains("rules=4 "), "{line}");
    assert_eq!(marks(&channel).await, ["b", "b"]);
}

#[test]
fn sighup_does_not_end_it_while_it_starts() {
    let folder = folder(&[("policy.yaml", &marking("a"))]);
    let pipe = folder.path().join("token");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo is there").success());
    let mut command = Command::new(PROGRAM);
    command.arg("--token-file").arg(&pipe);
    let mut decider = Decider::start_policy(&folder.path().join("policy.yaml"), &mut command);
    // Until the pipe is written to, it reads its settings.
    let mut token = OpenOptions::new().write(true).open(&pipe).expect("it reads the pipe");
    decider.signal("HUP");
    writeln!(token, "{}", "t".repeat(32)).expect("it reads the pipe");
    drop(token);
    for told in ["deciding", "policy unchanged"] {
        let line = decider.line();
        assert!(line.contains(told), "{line}");
    }
}
