//! The messages of package `openim.decider.v1`, generated from `proto/`.
#![allow(missing_docs, clippy::all, clippy::unwrap_used, rustdoc::all)]

include!(concat!(env!("OUT_DIR"), "/openim.decider.v1.rs"));
