//! Checkpoints, on a thread of their own: they copy the WAL into the database beside the writer, which would hold up
//! callers meanwhile.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use tracing::warn;

use super::database;
use super::message::Message;

/// The bytes after which a checkpoint is made.
const BYTES: usize = 4 << 20;
/// The pages of a WAL from which on the writer does the rest of a checkpoint, so that the WAL begins anew: 16 MiB.
const LONG: i64 = 4096;

/// The thread that makes checkpoints, while there is a database.
#[derive(Debug)]
pub(super) struct Checkpoints {
    path: PathBuf,
    writer: Sender<Message>,
    running: Option<Running>,
    /// The bytes committed since the last one was due. The first commit makes one due: the WAL of a process that is
    /// killed again and again would grow for ever otherwise.
    bytes: usize,
}

#[derive(Debug)]
struct Running {
    due: SyncSender<()>,
    /// Ends with the first error.
    thread: JoinHandle<rusqlite::Result<()>>,
}

impl Checkpoints {
    pub(super) fn new(path: PathBuf, writer: Sender<Message>) -> Self {
        Self { path, writer, running: None, bytes: BYTES }
    }

    /// Starts the thread; its connection must be closed before the file is moved.
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.stop();
        let (due, dues) = sync_channel(1);
        let (path, writer) = (self.path.clone(), self.writer.clone());
        let run = move || run(&path, &dues, &writer);
        let thread = thread::Builder::new().name("checkpoints".to_owned()).spawn(run)?;
        self.running = Some(Running { due, thread });
        Ok(())
    }

    /// Starts the thread again if it has ended.
    ///
    /// # Errors
    /// The error that has ended it.
    pub(super) fn check(&mut self) -> rusqlite::Result<()> {
        let ended = self.running.take_if(|running| running.thread.is_finished());
        if self.running.is_none()
            && let Err(why) = self.start()
        {
            warn!(%why, "no thread for checkpoints of the database of events");
        }
        // The panic hook has logged a panic.
        ended.map_or(Ok(()), |ended| ended.thread.join().unwrap_or(Ok(())))
    }

    /// Closes its connection.
    pub(super) fn stop(&mut self) {
        if let Some(Running { due, thread }) = self.running.take() {
            drop(due);
            let _ = thread.join(); // an error has no meaning once the writer closes its connection too
        }
    }

    /// About so many bytes were committed.
    pub(super) fn committed(&mut self, bytes: usize) {
        self.bytes += bytes;
        if self.bytes < BYTES {
            return;
        }
        // While one is being made, the next is due at once.
        if let Some(running) = &self.running
            && running.due.try_send(()) != Err(TrySendError::Disconnected(()))
        {
            self.bytes = 0;
        }
    }
}

fn run(path: &Path, dues: &Receiver<()>, writer: &Sender<Message>) -> rusqlite::Result<()> {
    let connection = database::connect(path)?;
    while dues.recv().is_ok() {
        let (pages, done) = database::checkpoint(&connection)?;
        if pages >= LONG && done > pages / 2 {
            let _ = writer.send(Message::FinishCheckpoint);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};
    use std::{fs, thread};

    use super::super::database::Database;
    use super::*;

    #[test]
    fn the_first_commit_makes_a_checkpoint() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.db");
        let mut database = Database::open(&path).expect("a database");
        let size = || fs::metadata(&path).expect("a file").len();
        let made = size();
        let mut checkpoints = Checkpoints::new(path.clone(), channel().0);
        checkpoints.start().expect("a thread");
        database.begin().and_then(|transaction| transaction.commit()).expect("committed");
        checkpoints.committed(1);
        let until = Instant::now() + Duration::from_secs(10);
        while size() == made {
            assert!(Instant::now() < until, "no checkpoint in time");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn an_error_is_reported_once_and_the_thread_starts_again() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("events.db");
        fs::write(&path, [1; 4096]).expect("space");
        let mut checkpoints = Checkpoints::new(path, channel().0);
        checkpoints.start().expect("a thread");
        let until = Instant::now() + Duration::from_secs(10);
        let mut error = || loop {
            assert!(Instant::now() < until, "no error in time");
            checkpoints.committed(BYTES);
            if let Err(why) = checkpoints.check() {
                break why;
            }
            thread::sleep(Duration::from_millis(1));
        };
        for _ in 0..2 {
            let why = error();
            assert!(database::is_damage(&why), "{why}");
        }
    }
}
