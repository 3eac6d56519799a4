//! What is made from files, and made again when they change.

use arc_swap::ArcSwap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tracing::{error, info};

/// Reads files and remembers what they held, so that a change can be noticed.
#[derive(Default)]
pub(super) struct Files(Vec<(PathBuf, Result<Vec<u8>, String>)>);

impl Files {
    /// What a file holds, or why that can't be told.
    pub(super) fn read(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let read = contents(path);
        self.0.push((path.to_owned(), read.clone()));
        read
    }

    fn have_changed(&self) -> bool {
        self.0.iter().any(|(path, held)| contents(path) != *held)
    }

    fn names(&self) -> String {
        let names: Vec<_> = self.0.iter().map(|(path, _)| path.display().to_string()).collect();
        names.join(" ")
    }
}

fn contents(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

type Make<T> = dyn Fn(&mut Files) -> Result<T, Vec<String>> + Send + Sync;

/// The last that could be made.
pub(super) struct Kept<T> {
    make: Box<Make<T>>,
    files: Mutex<Files>,
    now: ArcSwap<T>,
}

impl<T> Kept<T> {
    /// Makes it for the first time. `make` must read all its files each time, so that none is forgotten.
    pub(super) fn new(
        make: impl Fn(&mut Files) -> Result<T, Vec<String>> + Send + Sync + 'static,
    ) -> Result<Self, Vec<String>> {
        let mut files = Files::default();
        let now = ArcSwap::from_pointee(make(&mut files)?);
        Ok(Self { make: Box::new(make), files: Mutex::new(files), now })
    }

    /// What is in force.
    pub(super) fn now(&self) -> Arc<T> {
        self.now.load_full()
    }

    /// Makes it again if a file has changed. What can't be made is logged, once, and changes nothing.
    pub(super) fn refresh(&self) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if !files.have_changed() {
            return;
        }
        *files = Files::default();
        match (self.make)(&mut files) {
            Ok(made) => {
                self.now.store(Arc::new(made));
                info!(files = files.names(), "read again");
            }
            Err(mistakes) => {
                for why in mistakes {
                    error!(why, "kept as it was, since what changed can't be used");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn what_can_not_be_made_changes_nothing_until_it_can() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("number");
        let write = |text| fs::write(&path, text).expect("a file");
        write("1");
        let (file, made) = (path.clone(), Arc::new(AtomicUsize::new(0)));
        let times = made.clone();
        let kept = Kept::new(move |files| {
            times.fetch_add(1, Ordering::Relaxed);
            let text = String::from_utf8(files.read(&file).map_err(|e| vec![e])?);
            text.expect("UTF-8").parse::<u8>().map_err(|e| vec![e.to_string()])
        });
        let kept = kept.expect("a number");
        for (times, text, number) in [(2, "2", 2), (3, "none", 2), (4, "3", 3)] {
            write(text);
            kept.refresh();
            kept.refresh();
            assert_eq!(*kept.now(), number, "{text}");
            assert_eq!(made.load(Ordering::Relaxed), times, "only if a file has changed");
        }
        fs::remove_file(&path).expect("a file");
        kept.refresh();
        assert_eq!(*kept.now(), 3);
        write("4");
        kept.refresh();
        assert_eq!(*kept.now(), 4);
    }
}
