//! Calls of the disk that fail while the gateway runs: its callers are answered all the same, and nothing is lost that
//! the store took.

use std::os::unix::process::ExitStatusExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use harness::{Client, Decider};
use serde_json::json;
use tonic::Status;

use super::disk::{Calls, EIO, TORN};
use super::store::{SOON, Store, count, message, tell, tell_until_kept, value, wait_until};

const SIGKILL: i32 = 9;

/// Lets calls fail once, or for a time, while events wait, and then the power.
fn error_and_power_loss(test: &str, calls: Calls, lasting: Option<Duration>) {
    let mut store = Store::waiting(test, "");
    let gateway = store.start();
    tell(gateway.address, 0..10);
    store.disk.fail(calls, EIO, 0, lasting.is_none().then_some(1));
    assert!(tell(gateway.address, [10]) < SOON);
    assert_eq!(count(&gateway, "callbacks", "relayed"), 1);
    if let Some(time) = lasting {
        thread::sleep(time);
        store.disk.fail(calls, 0, 0, None);
    }
    wait_until(|| {
        let (copied, all) = (store.files(".retired.db"), store.files(".db"));
        (copied.len() != 1 || all.len() != 2).then(|| format!("{all:?}"))
    });
    let next = tell_until_kept(&gateway, 11);
    assert_eq!(value(&gateway, "events_databases_retired_total "), 1);
    assert_eq!(value(&gateway, "events_unreadable_total "), 0);
    drop(gateway);
    store.disk.lose_power();

    store.decider.restart();
    let _gateway = store.start();
    store.wait_until_told((0..10).chain([next - 1]));
}

#[test]
fn an_error_of_a_write_loses_nothing() {
    error_and_power_loss("write-error", Calls::Writes, None);
}

#[test]
fn an_error_of_a_sync_loses_nothing() {
    error_and_power_loss("sync-error", Calls::Syncs, None);
}

#[test]
fn writes_that_fail_for_a_while_lose_nothing() {
    let while_ = Some(Duration::from_millis(1500));
    error_and_power_loss("write-errors", Calls::Writes, while_);
}

#[test]
fn syncs_that_fail_for_a_while_lose_nothing() {
    let while_ = Some(Duration::from_millis(1500));
    error_and_power_loss("sync-errors", Calls::Syncs, while_);
}

#[test]
fn a_torn_write_loses_nothing() {
    let mut store = Store::waiting("torn-write", "");
    let (mut told, mut torn) = (Vec::new(), 0);
    for round in 0..6 {
        let mut gateway = store.start();
        let first = round * 10;
        tell(gateway.address, first..first + 5);
        told.extend(first..first + 5);
        store.disk.fail(Calls::Writes, TORN, round as i64, None);
        let mut client = Client::connect(gateway.address);
        if client.try_send(&message(first + 5)).is_ok() {
            told.push(first + 5); // it needed fewer writes
        } else {
            let status = gateway.process.0.wait().expect("it is our child");
            assert_eq!(status.signal(), Some(SIGKILL));
            torn += 1;
        }
        drop(gateway);
        store.disk.fail(Calls::Writes, 0, 0, None);
        store.disk.lose_power();
    }
    assert!(torn > 0);
    store.decider.restart();
    let _gateway = store.start();
    store.wait_until_told(told);
}

/// A decider whose first calls fail.
fn failing(times: usize) -> Decider {
    let calls = AtomicUsize::new(0);
    Decider::start(move |_| match calls.fetch_add(1, Ordering::Relaxed) < times {
        true => harness::Says::Status(Status::internal("on purpose")),
        false => json!({}).into(),
    })
}

#[test]
fn a_clock_that_is_set_back_between_two_runs_delays_no_attempt() {
    let store = Store::new("clock-between", failing(1), "");
    let gateway = store.start();
    tell(gateway.address, [0]);
    wait_until(|| (count(&gateway, "events", "retried") != 1).then(|| "not failed".to_owned()));
    drop(gateway);
    // By now the attempt is due, so that its time lies less than an hour ahead.
    thread::sleep(Duration::from_millis(1300));
    store.disk.shift_clock(-3600);
    let _gateway = store.start();
    store.decider.wait_until_asked(2);
}

#[test]
fn a_clock_that_is_set_back_during_a_run_delays_no_attempt() {
    let store = Store::new("clock-during", failing(1), "");
    let gateway = store.start();
    tell(gateway.address, [0]);
    wait_until(|| (count(&gateway, "events", "retried") != 1).then(|| "not failed".to_owned()));
    store.disk.shift_clock(-3600);
    store.decider.wait_until_asked(2);
}

#[test]
fn commits_grow_with_the_number_of_callers() {
    const CALLERS: usize = 32;
    const EACH: usize = 20;
    let store = Store::waiting("groups", "");
    let gateway = store.start();
    let before = store.disk.calls(Calls::Syncs);
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let address = gateway.address;
            scope.spawn(move || tell(address, caller * EACH..(caller + 1) * EACH));
        }
    });
    let syncs = store.disk.calls(Calls::Syncs) - before;
    println!("{} events of {CALLERS} callers: {syncs} syncs", CALLERS * EACH);
    assert_eq!(count(&gateway, "callbacks", "kept"), (CALLERS * EACH) as u64);
    assert!(syncs < (CALLERS * EACH / 2) as i64, "{syncs}");
}
