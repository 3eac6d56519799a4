//! Decides OpenIM's callbacks by rules in a file.
//!
//! A policy file becomes a [`Policy`] when it is loaded: its YAML is read with the place of
//! everything in it, every expression is checked against each request that it is for, and all
//! mistakes are told at once. The policy then decides over messages that are known only by their
//! descriptors, so that nothing here changes when the contract grows:
//!
//! - [`server`]: every rpc of the contract over gRPC, with TLS, tokens, health and reflection; what it
//!   answers is up to whoever implements [`server::Decide`], such as a policy
//! - `policy`: from the file to the rules of each rpc, and from a request to a decision
//! - `expression`: CEL with the request's fields, word lists, patterns and JSON
//! - [`Settings`]: the command line, checked; [`healthcheck`]: its other command

mod arguments;
mod expression;
mod healthcheck;
mod policy;
pub mod server;
mod settings;

pub use arguments::{Arguments, Command};
pub use healthcheck::healthcheck;
pub use policy::{Decision, LoadError, Policy, RuleFailed};
pub use settings::Settings;
