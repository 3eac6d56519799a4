//! The contract in Rust, generated from `proto/`: messages in [`v1`], and a table of the callbacks.

use crate::exchange::Exchange;

/// The messages of package `openim.decider.v1`.
#[allow(missing_docs, clippy::all, clippy::unwrap_used, rustdoc::all)]
pub mod v1 {
    include!(concat!(env!("OUT_DIR"), "/openim.decider.v1.rs"));
}

/// One of OpenIM's callbacks.
#[derive(Debug)]
pub struct Callback {
    /// The rpc that stands for it.
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
    /// Its way to the rpc and back.
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

    use super::{Callback, Kind, v1};
    use crate::answer::{self, Answer, Dropped};
    use crate::error::WrongAnswer;
    use crate::exchange::Exchange;
    use crate::json;

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}
