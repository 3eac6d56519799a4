//! Settings of callbacks that are put in force while the gateway runs.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::support::{CALLBACK, Running, answer, directory, gateway, settings};

const DENY: &str = "[callbacks.beforeAddBlack]\nanswer = 'deny'\nmessage = 'closed for the night'";
const ALLOW: &str = "[callbacks.beforeAddBlack]\nanswer = 'allow'";

#[test]
fn sighup_puts_new_settings_in_force_and_a_call_in_flight_keeps_its_own() {
    let decider = TcpListener::bind("127.0.0.1:0").expect("a decider that says nothing");
    let url = format!("http://{}", decider.local_addr().expect("an address"));
    let text = "[defaults]\ndeadline = '1m'\non_failure = 'allow'";
    let (elsewhere, directory) = (settings("elsewhere", text), directory("sighup"));
    // Only the link's own directory is watched, so what follows comes of the signal.
    let file = directory.join("gateway.toml");
    symlink(&elsewhere, &file).expect("a link");
    let running = Running::start(gateway().arg("--config").arg(file).args(["--decider", &url]));
    let mut waiting = running.connect();
    waiting.write_all(CALLBACK).expect("it reads");
    let (asked, _) = decider.accept().expect("the callback is on its way");
    running.wait_for_metric("callback_gateway_in_flight 1");

    fs::write(elsewhere, DENY).expect("a file");
    running.signal("-HUP");
    running.wait_for("callbacks reloaded");
    let verdict = running.call();
    assert!(verdict.contains("closed for the night") && verdict.contains("\"nextCode\":1"));
    running.wait_for_metric(r#"callback_gateway_reloads_total{result="success"} 1"#);

    drop((asked, decider));
    let verdict = answer(&mut waiting);
    assert!(verdict.contains("\"nextCode\":0"), "{verdict}");
}

#[test]
fn a_file_that_changes_is_read_again() {
    let file = settings("changed", ALLOW);
    let running = Running::start(gateway().arg("--config").arg(&file));
    assert!(running.call().contains("\"nextCode\":0"));
    fs::write(&file, DENY).expect("a file");
    running.wait_for("callbacks reloaded");
    assert!(running.call().contains("closed for the night"));
    // As editors do it
    let new = file.with_extension("new");
    fs::write(&new, ALLOW).expect("a file");
    fs::rename(new, file).expect("one directory");
    running.wait_for("callbacks reloaded");
    assert!(running.call().contains("\"nextCode\":0"));
}

#[test]
fn a_swap_of_links_as_kubernetes_does_it_is_a_change() {
    let directory = directory("swapped");
    for (version, text) in [("..1", ALLOW), ("..2", DENY)] {
        fs::create_dir(directory.join(version)).expect("a directory");
        fs::write(directory.join(version).join("gateway.toml"), text).expect("a file");
    }
    let (file, data) = (directory.join("gateway.toml"), directory.join("..data"));
    symlink("..1", &data).expect("a link");
    symlink("..data/gateway.toml", &file).expect("a link");
    let running = Running::start(gateway().arg("--config").arg(file));
    assert!(running.call().contains("\"nextCode\":0"));

    let new = directory.join("..data_tmp");
    symlink("..2", &new).expect("a link");
    fs::rename(new, data).expect("one directory");
    running.wait_for("callbacks reloaded");
    assert!(running.call().contains("closed for the night"));
}

#[test]
fn a_bad_file_is_told_and_keeps_what_was_in_force() {
    let file = settings("bad", DENY);
    let running = Running::start(gateway().arg("--config").arg(&file));
    fs::write(&file, "[defaults]\ncode = 1\n[callbacks.beforeAdBlack]\nanswer = 'allow'")
        .expect("a file");
    running.wait_for("did you mean `beforeAddBlack`");
    running.wait_for("defaults.code");
    running.wait_for("callbacks not reloaded");
    assert!(running.call().contains("closed for the night"));
    running.wait_for_metric(r#"callback_gateway_reloads_total{result="failure"} 1"#);

    fs::write(&file, ALLOW).expect("a file");
    running.wait_for("callbacks reloaded");
    assert!(running.call().contains("\"nextCode\":0"));
}

#[test]
fn settings_that_need_a_restart_are_named_when_they_change() {
    let file = settings("restart", ALLOW);
    let running = Running::start(gateway().arg("--config").arg(&file));
    let text = format!("limits.body = 9\ntls = {{}}\ncallers.networks = ['10.0.0.0/8']\n{DENY}");
    fs::write(&file, text).expect("a file");
    let line = running.wait_for("need a restart");
    assert!(line.contains(r#"settings="callers.networks, limits.body""#), "{line}");
    assert!(running.call().contains("closed for the night"));
}

#[test]
fn callbacks_of_a_decider_that_is_new_need_a_restart() {
    let file = settings("new_decider", DENY);
    let running = Running::start(gateway().arg("--config").arg(&file));
    let text = "deciders.new = {}\n[callbacks.beforeAddBlack]\ndecider = 'new'";
    fs::write(&file, text).expect("a file");
    running.wait_for("no decider `new`");
    running.wait_for("after a restart only");
    running.wait_for("callbacks not reloaded");
    assert!(running.call().contains("closed for the night"));
}

#[test]
fn what_failed_continue_opens_is_listed_at_the_start_and_after_a_change() {
    let file = directory("failed_continue").join("webhooks.yml");
    let webhooks =
        |key: &str| format!("{key}: {{ enable: true, timeout: 3, failedContinue: true }}");
    fs::write(&file, webhooks("beforeAddFriend")).expect("a file");
    let mut command = gateway();
    let running =
        Running::start(command.arg("--openim-webhooks").arg(&file).arg("--honour-failed-continue"));
    running.wait_for(r#"policy="deadline=2s 500ms, on_failure=allow" callbacks="beforeAddFriend""#);
    let opened = running.wait_for("by failedContinue");
    assert!(opened.contains("WARN") && opened.contains(r#"about="beforeAddFriend""#), "{opened}");

    fs::write(&file, webhooks("beforeAddBlack")).expect("a file");
    let opened = running.wait_for("by failedContinue");
    assert!(opened.contains(r#"about="beforeAddBlack""#), "{opened}");
}

#[test]
fn a_file_of_settings_that_stalls_holds_up_neither_health_nor_the_end() {
    let file = settings("stalled", ALLOW);
    let mut running = Running::start(gateway().arg("--config").arg(&file));
    fs::remove_file(&file).expect("it is there");
    // Whoever opens a pipe to read waits until somebody writes.
    let made = Command::new("mkfifo").arg(&file).status();
    assert!(made.expect("mkfifo runs").success());
    running.signal("-HUP");
    assert!(running.call().contains("\"nextCode\":0"));
    assert!(running.ask("/livez").starts_with("HTTP/1.1 200"));
    running.terminate();
    assert_eq!(running.process.wait(), Some(0));
}
