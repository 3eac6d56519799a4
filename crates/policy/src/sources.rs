//! The files of a policy, read but not parsed.

use crate::load_error::{LoadError, MAX_BYTES};
use rustix::fs::OFlags;
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, DirEntry, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The hexadecimal digits of a policy's hash.
const HASH_DIGITS: usize = 12;

/// The files of a policy in their order: one, or those of a folder.
#[derive(Debug)]
pub struct Sources {
    pub(crate) files: Vec<Source>,
    hash: String,
}

/// A file of a policy.
#[derive(Debug)]
pub(crate) struct Source {
    /// Its path, as mistakes name it.
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Sources {
    /// Reads a file, or a folder's `*.yaml` in the order of their names. In a folder, tests (`*_test.yaml`) and files
    /// whose names begin with a dot are left out.
    ///
    /// # Errors
    /// When a file can't be read, the folder has none, or all together are too large.
    pub fn read(path: &Path) -> Result<Self, LoadError> {
        let paths =
            if path.is_dir() { in_folder(path, holds_rules)? } else { vec![path.to_owned()] };
        if paths.is_empty() {
            return Err(LoadError::Empty { path: path.to_owned() });
        }
        let (mut files, mut room) = (Vec::new(), MAX_BYTES);
        for file in paths {
            let bytes = read(&file, room + 1).map_err(|source| unreadable(&file, source))?;
            room = room
                .checked_sub(bytes.len())
                .ok_or_else(|| LoadError::TooLarge { path: path.to_owned() })?;
            let text = String::from_utf8(bytes).map_err(|why| {
                unreadable(&file, io::Error::new(ErrorKind::InvalidData, why.utf8_error()))
            })?;
            files.push(Source { name: file.display().to_string(), text });
        }
        Ok(Self::new(files))
    }

    pub(crate) fn of_text(name: &str, text: &str) -> Self {
        Self::new(vec![Source { name: name.to_owned(), text: text.to_owned() }])
    }

    fn new(files: Vec<Source>) -> Self {
        let hash = hash(&files);
        Self { files, hash }
    }

    /// The hash of the files' names and texts, wherever they lie: the first digits of what `sha256sum FILES | sha256sum`
    /// prints in their folder, where FILES are their names in the policy's order. That is `*.yaml` only in a folder
    /// without tests, and where the shell sorts by bytes (`LC_ALL=C`).
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The tests (`*_test.yaml`) beside a policy's file, or in its folder, in the order of their names.
///
/// # Errors
/// When the folder can't be read, or has none.
pub fn tests_beside(policy: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let folder = if policy.is_dir() { policy } else { policy.parent().unwrap_or(policy) };
    let paths = in_folder(folder, holds_tests)?;
    if paths.is_empty() {
        return Err(LoadError::NoTests { path: this_if_empty(folder).to_owned() });
    }
    Ok(paths)
}

/// The files of a folder whose names are wanted, in the order of their names.
fn in_folder(folder: &Path, wanted: fn(&[u8]) -> bool) -> Result<Vec<PathBuf>, LoadError> {
    let entries = fs::read_dir(this_if_empty(folder)).and_then(Iterator::collect);
    let entries: Vec<DirEntry> =
        entries.map_err(|source| unreadable(this_if_empty(folder), source))?;
    let names = entries.iter().map(DirEntry::file_name);
    let names = names.filter(|name| wanted(name.as_encoded_bytes()) && !is_hidden(name));
    let mut paths: Vec<_> = names.map(|name| folder.join(name)).collect();
    paths.sort();
    Ok(paths)
}

/// The path of a folder. That of a file's parent is empty for a file in the working directory.
fn this_if_empty(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}

fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn holds_rules(name: &[u8]) -> bool {
    name.ends_with(b".yaml") && !holds_tests(name)
}

fn holds_tests(name: &[u8]) -> bool {
    name.ends_with(b"_test.yaml")
}

pub(crate) fn unreadable(path: &Path, source: io::Error) -> LoadError {
    LoadError::Read { path: path.to_owned(), source }
}

fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    // Otherwise the opening of a named pipe waits for its writer.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hash(files: &[Source]) -> String {
    let line = |Source { name, text }: &Source| {
        let name = Path::new(name).file_name().unwrap_or_default().display();
        format!("{:x}  {name}\n", Sha256::digest(text))
    };
    let lines: String = files.iter().map(line).collect();
    let mut hash = format!("{:x}", Sha256::digest(lines));
    hash.truncate(HASH_DIGITS);
    hash
}
