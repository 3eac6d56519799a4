//! The log: callbacks are answered even if it can't be written.

use std::io::Write;
use std::process::Command;

use crate::support::{OTHER, Running, answer, gateway, settings, shell};

/// Enough to fill the pipe of stderr and the gateway's own queue.
const REFUSALS: usize = 8_000;

/// Checks that a gateway answers while many lines are logged, and ends as it should. Returns its metrics.
fn answers_all(command: &mut Command) -> String {
    let mut running = Running::unread(command, "log_lines_per_second = 0");
    let mut client = running.connect();
    for _ in 0..REFUSALS {
        client.write_all(OTHER).expect("it reads");
        assert!(answer(&mut client).starts_with("HTTP/1.1 405"), "a refusal");
    }
    drop(client);
    assert!(running.call().contains("\"nextCode\""), "a verdict");
    assert!(running.ask("/livez").starts_with("HTTP/1.1 200"));
    let metrics = running.metrics();
    running.terminate();
    assert_eq!(running.process.wait(), Some(0));
    metrics
}

#[test]
fn a_log_that_nobody_reads_holds_up_nothing_and_what_is_dropped_is_counted() {
    let metrics = answers_all(&mut shell("exec \"$@\""));
    let counter = "callback_gateway_log_dropped_lines_total ";
    let dropped = metrics.lines().find_map(|line| line.strip_prefix(counter));
    assert!(dropped.is_some_and(|dropped| dropped != "0"), "{metrics}");
}

#[test]
fn a_log_that_is_closed_changes_nothing() {
    answers_all(&mut shell("exec \"$@\" 2>&-"));
}

#[test]
fn a_log_on_a_disk_that_is_full_changes_nothing() {
    answers_all(&mut shell("exec \"$@\" 2>/dev/full"));
}

#[test]
fn lines_of_one_kind_are_limited_and_the_rest_is_counted() {
    let file = settings("log_lines", "log_lines_per_second = 10");
    let mut running = Running::start(gateway().arg("--config").arg(file));
    let mut client = running.connect();
    for _ in 0..300 {
        client.write_all(OTHER).expect("it reads");
        answer(&mut client);
    }
    drop(client);
    running.wait_for_metric(
        r#"callback_gateway_callbacks_total{callback="none",outcome="refused"} 300"#,
    );
    running.terminate();
    assert_eq!(running.process.wait(), Some(0));
    let log = running.rest_of_the_log();
    // Each second begins a new count.
    let lines = log.lines().filter(|line| line.contains("by POST")).count();
    assert!((10..=100).contains(&lines), "{lines} lines");
    assert!(log.contains("more lines like this: refused"), "{log}");
}
