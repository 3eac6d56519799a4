//! The reasons why a policy, or the tests beside it, can't be loaded.

use crate::finding::{Finding, Severity};
use std::io;
use std::path::PathBuf;

/// The largest policy, all its files together, in bytes: room for word lists of some hundred thousand words.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// The reason why a policy, or a test beside it, can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file can't be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The policy is too large.
    #[error("{}: a policy may have {MAX_BYTES} bytes, this has more", path.display())]
    TooLarge {
        /// The file or folder.
        path: PathBuf,
    },
    /// The folder has no file of a policy.
    #[error("{}: no *.yaml in this folder", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// The system has no thread to parse the files with. It may have one later.
    #[error("can't start a thread: {0}")]
    Thread(io::Error),
    /// The folder has no tests.
    #[error("{}: no *_test.yaml in this folder", path.display())]
    NoTests {
        /// The folder.
        path: PathBuf,
    },
    /// The files have mistakes. The warnings are here too, but not in the error's text.
    #[error("{}", lines(.0))]
    Mistakes(Vec<Finding>),
}

impl LoadError {
    /// The mistakes, and the warnings that were found beside them.
    #[must_use]
    pub fn into_findings(self) -> Vec<Finding> {
        let text = self.to_string();
        let file = match self {
            Self::Mistakes(findings) => return findings,
            Self::Read { path, .. }
            | Self::TooLarge { path }
            | Self::Empty { path }
            | Self::NoTests { path } => path.display().to_string(),
            Self::Thread(_) => "policy".to_owned(),
        };
        let text = text.strip_prefix(&format!("{file}: ")).unwrap_or(&text).to_owned();
        vec![Finding { severity: Severity::Mistake, file, line: 0, column: 0, text }]
    }
}

/// A line for each mistake.
fn lines(findings: &[Finding]) -> String {
    let mistakes = findings.iter().filter(|finding| finding.severity == Severity::Mistake);
    mistakes.map(Finding::to_string).collect::<Vec<_>>().join("\n")
}
