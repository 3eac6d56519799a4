//! The gateway between OpenIM and its deciders, over real sockets: one module for each kind of rule.

mod abandoned;
mod callers;
mod decider_tls;
mod deciders;
mod events;
mod failures;
mod limits;
mod observing;
mod play;
mod properties;
mod shutdown;
mod table;
mod tls;
