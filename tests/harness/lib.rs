//! What the tests are written with. Gateway and decider run on threads of their own, as in production, so a test is
//! plain blocking code; whatever it waits for has a time limit, and all of it ends when it is dropped.
//!
//! - [`Gateway`] is the real one, on a free port, in front of some decider.
//! - [`Decider`] answers by a script, remembers what it was asked, and can be killed and started again.
//! - [`Broken`] is a decider that breaks gRPC, HTTP/2 or TCP, call by call.
//! - [`Client`] speaks HTTP to the gateway, byte by byte if need be.
//! - [`Authority`] issues certificates.
//! - [`Response::verdict`] holds an answer against OpenIM's two envelopes.

mod authority;
mod background;
mod broken;
mod client;
mod decider;
mod gateway;
mod port;
mod verdict;

use std::time::Duration;

pub use authority::Authority;
pub use broken::{Broken, Fault, frame};
pub use callback_decider::serve::TlsFiles;
pub use callback_gateway::openim::reply::Style;
pub use client::{Client, Request, Response};
pub use decider::{Asked, Decider, Guarded, Says};
pub use gateway::Gateway;
pub use port::Port;
pub use verdict::{Verdict, is_callback_id};

/// How long a test waits for what must happen. Only a test that fails waits as long.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Both ways in which OpenIM calls.
pub const STYLES: [Style; 2] = [Style::Path, Style::Query];
