//! A mistake in the settings.

use std::fmt;

/// A mistake in the settings, or in a file that they name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    place: String,
    problem: String,
}

impl Mistake {
    /// A mistake at a key, a flag or a file. A problem of several lines becomes one line.
    pub fn new(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let problem = problem.to_string().trim_end().replace('\n', "; ");
        Self { place: place.to_string(), problem }
    }
}
