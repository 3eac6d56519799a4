//! The deciders behind a gateway: several endpoints of one, several deciders, and sockets other than TCP.

mod circuit;
mod retries;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Instant;

use harness::{Decider, Gateway, PATIENCE, Port, Style, Verdict};
use serde_json::json;

const COMMAND: &str = "callbackBeforeAddBlackCommand";

fn ask(gateway: &Gateway) -> Verdict {
    gateway.call(Style::Path, COMMAND, &json!({})).verdict(Style::Path)
}

/// Calls until an answer is as expected.
fn ask_until(gateway: &Gateway, wanted: impl Fn(&Verdict) -> bool) {
    let until = Instant::now() + PATIENCE;
    while !wanted(&ask(gateway)) {
        assert!(Instant::now() < until, "no such answer in time");
    }
}

fn three() -> [Decider; 3] {
    [(); 3].map(|()| Decider::allowing())
}

fn urls(deciders: &[Decider]) -> Vec<String> {
    deciders.iter().map(Decider::url).collect()
}

#[test]
fn calls_are_spread_over_the_endpoints() {
    let deciders = three();
    let gateway = Gateway::among(&urls(&deciders), "");
    // The first calls go to the first connected ones.
    ask_until(&gateway, |_| deciders.iter().all(|decider| !decider.asked().is_empty()));
    deciders.iter().for_each(|decider| drop(decider.take_asked()));
    (0..150).for_each(|_| assert!(ask(&gateway).is_allow()));
    for decider in &deciders {
        assert!(decider.asked().len() > 20, "{} of 150", decider.asked().len());
    }
}

#[test]
fn an_endpoint_that_is_down_is_not_asked() {
    let (decider, down) = (Decider::allowing(), [Port::free(), Port::free()]);
    let urls = [down[0].url(), decider.url(), down[1].url()];
    let gateway = Gateway::among(&urls, "");
    (0..50).for_each(|_| assert!(ask(&gateway).is_allow()));
}

#[test]
fn a_rolling_restart_under_load_loses_no_call() {
    let mut deciders = three();
    let gateway = Arc::new(Gateway::among(&urls(&deciders), ""));
    let (done, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..8)
        .map(|_| {
            let (gateway, done, calls) = (gateway.clone(), done.clone(), calls.clone());
            thread::spawn(move || {
                while !done.load(SeqCst) {
                    let verdict = ask(&gateway);
                    assert!(verdict.is_allow(), "{verdict:?}");
                    calls.fetch_add(1, SeqCst);
                }
            })
        })
        .collect();
    for round in 0..3 {
        for decider in &mut deciders {
            decider.wait_until_asked(1);
            decider.terminate();
            drop(decider.take_asked());
            decider.restart();
            decider.wait_until_asked(10);
        }
        assert!(callers.iter().all(|caller| !caller.is_finished()), "a call was lost in {round}");
    }
    done.store(true, SeqCst);
    callers.into_iter().for_each(|caller| caller.join().expect("no call was lost"));
    assert!(calls.load(SeqCst) > 90);
}

#[test]
fn callbacks_go_to_the_decider_that_they_are_routed_to() {
    let (usual, moderation) = (Decider::allowing(), Decider::allowing());
    let settings = format!(
        "[deciders.moderation]\nendpoints = ['{}']\n\
         [callbacks.beforeSendGroupMsg]\ndecider = 'moderation'",
        moderation.url()
    );
    let gateway = Gateway::start(&usual.url(), &settings);
    assert!(ask(&gateway).is_allow());
    let group = gateway.call(Style::Path, "callbackBeforeSendGroupMsgCommand", &json!({}));
    assert!(group.verdict(Style::Path).is_allow());
    assert_eq!(usual.asked_once().rpc, "BeforeAddBlack");
    assert_eq!(moderation.asked_once().rpc, "BeforeSendGroupMsg");
}

#[test]
fn a_decider_is_reached_over_a_unix_domain_socket() {
    let decider = Decider::allowing();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let (listener, to) = (UnixListener::bind(&path).expect("a socket"), decider.url());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let there = TcpStream::connect(to.trim_start_matches("http://")).expect("it listens");
            pipe(stream.try_clone().expect("a handle"), there.try_clone().expect("a handle"));
            pipe(there, stream);
        }
    });
    let gateway = Gateway::start(&format!("unix:{}", path.display()), "");
    assert!(ask(&gateway).is_allow());
    assert_eq!(decider.asked_once().rpc, "BeforeAddBlack");
}

fn pipe(mut from: impl Read + Send + 'static, mut to: impl Write + Send + 'static) {
    thread::spawn(move || std::io::copy(&mut from, &mut to));
}
