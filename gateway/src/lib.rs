//! The gateway: takes OpenIM's callbacks over HTTP, asks a decider over gRPC, and writes the answer that every OpenIM
//! version understands.
//!
//! [`cli`] is the command line, and [`commands`] what it can ask for: serving above all.
//!
//! A request moves through these modules, to the right only:
//!
//! ```text
//! worker → server → webhook → contract (dispatch) → relay → channel ⇒ decider
//!                                                     ↓
//!                                                   reply
//! ```
//!
//! - [`worker`] is one thread's share of the gateway: it accepts connections, and drains them at the end.
//! - [`server`] reads a request whole, within its limits, and answers it whatever happens on the way.
//! - [`callers`] says who may call, and [`tls`] who the gateway is.
//! - [`webhook`] finds out which callback was called, and makes the [`webhook::Call`] that travels along.
//! - [`contract`] is generated from `proto/`: the table of callbacks, and the way from each to its rpc.
//! - [`relay`] turns JSON into the typed request, asks, and settles what the answer means; [`fallback`] does so for
//!   callbacks that the contract does not know.
//! - [`exchange`] is the callback's way from JSON to the rpc's message and back.
//! - [`channel`] finds an endpoint of the decider, sends the call, and knows what surely did not run.
//! - [`reply`] writes the verdict.
//! - [`json`] and [`answer`] are what the generated code is written with.
//! - [`gateway`] is what the workers share: [`settings`] with their [`policy`] for each callback, metrics, limits, and
//!   what is [`kept`] from files that may change.
//! - [`reload`] puts other policies in force, and [`overview`] says which are.
//! - [`play`] is OpenIM for those who write deciders: it sends every callback, and tells what came of it.
//! - [`journal`] writes down how each callback ended, in the log and in the [`metrics`], which [`admin`] shows.
//!
//! What must stay true, and is held by tests:
//!
//! - Only [`reply`] writes and reads OpenIM's envelope; only [`json`] and the build script know OpenIM's spelling; only [`channel`]
//!   opens connections to deciders.
//! - No hand-written Rust names a callback, or a field of one. `callbackCommand` and the operation id, which
//!   [`webhook`] owns, are the two exceptions.
//! - Every path writes an explicit verdict; a panic included.
//! - Nothing is held across requests but what has a bound: sizes, counts and times are limited, and the limits are
//!   settings with defaults.

pub mod admin;
pub mod answer;
pub mod callers;
pub mod channel;
pub mod cli;
pub mod commands;
pub mod contract;
pub mod error;
pub mod exchange;
pub mod fallback;
pub mod gateway;
mod joined;
pub mod journal;
pub mod json;
pub mod kept;
pub mod metrics;
pub mod overview;
pub mod play;
pub mod policy;
pub mod relay;
pub mod reload;
pub mod reply;
pub mod server;
pub mod settings;
pub mod tls;
pub mod webhook;
pub mod worker;
