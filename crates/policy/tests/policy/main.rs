//! Policies from outside: what they decide, and what is wrong with files.

mod decisions;
mod edits;
mod failures;
mod mistakes;
mod reference;
mod shipped_policy;
mod support;
