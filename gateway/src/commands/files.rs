//! Files that commands write.

use std::path::Path;
use std::{fs, io};

/// Writes texts to their paths below a folder, and makes the folders that are missing.
///
/// # Errors
/// The path that can't be written, and why.
pub(super) fn write(
    folder: &Path,
    files: impl IntoIterator<Item = (impl AsRef<Path>, impl AsRef<[u8]>)>,
) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = parent.and_then(|()| fs::write(&path, text));
        written.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    }
    Ok(())
}
