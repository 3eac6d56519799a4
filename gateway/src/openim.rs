//! All knowledge of OpenIM: its callbacks, its JSON, its envelope; and nothing else.
//!
//! - [`call`]: which callback a request is, in which style, with which ids
//! - [`contract`]: the generated table of callbacks; [`v1`]: its messages
//! - [`exchange`]: `open` and `close`, a callback's way from JSON to gRPC and back; [`fallback`]: that of unknown
//!   commands
//! - [`order`]: the key by which events are delivered in order
//! - [`json`] reads requests, [`edits`] checks and completes the edits of an answer, [`reply`] writes the envelope
//! - [`rejection`]: the reasons why a request is no callback

pub mod call;
pub mod contract;
pub mod edits;
pub mod exchange;
pub mod fallback;
pub mod json;
pub mod key;
pub mod metadata;
pub mod order;
pub mod rejection;
pub mod reply;
pub mod v1;
pub mod verdict;
pub(crate) mod view;
