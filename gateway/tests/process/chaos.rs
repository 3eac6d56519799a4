//! Gateway and decider are killed at random moments under load, again and again. Every event whose answer came to the
//! client is delivered at least once, in the order of its key.

mod ledger;
mod load;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use harness::Decider;
use serde_json::json;

use self::ledger::{Ledger, Summary};
use crate::faults::disk::Disk;
use crate::support::{Process, Running, gateway, settings};

const POSTERS: usize = 8;
/// The time in which nothing waits in the store any more, after which what is missing counts as lost.
const QUIET: Duration = Duration::from_secs(2);
/// The time in which all must have been delivered, whatever backoff the deaths of the decider have caused.
const LAST: Duration = Duration::from_secs(180);

/// A store that takes its time is waited for, since a relayed event dies with the gateway.
const SETTINGS: &str = "[events]\nstore_timeout = '10s'";

#[test]
#[ignore = "takes a minute: make chaos"]
fn what_was_acknowledged_is_delivered_in_order() {
    let seconds = setting("CHAOS_SECONDS").unwrap_or(60);
    let chaos = Chaos { name: "chaos", duration: Duration::from_secs(seconds), lying: false };
    let summary = chaos.run();
    println!("{summary}");
    assert_eq!((summary.lost, summary.out_of_order, summary.renamed), (0, 0, 0), "{summary}");
}

#[test]
fn a_disk_that_lies_loses_events() {
    let duration = Duration::from_secs(3);
    let summary = Chaos { name: "chaos-lying", duration, lying: true }.run();
    println!("{summary}");
    assert!(summary.lost > 0, "{summary}");
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

struct Chaos {
    name: &'static str,
    duration: Duration,
    /// Syncs have no effect, and each kill is a power failure.
    lying: bool,
}

/// All that threads share.
#[derive(Default)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// The gateway's address while it runs.
    address: Mutex<Option<SocketAddr>>,
    ended: AtomicBool,
}

impl Shared {
    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().expect("no panic")
    }

    fn address(&self) -> MutexGuard<'_, Option<SocketAddr>> {
        self.address.lock().expect("no panic")
    }
}

impl Chaos {
    fn run(&self) -> Summary {
        let seed = setting("CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..));
        println!("CHAOS_SEED={seed}");
        let shared = Arc::new(Shared::default());
        let books = shared.clone();
        let mut decider = Decider::start(move |asked| {
            books.ledger().deliver(asked);
            json!({})
        });
        let disk = Disk::new(self.name);
        if self.lying {
            disk.lie();
        } else {
            disk.write_back();
        }
        thread::scope(|scope| {
            for poster in 0..POSTERS {
                let shared = &shared;
                scope.spawn(move || load::post(shared, poster));
            }
            let mut random = Rng::with_seed(seed);
            let until = Instant::now() + self.duration;
            while Instant::now() < until {
                self.round(&disk, &mut decider, &shared, &mut random);
            }
            shared.ended.store(true, Ordering::Relaxed);
        });
        let gateway = Running::start(&mut self.command(&disk, &decider));
        decider.restart();
        drain(&gateway, &decider, &shared);
        shared.ledger().summary()
    }

    fn command(&self, disk: &Disk, decider: &Decider) -> Command {
        let mut command = gateway();
        command.args(["--decider", &decider.url()]).arg("--events-directory").arg(disk.directory());
        command.arg("--config").arg(settings(&format!("{}-settings", self.name), SETTINGS));
        command
    }

    /// The life of a gateway, in which the decider dies and comes back.
    fn round(&self, disk: &Disk, decider: &mut Decider, shared: &Shared, random: &mut Rng) {
        let power_fails = self.lying || random.bool();
        let mut command = self.command(disk, decider);
        if power_fails {
            disk.carry(&mut command);
        }
        if random.u8(..4) == 0 {
            let starting = Process::spawn(command.args(["--listen", "127.0.0.1:0"]));
            pause(random, 200);
            drop(starting);
        } else {
            let gateway = Running::start(&mut command);
            *shared.address() = Some(gateway.address);
            pause(random, 800);
            decider.kill();
            pause(random, 800);
            decider.restart();
            if random.bool() {
                pause(random, 800);
            }
            drop(decider.take_asked());
            *shared.address() = None;
            drop(gateway);
        }
        shared.ledger().kills += 1;
        if power_fails {
            disk.lose_power();
            shared.ledger().power_failures += 1;
        }
    }
}

fn pause(random: &mut Rng, most: u64) {
    thread::sleep(Duration::from_millis(random.u64(..most)));
}

/// Waits until all that was acknowledged is delivered, or nothing waits for its delivery any more.
fn drain(gateway: &Running, decider: &Decider, shared: &Shared) {
    let (until, mut busy) = (Instant::now() + LAST, Instant::now());
    while shared.ledger().summary().lost > 0 && busy.elapsed() < QUIET && Instant::now() < until {
        thread::sleep(Duration::from_millis(100));
        drop(decider.take_asked());
        if !gateway.metrics().contains("callback_gateway_events_waiting 0\n") {
            busy = Instant::now();
        }
    }
}
