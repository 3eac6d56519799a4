//! The case that events were made for: a decider that is down while OpenIM sends messages, and OpenIM's own transport.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use harness::{Client, Request};

use super::store::{Store, message};
use crate::support::Running;

const MESSAGES: usize = 300;
/// As OpenIM's client of webhooks has them.
const WORKERS: usize = 2;
const PLACES: usize = 100;
const TIMEOUT: Duration = Duration::from_secs(3);
/// The time for which the thread of a user's call waits for a place.
const PUSH: Duration = Duration::from_millis(100);

/// OpenIM's transport of after-callbacks: no request is repeated, and one without a place is dropped.
struct OpenIm {
    queue: SyncSender<Request>,
}

impl OpenIm {
    fn start(gateway: &Running) -> Self {
        let (queue, tasks) = sync_channel(PLACES);
        let tasks = Arc::new(Mutex::new(tasks));
        for _ in 0..WORKERS {
            let (tasks, address) = (tasks.clone(), gateway.address);
            thread::spawn(move || {
                let mut client = Client::connect(address);
                client.read_timeout(TIMEOUT);
                while let Some(request) = next(&tasks) {
                    if client.try_send(&request).is_err() {
                        client = Client::connect(address);
                        client.read_timeout(TIMEOUT);
                    }
                }
            });
        }
        Self { queue }
    }

    /// The time that a callback takes of the user's own call.
    fn post(&self, mut request: Request) -> Duration {
        let began = Instant::now();
        while let Err(TrySendError::Full(back)) = self.queue.try_send(request) {
            if began.elapsed() >= PUSH {
                break;
            }
            request = back;
            thread::sleep(Duration::from_millis(1));
        }
        began.elapsed()
    }
}

fn next(tasks: &Mutex<Receiver<Request>>) -> Option<Request> {
    tasks.lock().expect("no panic").recv().ok()
}

/// The seconds that the decider is down; OUTAGE_SECONDS=30 for those of the real case.
fn outage() -> Duration {
    let seconds = std::env::var("OUTAGE_SECONDS").map(|text| text.parse().expect("a number"));
    Duration::from_secs(seconds.unwrap_or(2))
}

#[test]
fn no_message_is_lost_while_the_decider_is_down_and_no_user_waits() {
    let mut store = Store::waiting("outage", "");
    let gateway = store.start();
    let openim = OpenIm::start(&gateway);
    let mut took: Vec<_> = (0..MESSAGES)
        .map(|number| {
            let took = openim.post(message(number));
            thread::sleep(outage() / MESSAGES as u32);
            took
        })
        .collect();
    store.decider.restart();
    store.wait_until_told(0..MESSAGES);
    took.sort();
    let [half, most] = [MESSAGES / 2, MESSAGES - 1].map(|index| took[index]);
    println!("decider down for {:?}: 0 of {MESSAGES} lost; p50 {half:?}, max {most:?}", outage());
    assert!(half < Duration::from_millis(50), "{half:?}");
}
