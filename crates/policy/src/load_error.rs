//! The reasons why a policy, or the tests beside it, can't be loaded.

use std::io;
use std::path::PathBuf;

/// The largest policy, all its files together, in bytes: room for word lists of some hundred thousand words.
pub(crate) const MAX_BYTES: u64 = 4 << 20;

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
    /// The folder has no tests.
    #[error("{}: no *_test.yaml in this folder", path.display())]
    NoTests {
        /// The folder.
        path: PathBuf,
    },
    /// The files have mistakes: a line for each, `file:line:column: what`.
    #[error("{}", .0.join("\n"))]
    Mistakes(Vec<String>),
}
