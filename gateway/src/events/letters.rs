//! Records as an operator sees them, whatever the store: lists, single ones, and the selections to act on.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::record::Millis;

/// The state of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It waits for its delivery.
    Waiting,
    /// No attempt will be made unless somebody replays it.
    Dead,
    /// The decider does not implement its rpc.
    Ignored,
    /// The decider received it.
    Delivered,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Dead, Self::Ignored, Self::Delivered];

    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Dead => "dead",
            Self::Ignored => "ignored",
            Self::Delivered => "delivered",
        }
    }
}

/// The state of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The kind of the store.
    pub store: String,
    /// True while it fails: events are sent to their deciders at once.
    pub bypassed: bool,
    /// The records that wait for their delivery.
    pub waiting: u64,
    /// The records that are dead.
    pub dead: u64,
    /// The records whose rpc the decider does not implement.
    pub ignored: u64,
    /// The records that are kept though they were delivered.
    pub delivered: u64,
    /// Those of the waiting records that are being delivered.
    pub in_flight: u64,
    /// The time when the oldest record that waits was received.
    pub oldest: Option<Millis>,
    /// The bytes in use.
    pub used_bytes: u64,
    /// The most bytes that the store may use; none if it is bounded elsewhere.
    pub max_bytes: Option<u64>,
    /// Damaged databases that were replaced, and are kept.
    pub retired: Vec<String>,
}

/// A record without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// The gateway's id of the callback.
    pub id: Uuid,
    /// The callback's key in webhooks.yml.
    pub callback: String,
    /// Records of one key are delivered one after the other; one without is unordered.
    pub key: Option<String>,
    /// Its state.
    pub state: State,
    /// The time when it was received.
    pub received: Millis,
    /// The number of attempts.
    pub attempted: u32,
    /// The time of each attempt, or of the last ones if there are many.
    pub attempts: Vec<Millis>,
    /// The time before which no other attempt is made, of a record that waits and has failed.
    pub next_attempt: Option<Millis>,
    /// The failure of the last attempt. It may quote a decider, which may quote a user.
    pub status: Option<String>,
    /// The command as OpenIM spelt it.
    pub command: String,
    /// OpenIM's id of the operation; empty if there is none.
    pub operation_id: String,
    /// The size of the content.
    pub bytes: u64,
}

/// The records to list or to act on: those that meet every condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// With one of these ids; empty means any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<Uuid>,
    /// In this state.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Of this callback, by its key in webhooks.yml.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<String>,
    /// Of this key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Received at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Millis>,
    /// Behind this place, where the last answer ended; see [`Page::next`] and [`Acted::next`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// Up to this place; see [`Acted::until`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

/// A change of selected records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// They are delivered again.
    Replay,
    /// They are deleted.
    Discard,
}

/// The most records of one act.
pub(super) const ACT: usize = 10_000;

/// Some records, the newest first; in NATS those that wait come before all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The records.
    pub records: Vec<Letter>,
    /// The cursor of the next page; none behind the last one.
    pub next: Option<u64>,
}

/// The result of an act on some records, the oldest first. One act is bounded; the rest is for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// The number of records that it changed.
    pub records: u64,
    /// The cursor of the next act; none if this was the last one.
    pub next: Option<u64>,
    /// The end of what the first act found, for the next one: what is replayed may fail once more and come back behind
    /// it. None if the store needs no such end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}
