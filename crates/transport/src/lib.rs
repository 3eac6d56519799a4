//! Calls to deciders over gRPC: bytes in, bytes out.
//!
//! ```text
//! Channel::call → pool (picks an endpoint) → endpoint (circuit, calls in flight) → unary ⇒ decider
//! ```
//!
//! A [`Decider`] is one decider for the whole process: settings, TLS and token, which [`Decider::refresh`] reads again.
//! Each worker opens a [`Channel`] to it, with connections and circuits of its own. A call takes a path, a [`Context`]
//! and a message.
//!
//! - `pool` resolves the names and picks one of two random endpoints, the one with fewer calls in flight.
//! - `endpoint` keeps one connection open, and probes an open circuit in the background.
//! - `unary` sends one call, accepts its answer only if it is gRPC to the letter, and marks the failures that are safe
//!   to retry, since the call surely did not run.
//!
//! Dropping the future of a call cancels it.

mod body_buffer;
mod breaker;
mod channel;
mod config;
mod connect;
mod content_type;
mod context;
mod decider;
mod endpoint;
mod endpoint_url;
mod failure;
mod mistakes;
mod pool;
mod resolve;
mod retry;
mod tls;
mod token;
mod unary;

pub use self::body_buffer::BodyBuffer;
pub use self::channel::Channel;
pub use self::config::{BreakerConfig, Config};
pub use self::context::{Context, Headers};
pub use self::decider::{Decider, EndpointState, Observer};
pub use self::endpoint_url::EndpointUrl;
pub use self::failure::{Failure, Pushback};
pub use self::retry::RetryBudget;
pub use self::unary::PREFIX;
