//! CEL expressions over a request: parsed and checked when the policy is loaded, run when it decides.

pub(crate) mod budget;
mod check;
mod environment;
mod failure;
mod fallible;
mod functions;
mod hidden;
mod json;
mod json_level;
mod json_text;
mod json_value;
mod json_view;
mod library;
mod message;
mod operators;
mod pattern;
mod problem;
mod syntax_tree;
mod text;
mod types;
mod word_list;

pub(crate) use check::{Checked, Expression};
pub(crate) use environment::{Environment, Evaluation};
pub(crate) use failure::Failure;
pub(crate) use library::Library;
pub(crate) use message::no_field;
pub(crate) use problem::Problem;
pub(crate) use syntax_tree::SyntaxTree;
pub(crate) use types::Type;
pub(crate) use word_list::WordList;
