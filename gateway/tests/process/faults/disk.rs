//! A directory on a disk that a test can fail and cut off from power, by a library that is preloaded (`shim.c`).

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::OnceLock;

use crate::support;

/// Errors of errno.h.
pub(crate) const EIO: i64 = 5;
pub(crate) const ENOSPC: i64 = 28;
/// Half of the write reaches the disk, and then the process is killed.
pub(crate) const TORN: i64 = -1;

/// The environment's name for the directory.
pub(crate) const DIRECTORY: &str = "FAULTS_DIRECTORY";

/// A directory whose files lose what was not synced when the power fails.
pub(crate) struct Disk {
    directory: PathBuf,
    durable: PathBuf,
    control: PathBuf,
}

/// The calls that can fail, by their place in the library's `struct control`.
#[derive(Clone, Copy)]
pub(crate) enum Calls {
    Writes = 0,
    Syncs = 5,
}

/// Other numbers in the library's `struct control`.
#[derive(Clone, Copy)]
enum Number {
    Lying = 10,
    Writeback = 11,
    Clock = 12,
    End = 13,
}

/// The places of a fault's fields `hits` and `calls`, after those that [`Disk::fail`] writes.
const HITS: u64 = 3;
const CALLS: u64 = 4;

impl Disk {
    /// An empty directory, named after the test that it is for. Its disk works.
    pub(crate) fn new(test: &str) -> Self {
        let root = support::directory(test);
        let place = |name| root.join(name);
        let (directory, durable, control) = (place("events"), place("durable"), place("control"));
        fs::create_dir(&directory).expect("a place for files");
        let disk = Self { directory, durable, control };
        fs::write(&disk.control, vec![0; Number::End as usize * 8]).expect("a place for files");
        disk
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Puts a process on this disk, before it starts. All that is in the directory counts as synced.
    pub(crate) fn carry(&self, command: &mut Command) {
        let _ = fs::remove_dir_all(&self.durable);
        let by_inode = self.durable.join(".data");
        fs::create_dir_all(&by_inode).expect("a place for files");
        for path in files(&self.directory).iter().filter(|path| !is_shared_memory(path)) {
            let copy = self.durable.join(name(path));
            fs::copy(path, &copy).expect("space for a copy");
            let inode = fs::metadata(path).expect("a file").ino();
            fs::hard_link(copy, by_inode.join(inode.to_string())).expect("a place for files");
        }
        command.env("LD_PRELOAD", library()).env(DIRECTORY, &self.directory);
        command.env("FAULTS_DURABLE", &self.durable).env("FAULTS_CONTROL", &self.control);
    }

    /// The directory as it is after a power failure. The process that was carried must have ended.
    pub(crate) fn lose_power(&self) {
        for path in files(&self.directory) {
            fs::remove_file(path).expect("a file of the process");
        }
        for path in files(&self.durable) {
            fs::copy(&path, self.directory.join(name(&path))).expect("space for a copy");
        }
    }

    /// Lets calls fail: after so many that succeed so many, or all.
    pub(crate) fn fail(&self, calls: Calls, error: i64, skip: i64, count: Option<i64>) {
        let first = calls as u64;
        self.set(first, 0);
        self.set(first + 1, skip);
        self.set(first + 2, count.unwrap_or(-1));
        self.set(first, error);
    }

    /// The number of calls that have failed.
    pub(crate) fn hits(&self, calls: Calls) -> i64 {
        self.get(calls as u64 + HITS)
    }

    /// The number of calls that were made.
    pub(crate) fn calls(&self, calls: Calls) -> i64 {
        self.get(calls as u64 + CALLS)
    }

    /// Lets syncs succeed without effect.
    pub(crate) fn lie(&self) {
        self.set(Number::Lying as u64, 1);
    }

    /// Lets writes become durable in part before they are synced, as the kernel may do.
    pub(crate) fn write_back(&self) {
        self.set(Number::Writeback as u64, 1);
    }

    /// Shifts the wall clock.
    pub(crate) fn shift_clock(&self, seconds: i64) {
        self.set(Number::Clock as u64, seconds);
    }

    fn get(&self, place: u64) -> i64 {
        let mut bytes = [0; 8];
        let file = File::open(&self.control).expect("our file");
        file.read_exact_at(&mut bytes, place * 8).expect("all of it");
        i64::from_ne_bytes(bytes)
    }

    fn set(&self, place: u64, value: i64) {
        let file = File::options().write(true).open(&self.control).expect("our file");
        file.write_all_at(&value.to_ne_bytes(), place * 8).expect("a place for it");
    }
}

/// The files of a directory, and not the directories.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("our directory");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}

fn name(path: &Path) -> &OsStr {
    path.file_name().expect("a path of ours")
}

/// SQLite's index of its log, which it makes anew.
fn is_shared_memory(path: &Path) -> bool {
    name(path).as_encoded_bytes().ends_with(b"-shm")
}

/// The library, compiled once.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (path, new) = (place.join("faults.so"), place.join(format!("{}.so", process::id())));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/process/faults/shim.c");
        let compiler = Command::new("cc")
            .args(["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o"])
            .args([&new, &source])
            .args(["-ldl", "-lpthread"])
            .status();
        assert!(compiler.expect("a C compiler").success());
        // At once, since other processes may run tests too.
        fs::rename(new, &path).expect("a place for files");
        path
    })
}
