//! Decides OpenIM's callbacks by rules in a file.
//!
//! - [`cli`]: the command line and the environment
//! - [`commands`]: one file a command: `serve`, which is what the program does without one, and
//!   `healthcheck`
//! - `settings`: the command line and the files it names, checked
//! - `decide`: a policy as what the server answers, with a line in the log for whatever was not
//!   simply allowed
//! - [`serve`]: every rpc of the contract over gRPC, with TLS, tokens, health and reflection; what it
//!   answers is up to whoever implements [`serve::Decide`]

pub mod cli;
pub mod commands;
mod decide;
pub mod serve;
mod settings;
