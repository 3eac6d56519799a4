//! The configuration of each callback: its decider, its deadline, and OpenIM's answer where there is no decision.

mod config;
mod deadline;
mod overrides;
mod resolve;
mod webhooks;

pub use self::config::{CallbackConfig, CallbackConfigs, DeciderId};
pub use self::deadline::Deadline;
pub use self::overrides::{Defaults, Overrides};
pub use self::resolve::Layers;
pub use self::webhooks::{Webhook, Webhooks};
