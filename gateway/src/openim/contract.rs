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
    /// A body as OpenIM sends it, with a value for every field.
    pub sample: &'static str,
    /// From its JSON to its rpc's messages, and back.
    pub exchange: Exchange,
    /// The edits that are not compared with the request's member of the same key, as a whole.
    pub paired: &'static [PairedEdit],
}

/// An edit, and the member of the request that it replaces.
#[derive(Debug)]
pub struct PairedEdit {
    /// Its key in the reply.
    pub reply: &'static str,
    /// The key of the member in the request.
    pub request: &'static str,
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
