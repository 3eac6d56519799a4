//! Idle connections, in a process of their own, whose memory is measured. `IDLE_CONNECTIONS` is their number; each
//! takes two file descriptors here.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use harness::{Decider, Gateway, Request, Style};
use serde_json::json;

/// Memory of this process, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kib: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib * 1024
}

#[test]
fn idle_connections_do_no_harm() {
    let count = std::env::var("IDLE_CONNECTIONS").map_or(2000, |n| n.parse().expect("a number"));
    let decider = Decider::allowing();
    let gateway = Gateway::start(&decider.url(), "");
    let mut busy = gateway.connect();
    let request = Request::callback(Style::Path, "callbackBeforeAddBlackCommand", &json!({}));
    let mut ask = || {
        let began = Instant::now();
        for _ in 0..200 {
            assert!(busy.send(&request).verdict(Style::Path).is_allow());
        }
        began.elapsed()
    };
    let (alone, before) = (ask(), memory());
    let connect = |_| TcpStream::connect(gateway.address()).expect("the gateway listens");
    let mut idle: Vec<_> = (0..count).map(connect).collect();
    gateway.wait_for_metric("connections", 1.0 + count as f64);
    // Half a head each counts as idle too.
    idle.iter_mut().for_each(|client| client.write_all(b"POST").expect("open"));
    let crowded = ask();
    let each = memory().saturating_sub(before) / count;
    println!("200 requests: {alone:?} alone, {crowded:?} beside {count}; {each} bytes for each");
    assert!(crowded < 4 * alone + Duration::from_secs(1), "{alone:?}, then {crowded:?}");
    assert!(each < 48 << 10, "{each} bytes for each");
    drop(idle);
    gateway.wait_for_metric("connections", 1.0);
}
