//! The files of a policy, read but not parsed.

use crate::load_error::{LoadError, MAX_BYTES};
use sha2::{Digest, Sha256};
use std::ffi::OsStr;
use std::fs::{self, DirEntry, File};
use std::io::{self, Read};
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
        let unreadable = |path: &Path, source| LoadError::Read { path: path.to_owned(), source };
        let paths = if path.is_dir() {
            in_folder(path).map_err(|source| unreadable(path, source))?
        } else {
            vec![path.to_owned()]
        };
        if paths.is_empty() {
            return Err(LoadError::Empty { path: path.to_owned() });
        }
        let (mut files, mut room) = (Vec::new(), MAX_BYTES);
        for file in paths {
            let text = read(&file, room + 1).map_err(|source| unreadable(&file, source))?;
            room = room
                .checked_sub(text.len() as u64)
                .ok_or_else(|| LoadError::TooLarge { path: path.to_owned() })?;
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

    /// The hash of the files' names and texts, wherever they lie: the first digits of what
    /// `sha256sum *.yaml | sha256sum` prints in their folder.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

fn in_folder(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    let rules = entries.iter().filter(|entry| holds_rules(&entry.file_name()));
    let mut paths: Vec<_> = rules.map(DirEntry::path).collect();
    paths.sort();
    Ok(paths)
}

fn holds_rules(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    name.ends_with(b".yaml") && !name.ends_with(b"_test.yaml") && !name.starts_with(b".")
}

fn read(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(most).read_to_string(&mut text)?;
    Ok(text)
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
