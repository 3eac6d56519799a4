//! Events that are kept in NATS, with real servers: one, or three of which some die. Skipped, said on stderr, where no
//! server can be installed.

mod delivery;
mod direct;
mod failing;
mod foreign;
mod lost_servers;
mod operators;
mod secured;
mod support;
