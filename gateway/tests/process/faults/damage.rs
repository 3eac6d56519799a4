//! A database that is damaged while no gateway runs: the next one starts, and delivers what is readable.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use harness::{Client, Style};

use super::store::{Store, long_message, tell, value, wait_until};

const EVENTS: usize = 200;
const PAGE: usize = 4096;

/// Keeps events, overwrites bytes of their database, and delivers them; returns how many of them.
fn delivered_after(test: &str, overwrite: impl Fn(&mut Vec<u8>)) -> usize {
    let mut store = Store::waiting(test, "");
    let mut gateway = store.start();
    let mut client = Client::connect(gateway.address);
    for number in 0..EVENTS {
        let verdict = client.send(&long_message(number, 1500)).verdict(Style::Path);
        assert!(verdict.is_allow(), "{verdict:?}");
    }
    drop(client);
    gateway.terminate();
    assert_eq!(gateway.process.wait(), Some(0));
    let path = store.disk.directory().join("events.db");
    let mut bytes = fs::read(&path).expect("a database");
    overwrite(&mut bytes);
    fs::write(&path, bytes).expect("space");

    store.decider.restart();
    let gateway = store.start();
    tell(gateway.address, [EVENTS]);
    store.wait_until_told([EVENTS]);
    wait_until(|| (store.files(".retired.db").len() != 1).then(|| "not retired".to_owned()));
    wait_until(|| match value(&gateway, "events_waiting ") {
        0 => None,
        waiting => Some(format!("{waiting} wait")),
    });
    assert!(value(&gateway, "events_unreadable_total ") > 0);
    store.told().len() - 1
}

/// Overwrites the pages in the middle of the file, one in eight.
fn in_the_middle(bytes: &mut [u8], overwrite: impl Fn(&mut [u8])) {
    let pages: Vec<_> = bytes.chunks_mut(PAGE).collect();
    let (quarter, half) = (pages.len() / 4, pages.len() / 2);
    pages.into_iter().skip(quarter).take(half).step_by(8).for_each(overwrite);
}

#[test]
fn a_header_that_is_overwritten_leaves_a_store_that_works() {
    delivered_after("damaged-header", |bytes| bytes[..100].fill(0xff));
}

#[test]
fn events_beside_pages_of_zeros_are_delivered() {
    let delivered = delivered_after("damaged-pages", |bytes| {
        in_the_middle(bytes, |page| page.fill(0));
    });
    assert!((EVENTS / 2..EVENTS).contains(&delivered), "{delivered}");
}

#[test]
fn events_beside_half_pages_of_zeros_are_delivered() {
    let delivered = delivered_after("damaged-halves", |bytes| {
        in_the_middle(bytes, |page| page[PAGE / 2..].fill(0));
    });
    assert!((EVENTS / 2..EVENTS).contains(&delivered), "{delivered}");
}

#[test]
fn events_beside_values_that_are_no_text_are_delivered() {
    let delivered = delivered_after("damaged-values", |bytes| {
        let text = b"callbackAfterSendSingleMsgCommand";
        let mut places = bytes.windows(text.len()).enumerate().filter(|(_, it)| it == text);
        // Not among the first, which are remains of rows that have moved.
        let (at, _) = places.nth(EVENTS / 2).expect("a command of each event");
        bytes[at..][..4].fill(0xff);
    });
    assert_eq!(delivered, EVENTS - 1);
}

#[test]
fn a_move_that_a_kill_cut_short_is_finished() {
    let mut store = Store::waiting("cut-short", "");
    let gateway = store.start();
    tell(gateway.address, 0..10);
    drop(gateway);
    let place = |name| store.disk.directory().join(name);
    fs::rename(place("events.db-wal"), place("events.1.damaged.db-wal")).expect("a WAL");
    store.decider.restart();
    let _gateway = store.start();
    store.wait_until_told(0..10);
}

#[test]
fn a_damaged_database_that_cannot_be_renamed_is_copied_once() {
    let mut store = Store::waiting("not-renamed", "");
    let gateway = store.start();
    tell(gateway.address, 0..10);
    drop(gateway);
    let place = |name: &str| store.disk.directory().join(name);
    for ending in ["", "-wal"] {
        let [from, to] = ["events.db", "events.1.damaged.db"].map(|name| format!("{name}{ending}"));
        fs::rename(place(&from), place(&to)).expect("a database");
    }
    fs::create_dir(place("events.1.retired.db")).expect("a place for files");
    store.decider.restart();
    let _gateway = store.start();
    store.wait_until_told(0..10);
}

#[test]
fn databases_of_other_schemas_are_refused() {
    let store = Store::waiting("newer-schema", "");
    let mut gateway = store.start();
    tell(gateway.address, [0]);
    gateway.terminate();
    assert_eq!(gateway.process.wait(), Some(0));
    // `PRAGMA user_version = 99`, and then `PRAGMA application_id = 1`.
    for (at, value, says) in [(60, 99_u32, "a newer gateway"), (68, 1, "another program")] {
        let path = store.disk.directory().join("events.db");
        let file = File::options().write(true).open(path).expect("a database");
        file.write_all_at(&value.to_be_bytes(), at).expect("space");
        super::opening::refuses(store.disk.directory(), says);
    }
}
