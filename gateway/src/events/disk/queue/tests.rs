//! The order in which records are handed out, over a real database.

use std::collections::BTreeMap;

use arc_swap::ArcSwap;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use uuid::Uuid;

use super::super::super::letters::State;
use super::super::super::record::framed;
use super::super::changes::{self, Ending};
use super::*;
use crate::failure_policy::{CallbackConfigs, Defaults, Layers, Overrides};

const SINGLE: &str = "afterSendSingleMsg";
const GROUP: &str = "afterSendGroupMsg";

/// A queue of two deciders, of which each takes two records at a time.
struct Fixture {
    database: Database,
    queue: Queue,
    deliveries: UnboundedReceiver<Vec<Delivery>>,
    last: i64,
    _directory: TempDir,
}

/// The configurations where group messages go to this decider.
fn configs(of_groups: &str) -> CallbackConfigs {
    let key = CallbackKey::find(GROUP).expect("a callback");
    let overrides = Overrides { decider: Some(of_groups.to_owned()), ..Overrides::default() };
    let layers = Layers {
        callbacks: &BTreeMap::from([(key, overrides)]),
        webhooks: None,
        honour_failed_continue: false,
        defaults: &Defaults::default(),
        deciders: vec!["default", "other"],
    };
    layers.resolve().expect("valid")
}

fn record(callback: &str, key: &str) -> Record {
    let callback = CallbackKey::find(callback).and_then(CallbackKey::callback);
    Record {
        id: Uuid::nil(),
        callback: callback.expect("a callback"),
        command: String::new(),
        operation_id: String::new(),
        traceparent: None,
        key: Some(key.to_owned()),
        received: Millis(0),
        frame: framed(b""),
    }
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let database = Database::open(&directory.path().join("events.db")).expect("a database");
        let (to, deliveries) = unbounded_channel();
        let configs = Arc::new(ArcSwap::from_pointee(configs("default")));
        let mut queue = Queue::new(configs, 2, 2, to);
        queue.rewind();
        let mut fixture = Self { database, queue, deliveries, last: 0, _directory: directory };
        assert_eq!(fixture.dispatch(0), [0; 0]);
        fixture
    }

    /// Stores a record, without handing out anything.
    fn store(&mut self, callback: &str, key: &str) -> (i64, Arc<Record>) {
        self.last += 1;
        let record = record(callback, key);
        let transaction = self.database.begin().expect("a transaction");
        changes::insert(&transaction, self.last, [&record].into_iter()).expect("stored");
        transaction.commit().expect("committed");
        (self.last, Arc::new(record))
    }

    /// Stores a record, and returns what is handed out.
    fn keep(&mut self, callback: &str, key: &str) -> Vec<i64> {
        let stored = self.store(callback, key);
        self.queue.dispatch(&self.database, vec![stored], Millis(0)).expect("dispatched");
        self.handed_out()
    }

    /// The numbers that are handed out at a time.
    fn dispatch(&mut self, now: i64) -> Vec<i64> {
        self.queue.dispatch(&self.database, Vec::new(), Millis(now)).expect("dispatched");
        self.handed_out()
    }

    fn handed_out(&mut self) -> Vec<i64> {
        std::iter::from_fn(|| self.deliveries.try_recv().ok())
            .flatten()
            .map(|delivery| delivery.seq)
            .collect()
    }

    fn delivered(&mut self, seq: i64) {
        let transaction = self.database.begin().expect("a transaction");
        assert!(changes::delete(&transaction, seq).expect("deleted"));
        transaction.commit().expect("committed");
        self.queue.ended(seq, End::Left);
    }

    fn failed(&mut self, seq: i64, due: i64) {
        let transaction = self.database.begin().expect("a transaction");
        let ending = Ending { seq, at: Millis(0), status: "" };
        assert!(changes::put_off(&transaction, &ending, Millis(due)).expect("put off"));
        transaction.commit().expect("committed");
        self.queue.ended(seq, End::PutOff);
        self.queue.put_off(Millis(due));
    }

    fn change(&mut self, sql: &str) {
        self.database.connection.execute(sql, []).expect("SQL");
    }
}

#[test]
fn records_of_one_key_are_handed_out_one_after_the_other() {
    let mut it = Fixture::new();
    assert_eq!(it.keep(SINGLE, "k"), [1]);
    assert_eq!(it.keep(SINGLE, "k"), [0; 0]);
    assert_eq!(it.keep(GROUP, "k"), [0; 0], "the callback does not matter");
    assert_eq!(it.keep(SINGLE, "other"), [4]);
    it.delivered(1);
    assert_eq!(it.dispatch(0), [2]);
    it.delivered(2);
    assert_eq!(it.dispatch(0), [3]);
}

#[test]
fn a_record_that_waits_for_another_attempt_holds_up_its_key_only() {
    let mut it = Fixture::new();
    assert_eq!(it.keep(SINGLE, "k"), [1]);
    it.failed(1, 10);
    assert_eq!(it.keep(SINGLE, "k"), [0; 0]);
    assert_eq!(it.keep(SINGLE, "other"), [3]);
    assert_eq!(it.dispatch(9), [0; 0]);
    assert_eq!(it.dispatch(10), [1]);
    it.delivered(1);
    assert_eq!(it.dispatch(10), [2]);
}

#[test]
fn a_record_of_a_full_decider_waits_and_one_of_another_does_not() {
    let mut it = Fixture::new();
    it.queue.configs.store(Arc::new(configs("other")));
    for (key, expected) in [("a", vec![1]), ("b", vec![2]), ("c", vec![])] {
        assert_eq!(it.keep(SINGLE, key), expected);
    }
    assert_eq!(it.keep(GROUP, "d"), [4]);
    it.delivered(2);
    assert_eq!(it.dispatch(0), [3]);
}

#[test]
fn what_waits_is_found_when_a_callback_gets_another_decider() {
    let mut it = Fixture::new();
    for key in ["x", "y"] {
        it.keep(SINGLE, key);
    }
    // Both wait in a full lane, and then the second one's decider changes.
    assert_eq!(it.keep(SINGLE, "k"), [0; 0]);
    assert_eq!(it.keep(GROUP, "k"), [0; 0]);
    it.queue.configs.store(Arc::new(configs("other")));
    it.queue.rewind();
    assert_eq!(it.dispatch(0), [0; 0], "its key's first record waits");
    it.delivered(1);
    assert_eq!(it.dispatch(0), [3]);
    it.delivered(3);
    assert_eq!(it.dispatch(0), [4]);
}

#[test]
fn a_replayed_record_holds_up_its_key_until_it_is_delivered() {
    let mut it = Fixture::new();
    assert_eq!(it.keep(SINGLE, "k"), [1]);
    let transaction = it.database.begin().expect("a transaction");
    let ending = Ending { seq: 1, at: Millis(0), status: "" };
    changes::settle(&transaction, &ending, State::Dead).expect("settled");
    transaction.commit().expect("committed");
    it.queue.ended(1, End::Left);
    assert_eq!(it.keep(SINGLE, "k"), [2]);
    it.failed(2, 10);
    // Two more fill the lane, so that the replayed one has to wait until the second is due.
    assert_eq!((it.keep(SINGLE, "x"), it.keep(SINGLE, "y")), (vec![3], vec![4]));
    it.change(
        "INSERT INTO waiting (seq, id, callback, key, received, command, operation_id, attempted, attempts,
                              payload)
         SELECT seq, id, callback, key, received, command, operation_id, attempted, attempts, payload
         FROM settled",
    );
    it.change("DELETE FROM settled");
    it.queue.replayed(1);
    assert_eq!(it.dispatch(10), [0; 0]);
    it.delivered(3);
    assert_eq!(it.dispatch(10), [1]);
    it.delivered(1);
    assert_eq!(it.dispatch(11), [2]);
}

#[test]
fn a_record_is_handed_out_once_though_its_key_is_released_when_it_is_stored() {
    let mut it = Fixture::new();
    it.keep(SINGLE, "k");
    it.failed(1, 10);
    assert_eq!(it.dispatch(10), [1]);
    it.keep(SINGLE, "other");
    // The lane is full; then the end of the first and the next of its key come together.
    it.delivered(1);
    assert_eq!(it.keep(SINGLE, "k"), [3]);
    it.delivered(3);
    it.delivered(2);
    assert_eq!(it.dispatch(10), [0; 0]);
}

#[test]
fn a_record_of_an_unknown_callback_does_not_hold_up_its_key() {
    let mut it = Fixture::new();
    it.store(SINGLE, "k");
    it.store(SINGLE, "k");
    it.change("UPDATE waiting SET callback = 'afterSomethingNew' WHERE seq = 1");
    it.queue.rewind();
    assert_eq!(it.dispatch(0), [0; 0]);
    let unknown = it.queue.take_unknown();
    assert_eq!(unknown.iter().map(|row| row.seq).collect::<Vec<_>>(), [1]);
    it.change("DELETE FROM waiting WHERE seq = 1");
    it.queue.discarded(vec!["k".to_owned()], 0);
    assert!(it.queue.has_work());
    assert_eq!(it.dispatch(0), [2]);
}

#[test]
fn what_is_due_for_a_full_decider_does_not_hide_that_of_another() {
    let mut it = Fixture::new();
    it.queue.configs.store(Arc::new(configs("other")));
    for n in 0..20 {
        it.store(SINGLE, &format!("k{n}"));
    }
    it.store(GROUP, "g");
    it.change("UPDATE waiting SET due = seq");
    it.queue.set_retrying(21);
    it.queue.rewind();
    assert_eq!(it.dispatch(100), [1, 2, 21]);
    it.delivered(21);
    it.delivered(2);
    assert_eq!(it.dispatch(100), [3]);
}

#[test]
fn a_backlog_is_read_back_in_order() {
    let mut it = Fixture::new();
    for n in 0..READY + 100 {
        it.keep(SINGLE, &format!("k{}", n % 7));
    }
    let mut last = BTreeMap::new();
    for _ in 0..READY + 100 {
        let seq = *it.queue.flights.keys().min().expect("some are in flight");
        let before = last.insert((seq - 1) % 7, seq);
        assert!(before.is_none_or(|before| before < seq), "{before:?} before {seq}");
        it.delivered(seq);
        it.dispatch(0);
    }
    assert_eq!(it.queue.in_flight(), 0);
}

#[test]
fn a_record_that_waits_for_another_attempt_is_found_after_a_restart() {
    let mut it = Fixture::new();
    assert_eq!(it.keep(SINGLE, "k"), [1]);
    it.failed(1, 10);
    let (to, deliveries) = unbounded_channel();
    (it.queue, it.deliveries) = (Queue::new(it.queue.configs.clone(), 2, 2, to), deliveries);
    it.queue.rewind();
    assert_eq!(it.dispatch(9), [0; 0]);
    assert_eq!(it.queue.next_due(), Some(Millis(10)));
    assert_eq!(it.dispatch(10), [1]);
}
