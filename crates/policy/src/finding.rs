//! The findings of a check of a policy's files.

use serde::Serialize;
use std::fmt::{self, Display, Formatter};

/// A mistake or a warning, and its place.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its weight.
    pub severity: Severity,
    /// The path of the file, or of the folder.
    pub file: String,
    /// The line, from 1; 0 if the finding is about the file or folder as a whole.
    pub line: u64,
    /// The column in characters, from 1; 0 like the line.
    pub column: u64,
    /// The finding, with the rule or list that it is in.
    pub text: String,
}

/// The weight of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The policy can't be loaded.
    Mistake,
    /// The policy can be loaded, but probably does not do what is meant.
    Warning,
}

/// `file:line:column: text`, and `warning: ` before the text of a warning.
impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { severity, file, line, column, text } = self;
        match (line, severity) {
            (0, _) => write!(f, "{file}: {text}"),
            (_, Severity::Mistake) => write!(f, "{file}:{line}:{column}: {text}"),
            (_, Severity::Warning) => write!(f, "{file}:{line}:{column}: warning: {text}"),
        }
    }
}
