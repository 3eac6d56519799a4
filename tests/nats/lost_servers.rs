//! Servers that die.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Decider, Gateway, Nats, PATIENCE};
use tonic::Status;

use crate::support::{gateway, kept, of, settings, tell, wait_until, wait_until_it_keeps};

#[test]
fn events_are_relayed_while_the_server_is_down_and_kept_once_it_is_back() {
    let Some(mut server) = Nats::start("") else { return };
    let decider = Decider::allowing();
    let events = settings("[events]\nstore = 'nats'\n", [&server], "");
    let gateway = Gateway::start(&decider.url(), &events);
    wait_until_it_keeps(&gateway);
    server.kill();
    let before = kept(&gateway);
    let asked = decider.asked().len();
    let mut client = gateway.connect();
    let began = Instant::now();
    for n in 0..20 {
        tell(&mut client, "g1", &n.to_string());
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(kept(&gateway), before);
    decider.wait_until_asked(asked + 20);
    server.restart();
    wait_until_it_keeps(&gateway);
}

#[test]
fn a_gateway_starts_without_its_servers() {
    let Some(mut server) = Nats::start("") else { return };
    server.kill();
    let decider = Decider::allowing();
    let gateway = gateway(&decider, [&server], "");
    tell(&mut gateway.connect(), "g1", "1");
    decider.wait_until_asked(1);
    assert_eq!(kept(&gateway), 0.0);
    server.restart();
    wait_until_it_keeps(&gateway);
}

#[test]
fn a_stop_does_not_wait_for_servers_that_are_down() {
    let Some(mut server) = Nats::start("") else { return };
    let decider = Decider::start(|_| Status::internal("not yet"));
    let gateway = gateway(&decider, [&server], "");
    tell(&mut gateway.connect(), "g1", "1");
    decider.wait_until_asked(1);
    server.kill();
    let began = Instant::now();
    gateway.stop();
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
}

/// The time for which servers are killed; `NATS_CHAOS_SECONDS` says another one.
fn chaos_time() -> Duration {
    let seconds = std::env::var("NATS_CHAOS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(20))
}

#[test]
fn nothing_is_lost_and_no_key_is_out_of_order_while_one_of_three_servers_is_killed_in_turns() {
    let Some(mut servers) = Nats::cluster() else { return };
    let decider = Decider::allowing();
    let text = settings("[events]\nstore = 'nats'\n", &servers, "replicas = 3\npartitions = 16");
    let gateways = [(); 4].map(|()| Gateway::start(&decider.url(), &text));
    gateways.iter().for_each(wait_until_it_keeps);
    let done = AtomicBool::new(false);
    let stored: Vec<Vec<bool>> = thread::scope(|scope| {
        let callers = gateways.iter().enumerate();
        let callers: Vec<_> = callers
            .map(|(caller, gateway)| {
                let done = &done;
                scope.spawn(move || call_until(done, gateway, caller))
            })
            .collect();
        kill_in_turns(&mut servers);
        done.store(true, Relaxed);
        callers.into_iter().map(|caller| caller.join().expect("no panic")).collect()
    });
    let total: usize = stored.iter().map(Vec::len).sum();
    wait_until("every event has arrived", 12 * PATIENCE, || arrived(&decider).len() >= total);
    check_order(&decider, &stored);
    let kept = stored.iter().flatten().filter(|stored| **stored).count();
    let deliveries = decider.asked().iter().map(of).filter(|(group, _)| group != "first").count();
    println!("{total} events, {kept} of them stored; {} duplicates", deliveries - total);
    // Most of the others are told in the seconds until there is a new leader.
    assert!(kept > total / 10, "{kept} of {total} were stored");
}

fn kill_in_turns(servers: &mut [Nats; 3]) {
    let until = Instant::now() + chaos_time();
    for server in (0..3).cycle() {
        if Instant::now() >= until {
            return;
        }
        servers[server].kill();
        thread::sleep(Duration::from_secs(1));
        servers[server].restart();
        servers[server].wait_until_healthy();
        thread::sleep(Duration::from_secs(2));
    }
}

/// Tells the gateway one event after the other. True stands for each that was stored, false for a relayed one.
fn call_until(done: &AtomicBool, gateway: &Gateway, caller: usize) -> Vec<bool> {
    let mut client = gateway.connect();
    let mut stored = Vec::new();
    while !done.load(Relaxed) {
        let before = kept(gateway);
        tell(&mut client, &caller.to_string(), &stored.len().to_string());
        stored.push(kept(gateway) > before);
        thread::sleep(Duration::from_millis(5));
    }
    stored
}

/// The events that the decider has received at least once.
fn arrived(decider: &Decider) -> BTreeSet<(String, String)> {
    decider.asked().iter().map(of).filter(|(group, _)| group != "first").collect()
}

/// First deliveries of what was stored must be in order.
fn check_order(decider: &Decider, stored: &[Vec<bool>]) {
    let mut next = vec![0; stored.len()];
    for (group, text) in decider.asked().iter().map(of).filter(|(group, _)| group != "first") {
        let [caller, number] = [group, text].map(|text| text.parse::<usize>().expect("a number"));
        let is_first = number >= next[caller];
        if stored[caller][number] && is_first {
            let skipped = &stored[caller][next[caller]..number];
            assert!(
                skipped.iter().all(|stored| !stored),
                "{caller}: {number}, not {}",
                next[caller]
            );
            next[caller] = number + 1;
        }
    }
}
