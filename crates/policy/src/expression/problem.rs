//! A mistake in an expression.

/// A mistake in an expression, found before it runs.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Its place in the expression's text, in bytes.
    pub(crate) offset: usize,
    pub(crate) text: String,
}
