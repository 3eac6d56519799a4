//! Directories that a gateway can't use, and the end of one.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use harness::{Client, Decider, Says, Style};

use super::store::{Store, count, long_message, tell, tell_until_kept};
use crate::support::{OS_ERROR, Running, directory, gateway, output};

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

/// The time of processors that a gateway has used.
fn used(gateway: &Running) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", gateway.process.0.id()));
    let stat = stat.expect("it runs on Linux");
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    let ticks: u64 = fields.skip(11).take(2).flat_map(str::parse::<u64>).sum();
    Duration::from_millis(ticks * 10)
}

#[test]
fn a_directory_whose_disk_fails_at_the_start_is_used_once_it_works() {
    let store = Store::new("broken-at-start", Decider::allowing(), "");
    // One of the errors that are neither the settings' nor a missing right.
    let lock = store.disk.directory().join("lock");
    symlink("lock", &lock).expect("a place for files");
    let gateway = store.start();
    tell(gateway.address, 0..2);
    assert_eq!(count(&gateway, "callbacks", "relayed"), 2);
    let before = used(&gateway);
    thread::sleep(Duration::from_secs(1));
    let used = used(&gateway) - before;
    assert!(used < Duration::from_millis(400), "{used:?} in one second");
    fs::remove_file(lock).expect("our link");
    let next = tell_until_kept(&gateway, 2);
    store.wait_until_told(0..next);
    refuses(store.disk.directory(), "another gateway uses it");
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
