//! What is wrong with the settings.

use std::fmt;

/// One thing that is wrong with the settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Mistake {
    place: String,
    problem: String,
}

impl Mistake {
    /// A mistake at a key, a flag or a file.
    pub fn new(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        let problem = problem.to_string().trim_end().replace('\n', "; ");
        Self { place: place.to_string(), problem }
    }
}

/// The end of a sentence about a name that does not exist: the one that is nearest to it.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let distance = |known: &&str| strsim::damerau_levenshtein(known, name);
    let near = |known: &&str| distance(known) <= 1 + known.len() / 4;
    let nearest = known.filter(near).min_by_key(distance);
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}
