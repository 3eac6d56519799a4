//! Checkpoints, on a thread of their own: they copy the WAL into the database beside the writer, which would hold up
//! callers meanwhile.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use tracing::warn;

use super::database;
use super::message::Message;

/// The bytes after which a checkpoint is made.
const BYTES: usize = 1 << 20;
/// The pages of a WAL from which on the writer does the rest of a checkpoint, so that the WAL begins anew: 16 MiB.
const LONG: i64 = 4096;

/// The thread that makes checkpoints, while there is a database.
#[derive(Debug)]
pub(super) struct Checkpoints {
    path: PathBuf,
    writer: Sender<Message>,
    running: Option<Running>,
    bytes: usize,
}

#[derive(Debug)]
struct Running {
    due: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    pub(super) fn new(path: PathBuf, writer: Sender<Message>) -> Self {
        Self { path, writer, running: None, bytes: 0 }
    }

    /// Starts the thread; its connection must be closed before the file is moved.
    pub(super) fn start(&mut self) -> io::Result<()> {
        self.stop();
        let (due, dues) = sync_channel(1);
        let (path, writer) = (self.path.clone(), self.writer.clone());
        let run = move || run(path, &dues, &writer);
        let thread = thread::Builder::new().name("checkpoints".to_owned()).spawn(run)?;
        self.running = Some(Running { due, thread });
        Ok(())
    }

    /// Closes its connection.
    pub(super) fn stop(&mut self) {
        if let Some(Running { due, thread }) = self.running.take() {
            drop(due);
            let _ = thread.join(); // the panic hook has logged a panic
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

fn run(path: PathBuf, dues: &Receiver<()>, writer: &Sender<Message>) {
    let connection = match database::connect(&path) {
        Ok(connection) => connection,
        Err(why) => return warn!(%why, "no checkpoints of the database of events"),
    };
    while dues.recv().is_ok() {
        match database::checkpoint(&connection) {
            Ok((pages, done)) if pages >= LONG && done > pages / 2 => {
                let _ = writer.send(Message::FinishCheckpoint);
            }
            Ok(_) => {}
            // The writer meets the same error, and acts on it.
            Err(why) => warn!(%why, "no checkpoint of the database of events"),
        }
    }
}
