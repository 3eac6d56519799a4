//! The events that were acknowledged, and those that were delivered.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use harness::Asked;

/// An event of a chat by its number; the numbers of a chat are sent one after the other.
pub(super) type Number = u32;

/// The books of a chaos.
#[derive(Default)]
pub(super) struct Ledger {
    chats: BTreeMap<usize, Chat>,
    pub(super) kills: u64,
    pub(super) power_failures: u64,
    duplicates: u64,
    renamed: u64,
}

#[derive(Default)]
struct Chat {
    sent: Number,
    acknowledged: BTreeSet<Number>,
    /// In the order of their first deliveries.
    delivered: Vec<Number>,
    /// The hashes of their callback ids.
    ids: BTreeMap<Number, u64>,
}

/// The count of each outcome.
pub(super) struct Summary {
    acknowledged: usize,
    pub(super) delivered: usize,
    kills: u64,
    power_failures: u64,
    duplicates: u64,
    /// Acknowledged and not delivered.
    pub(super) lost: usize,
    /// Acknowledged, and delivered after one that was sent later.
    pub(super) out_of_order: usize,
    /// Deliveries of an event under another callback id than the first.
    pub(super) renamed: u64,
}

impl Ledger {
    /// The number of the next event to send.
    pub(super) fn next(&mut self, chat: usize) -> Number {
        let chat = self.chats.entry(chat).or_default();
        chat.sent += 1;
        chat.sent
    }

    pub(super) fn acknowledge(&mut self, chat: usize, number: Number) {
        self.chats.entry(chat).or_default().acknowledged.insert(number);
    }

    /// Takes a call for a message whose content is the chat and the number.
    pub(super) fn deliver(&mut self, asked: &Asked) {
        let content = asked.request["msg"]["content"].as_str().expect("a message of ours");
        let (chat, number) = content.split_once(' ').expect("two numbers");
        let chat = self.chats.entry(chat.parse().expect("a number")).or_default();
        let number = number.parse().expect("a number");
        let mut id = DefaultHasher::new();
        asked.metadata("callback-id").hash(&mut id);
        let id = id.finish();
        match chat.ids.insert(number, id) {
            None => chat.delivered.push(number),
            Some(first) => {
                self.duplicates += 1;
                self.renamed += u64::from(first != id);
            }
        }
    }

    pub(super) fn summary(&self) -> Summary {
        let sum = |count: fn(&Chat) -> usize| self.chats.values().map(count).sum();
        Summary {
            acknowledged: sum(|chat| chat.acknowledged.len()),
            delivered: sum(|chat| chat.delivered.len()),
            kills: self.kills,
            power_failures: self.power_failures,
            duplicates: self.duplicates,
            lost: sum(Chat::lost),
            out_of_order: sum(Chat::out_of_order),
            renamed: self.renamed,
        }
    }
}

impl Chat {
    fn lost(&self) -> usize {
        self.acknowledged.iter().filter(|number| !self.ids.contains_key(number)).count()
    }

    /// An event that was acknowledged must come before all that were sent after it.
    fn out_of_order(&self) -> usize {
        let mut latest = 0;
        let late = self.delivered.iter().filter(|&&number| {
            let late = number < latest && self.acknowledged.contains(&number);
            latest = latest.max(number);
            late
        });
        late.count()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { acknowledged, delivered, kills, power_failures, duplicates, .. } = self;
        let Self { lost, out_of_order, renamed, .. } = self;
        write!(
            f,
            "{acknowledged} events acknowledged, {delivered} delivered, {kills} kills \
             ({power_failures} with a power failure), {duplicates} duplicates, {lost} lost, \
             {out_of_order} out of order, {renamed} under another id"
        )
    }
}

#[test]
fn an_acknowledged_event_that_comes_after_a_later_one_is_out_of_order() {
    let chat = |acknowledged: &[Number], delivered: &[Number]| Chat {
        acknowledged: acknowledged.iter().copied().collect(),
        delivered: delivered.to_vec(),
        ..Chat::default()
    };
    assert_eq!(chat(&[1, 2, 3], &[1, 2, 3]).out_of_order(), 0);
    assert_eq!(chat(&[1, 2, 3], &[2, 1, 3]).out_of_order(), 1);
    // Nobody was told that it would come.
    assert_eq!(chat(&[2, 3], &[2, 1, 3]).out_of_order(), 0);
}
