//! Decides OpenIM's callbacks by rules in a file.
//!
//! - [`server`]: every rpc of the contract over gRPC, with TLS, tokens, health and reflection; what it
//!   answers is up to whoever implements [`server::Decide`]
//! - `decide`: that is a policy, with a line in the log for whatever was not simply allowed
//! - [`Settings`]: the command line, checked; [`healthcheck`]: its other command

mod arguments;
mod decide;
mod healthcheck;
pub mod server;
mod settings;

pub use arguments::{Arguments, Command};
pub use healthcheck::healthcheck;
pub use settings::Settings;
