//! The lock of a directory, which belongs to one gateway.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::database::OpenError;

/// The reason why a directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Another gateway uses it.
    #[error("another gateway uses it")]
    InUse,
    /// The system refuses it.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Its database can't be used.
    #[error("events.db: {0}")]
    Database(#[from] OpenError),
}

impl From<rusqlite::Error> for DirectoryError {
    fn from(why: rusqlite::Error) -> Self {
        Self::Database(why.into())
    }
}

impl DirectoryError {
    /// True if somebody has to change the settings or the directory; a disk that fails may work again.
    pub(super) fn is_permanent(&self) -> bool {
        use io::ErrorKind::{
            AlreadyExists, IsADirectory, NotADirectory, NotFound, PermissionDenied,
        };
        match self {
            Self::InUse | Self::Database(OpenError::Newer { .. } | OpenError::Foreign) => true,
            Self::Io(why) | Self::Database(OpenError::File(why)) => matches!(
                why.kind(),
                AlreadyExists | IsADirectory | NotADirectory | NotFound | PermissionDenied
            ),
            Self::Database(OpenError::Sql(_)) => false,
        }
    }
}

/// Takes the directory for this process, and makes it if need be; the lock is released when the file is closed, however
/// the process ends.
pub(super) fn lock(directory: &Path) -> Result<File, DirectoryError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(directory.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DirectoryError::InUse),
        Err(TryLockError::Error(e)) => Err(e.into()),
    }
}
