//! The table of OpenIM's callbacks, generated from `proto/`.

use crate::openim::exchange::Exchange;

/// One of OpenIM's callbacks.
#[derive(Debug)]
pub struct Callback {
    /// The rpc that stands for it; also its index in [`CALLBACKS`].
    pub rpc: Rpc,
    /// The name of that rpc.
    pub name: &'static str,
    /// Its command in today's servers.
    pub command: &'static str,
    /// Its key in OpenIM's webhooks.yml, and in the gateway's settings.
    pub setting: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// A body as OpenIM sends it. It lacks the members that only some servers or clients send.
    pub sample: &'static str,
    /// The keys of all members that a body may have, besides its command. Others are ignored.
    pub members: &'static [&'static str],
    /// From its JSON to its rpc's messages, and back.
    pub exchange: Exchange,
    /// The edits whose counterpart in the request is not the whole member of the same key, by their keys in the reply.
    pub counterparts: &'static [(&'static str, Counterpart)],
}

impl Callback {
    /// The entry of [`Self::counterparts`] for an edit, by its key in the reply.
    #[must_use]
    pub fn counterpart(&self, reply: &str) -> Option<&'static Counterpart> {
        self.counterparts.iter().find(|(key, _)| *key == reply).map(|(_, counterpart)| counterpart)
    }
}

/// The part of a request that an edit replaces.
#[derive(Debug)]
pub enum Counterpart {
    /// The member with this key.
    Member(&'static str),
    /// The members that lie beside the request's others, and that the edit has in an object of its own.
    Beside,
    /// Entries of a list.
    Entries {
        /// The list's key.
        list: &'static str,
        /// The key that identifies an entry in both lists.
        key: &'static str,
        /// The keys of all members that an entry of the request may have. Others are ignored.
        members: &'static [&'static str],
        /// True if the gateway completes the edit with the request's entries and values.
        whole: bool,
    },
}

/// The kind of a callback, by its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Before something happens; the answer may refuse or edit.
    Before,
    /// After something has happened; the answer changes nothing.
    After,
}

pub use generated::{CALLBACKS, Rpc, find};

#[allow(clippy::clone_on_copy, unused_mut, unused_variables)]
mod generated {
    use std::borrow::Cow;

    use serde::ser::{Serialize, SerializeMap, Serializer};

    use super::{Callback, Counterpart, Kind};
    use crate::openim::edits::{self, Dropped, Response, WrongAnswer};
    use crate::openim::exchange::Exchange;
    use crate::openim::{json, v1};

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}
