//! The failure of an expression while it runs, without the user's content.

use super::budget::{self, Exceeded};
use cel::ExecutionError;

/// An expression's failure. The text never quotes a request.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Failure {
    text: String,
    /// The cause is the expression itself, not the content of this request.
    pub(crate) is_type_error: bool,
}

impl Failure {
    /// A value of the wrong type, for every request.
    pub(crate) fn wrong_type(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_type_error: true }
    }

    /// A value of the right type that can't be used.
    pub(crate) fn wrong_value(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_type_error: false }
    }
}

impl From<Exceeded> for Failure {
    fn from(exceeded: Exceeded) -> Self {
        Self::wrong_value(exceeded.to_string())
    }
}

impl From<ExecutionError> for Failure {
    /// Written out by hand, since most errors' own texts quote the values they are about.
    fn from(error: ExecutionError) -> Self {
        use ExecutionError as E;
        if let Err(exceeded) = budget::check() {
            return exceeded.into();
        }
        match error {
            E::FunctionError { function, .. } => Self::wrong_value(format!("{function} failed")),
            E::NoSuchKey(_) => Self::wrong_value("a map has no such key"),
            E::IndexOutOfBounds(_) => Self::wrong_value("a list has no such index"),
            E::DuplicateKey(_) => Self::wrong_value("a map has a key twice"),
            E::DivisionByZero(_) | E::RemainderByZero(_) => Self::wrong_value("division by zero"),
            E::Overflow(..) => Self::wrong_value("a number is out of range"),
            E::NoSuchOverload(error) => Self::wrong_type(error.to_string()),
            E::UndeclaredReference(name) => Self::wrong_type(format!("nothing is named {name}")),
            E::UnexpectedType { got, want } => Self::wrong_type(format!("{got} instead of {want}")),
            _ => Self::wrong_type("a value has the wrong type"),
        }
    }
}
