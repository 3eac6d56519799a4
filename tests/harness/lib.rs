//! Helpers of the tests. Gateway and decider run on threads of their own, as in production, so a test is plain blocking
//! code; every wait has a time limit, and everything ends when it is dropped.
//!
//! - [`Gateway`] is the real one, on a free port, in front of some decider.
//! - [`Decider`] answers by a script, records its calls, and can be killed and started again.
//! - [`Broken`] is a decider that breaks gRPC, HTTP/2 or TCP, call by call.
//! - [`Client`] speaks HTTP to the gateway, byte by byte if need be.
//! - [`log`] keeps what the process logs.
//! - [`Nats`] is a real NATS server, or three.
//! - [`Authority`] issues certificates.
//! - [`Response::verdict`] parses an answer as one of OpenIM's two envelopes.

mod authority;
mod background;
mod broken;
mod client;
mod decider;
mod gateway;
pub mod log;
mod nats;
mod port;
mod verdict;

use std::time::Duration;

pub use authority::Authority;
pub use broken::{Broken, Fault, frame};
pub use callback_decider::serve::TlsFiles;
pub use callback_gateway::openim::reply::Style;
pub use client::{Client, Request, Response};
pub use decider::{Asked, Decider, Guarded, Says};
pub use gateway::{Admin, Gateway};
pub use nats::Nats;
pub use port::Port;
pub use verdict::{Verdict, is_callback_id};

/// The time that a test waits for an event that must happen. Only a failing test waits that long.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Both ways in which OpenIM calls.
pub const STYLES: [Style; 2] = [Style::Path, Style::Query];
