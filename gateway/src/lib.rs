//! The gateway: takes OpenIM's callbacks over HTTP, calls a decider over gRPC, and writes the answer that every OpenIM
//! version understands.
//!
//! A callback moves to the right only:
//!
//! ```text
//! http → openim::call → open → transport ⇒ decider ⇒ close → failure_policy → observe → reply
//! ```
//!
//! [`bridge`] is the function of that whole way. The seam is bytes: `open` and `close` come from the generated table,
//! and nothing between them uses a type of a message.
//!
//! Each module may use those below it and the crates, and never one above; a test reads the imports and holds that.
//!
//! - [`cli`] is the command line, [`commands`] one file a command: `serve` above all, `check`, `events`, `play`,
//!   `new`, `contract`, `healthcheck`.
//! - [`worker`] builds one thread's parts, and [`gateway`] those that all threads share, from the settings.
//! - [`settings`]: the file, the environment and the command line, and every mistake in them; composed of the parts' own.
//! - [`admin`] is the port for operators; [`play`] plays OpenIM for authors of deciders.
//! - [`http`]: sockets, limits, who may call; one request's body, and the headers of its answer.
//! - [`bridge`] is the way of one callback: opened, called, closed, replied to.
//! - [`events`] keeps after-callbacks until their decider has received them.
//! - [`failure_policy`] has the configuration of each callback, and the verdict where there is no decision.
//! - [`observe`]: the event in which each request ends, and its readers: log and metrics.
//! - [`openim`] is all about OpenIM: commands, JSON, edits, envelope; [`contract`](openim::contract) is generated from
//!   `proto/`.
//!
//! The crate `transport` sends the calls, and `process` has the parts that gateway and decider share.
//!
//! These must stay true, and tests hold them:
//!
//! - Only [`openim`] contains OpenIM's spelling and codes; only `transport` opens connections to deciders; only
//!   [`commands`] and [`settings`] handle where a value was set.
//! - No hand-written Rust names a callback, or a field of one. `callbackCommand` and the operation id are the two
//!   exceptions.
//! - Every path writes an explicit verdict, a panic included. Nothing after a decision changes it.
//! - A thread that serves never waits for a disk, a log, a broker, or a lock that is held for longer than a few
//!   instructions.
//! - Everything held across requests has a bound: sizes, counts and times are limited by settings with defaults.

pub mod admin;
mod bound;
pub mod bridge;
pub mod cli;
pub mod commands;
pub mod events;
pub mod failure_policy;
pub mod gateway;
pub mod http;
pub mod observe;
pub mod openim;
pub mod play;
pub mod settings;
pub mod worker;
