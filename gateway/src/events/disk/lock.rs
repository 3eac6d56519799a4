//! The lock of a directory, which belongs to one gateway.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use super::DirectoryError;

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
