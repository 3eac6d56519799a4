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
mod operators;
mod pattern;
mod syntax_tree;
mod types;
mod word_list;

pub(crate) use check::Expression;
pub(crate) use environment::{Environment, Evaluation};
pub(crate) use failure::Failure;
pub(crate) use library::Library;
pub(crate) use message::no_field;
pub(crate) use syntax_tree::SyntaxTree;
pub(crate) use types::Type;
pub(crate) use word_list::WordList;

/// A mistake in an expression, found before it runs.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Its place in the expression's text, in bytes.
    pub(crate) offset: usize,
    pub(crate) text: String,
}
