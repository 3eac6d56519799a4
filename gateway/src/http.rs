//! The callback port: sockets, limits, who may call, and shutdown.
//!
//! - `listener`: one worker's share, from accepting to draining; `admission`: the bound on connections
//! - `connection`: one connection, HTTP/1.1 or HTTP/2, with or without TLS; `idle`: its timeouts
//! - `service`: one request; `body`: its body; `callers`: who may call

mod admission;
mod body;
pub mod callers;
mod connection;
mod idle;
mod limits;
mod listener;
pub mod service;
mod shared;
mod when_woken;

pub use self::limits::Limits;
pub use self::listener::run;
pub use self::shared::{Shared, TlsConfig, mistakes};
