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
    /// The edits whose counterpart in the request has another key, or is compared entry by entry.
    pub paired: &'static [PairedEdit],
}

impl Callback {
    /// The entry of [`Self::paired`] for an edit, by its key in the reply.
    #[must_use]
    pub fn paired_edit(&self, reply: &str) -> Option<&'static PairedEdit> {
        self.paired.iter().find(|edit| edit.reply == reply)
    }
}

/// An edit, and its counterpart in the request: the member that it replaces.
#[derive(Debug)]
pub struct PairedEdit {
    /// Its key in the reply.
    pub reply: &'static str,
    /// The key of the counterpart; none for an object whose members lie beside the request's others.
    pub request: Option<&'static str>,
    /// The key that identifies an entry of both, if they are lists of edits.
    pub key: Option<&'static str>,
    /// True if the gateway completes the list with the request's entries and values.
    pub whole: bool,
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

    use super::{Callback, Kind, PairedEdit};
    use crate::openim::edits::{self, Dropped, Response, WrongAnswer};
    use crate::openim::exchange::Exchange;
    use crate::openim::{json, v1};

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}
