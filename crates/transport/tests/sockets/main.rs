//! The transport over real sockets, to a peer that may break every rule.

mod answers;
mod calls;
mod circuit;
mod files;
mod peer;
mod support;
