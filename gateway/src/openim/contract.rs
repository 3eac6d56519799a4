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
    /// Whether it asks or tells.
    pub kind: Kind,
    /// A body as OpenIM sends it, with a value for every field.
    pub sample: &'static str,
    /// From its JSON to its rpc's messages, and back.
    pub exchange: Exchange,
}

/// Whether a callback asks or tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It asks, before something happens; the answer may refuse or edit.
    Before,
    /// It tells, after something has happened; the answer changes nothing.
    After,
}

pub use generated::{CALLBACKS, Rpc, find};

#[allow(clippy::clone_on_copy, unused_mut, unused_variables)]
mod generated {
    use std::borrow::Cow;

    use serde::ser::{Serialize, SerializeMap, Serializer};

    use super::{Callback, Kind};
    use crate::openim::edits::{self, Dropped, Response, WrongAnswer};
    use crate::openim::exchange::Exchange;
    use crate::openim::{json, v1};

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}
