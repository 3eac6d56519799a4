//! The decider from outside: what policies decide, what is wrong with files, and the server.

mod decisions;
mod edits;
mod failures;
mod guarded;
mod healthcheck;
mod mistakes;
mod policy_reference;
mod process;
mod serving;
mod shipped_policy;
mod support;
