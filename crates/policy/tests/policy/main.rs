//! The public API of policies: their decisions, and the mistakes in files.

mod bounds;
mod cases;
mod decisions;
mod edits;
mod failures;
mod folder;
mod json_view;
mod mistakes;
mod reference;
mod shipped_policy;
mod support;
mod warnings;
