//! CEL expressions over a request: parsed and checked when the policy is loaded, run when it decides.

mod budget;
mod check;
mod environment;
mod failure;
mod functions;
mod json;
mod json_text;
mod library;
mod message;
mod nearest;
mod operators;
mod parse;
mod pattern;
mod types;
mod words;

pub(crate) use check::Expression;
pub(crate) use environment::{Environment, Evaluation};
pub(crate) use failure::Failure;
pub(crate) use library::Library;
pub(crate) use nearest::{no_field, suggestion};
pub(crate) use parse::Parsed;
pub(crate) use types::Type;
pub(crate) use words::Words;

/// A mistake in an expression, found before it runs.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Where in the expression's text, in bytes.
    pub(crate) offset: usize,
    pub(crate) text: String,
}
