//! Directories that a gateway can't use, and the end of one.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use harness::{Client, Decider, Says, Style};

use super::store::{Store, long_message, tell};
use crate::support::{OS_ERROR, directory, gateway, output};

/// A gateway must end at once, and say why.
pub(super) fn refuses(directory: &Path, why: &str) {
    let mut command = gateway();
    command.args(["--listen", "127.0.0.1:0", "--events-directory"]).arg(directory);
    let (code, said) = output(&mut command);
    assert_eq!(code, Some(OS_ERROR), "{said}");
    assert!(said.contains(&directory.display().to_string()) && said.contains(why), "{said}");
}

#[test]
fn a_directory_that_another_gateway_uses_is_refused() {
    let store = Store::waiting("in-use", "");
    let _gateway = store.start();
    refuses(store.disk.directory(), "another gateway uses it");
}

#[test]
fn a_directory_that_cannot_be_written_is_refused() {
    let place = directory("not-writable");
    fs::write(place.join("file"), "").expect("a place for files");
    refuses(&place.join("file"), "exists");
    refuses(&place.join("file/events"), "ot a directory");
    fs::create_dir_all(place.join("events/events.db")).expect("a place for files");
    refuses(&place.join("events"), "s a directory");
}

#[test]
fn a_stop_ends_attempts_that_hang_and_keeps_their_events() {
    let decider = Decider::start(|_| Says::Nothing);
    let mut store = Store::new("hanging", decider, "limits.drain = '1s'");
    let mut gateway = store.start();
    tell(gateway.address, 0..100);
    store.decider.wait_until_asked(64);
    let began = Instant::now();
    gateway.terminate();
    assert_eq!(gateway.process.wait(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(gateway);

    store.disk.lose_power();
    store.decider.kill();
    store.decider = Decider::allowing();
    let _gateway = store.start();
    store.wait_until_told(0..100);
}

#[test]
fn a_stop_reports_what_was_being_relayed_as_lost() {
    let settings = "limits.drain = '1s'\nevents.max_body = 1024";
    let store = Store::new("hanging-relays", Decider::start(|_| Says::Nothing), settings);
    let mut gateway = store.start();
    let mut client = Client::connect(gateway.address);
    for number in 0..10 {
        let verdict = client.send(&long_message(number, 2000)).verdict(Style::Path);
        assert!(verdict.is_allow(), "{verdict:?}");
    }
    drop(client);
    store.decider.wait_until_asked(10);
    gateway.terminate();
    assert_eq!(gateway.process.wait(), Some(0));
    let log = gateway.rest_of_the_log();
    assert_eq!(log.matches("event lost").count(), 10, "{log}");
}
