//! Decides OpenIM's callbacks by rules in files.
//!
//! - [`cli`]: the command line and the environment
//! - [`commands`]: one file a command: `serve`, the default, `healthcheck`, `test`, `explain` and `check`
//! - `settings`: the command line and the files it names, checked
//! - `decide`: answers calls by a policy, and logs each that was not simply allowed
//! - `live_policy`: the policy in force, and its reload when the files change
//! - [`serve`]: every rpc of the contract over gRPC, with TLS, tokens, health and reflection; the answers come from an
//!   implementation of [`serve::Decide`]

pub mod cli;
pub mod commands;
mod decide;
mod live_policy;
pub mod serve;
mod settings;
