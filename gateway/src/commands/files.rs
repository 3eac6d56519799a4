//! Files that commands write.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Writes texts to their paths below a folder, each file opened with `options`, and makes the folders that are missing.
///
/// # Errors
/// The path that can't be written, and why.
pub(super) fn write(
    folder: &Path,
    files: impl IntoIterator<Item = (impl AsRef<Path>, impl AsRef<[u8]>)>,
    options: &OpenOptions,
) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        let parent = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = parent.and_then(|()| options.open(&path)?.write_all(text.as_ref()));
        written.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))?;
    }
    Ok(())
}
