//! The thread that writes the log.

use std::io::{ErrorKind, Write};
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tracing::{Subscriber, error};

use super::limit::Limit;
use super::queue::{Queue, TARGET, drop_lines, dropped};

/// The interval at which lines over the limit are summed up.
const TICK: Duration = Duration::from_secs(1);
/// The pause before a write is retried to a full pipe that its reader made non-blocking.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes lines until the queue is closed and empty.
pub(super) struct Writer<S, W> {
    queue: Arc<Queue>,
    stderr: W,
    limit: Limit,
    /// Queues events past filter and limit.
    unlimited: S,
    /// The last write has worked.
    works: bool,
    /// A write has ended inside a line.
    torn: bool,
    /// The dropped lines that were reported.
    reported: u64,
}

impl<S: Subscriber, W: Write> Writer<S, W> {
    pub(super) fn new(queue: Arc<Queue>, stderr: W, limit: Limit, unlimited: S) -> Self {
        Self { queue, stderr, limit, unlimited, works: true, torn: false, reported: 0 }
    }

    pub(super) fn run(mut self) {
        let (mut batch, mut tick) = (Vec::new(), Instant::now() + TICK);
        let mut closing = false;
        while !closing {
            closing = self.queue.take(&mut batch, tick);
            let now = Instant::now();
            if closing || now >= tick {
                self.limit.sum_up(&self.unlimited);
                tick = now + TICK;
            }
            self.report();
            self.write(&mut batch);
        }
        while self.queue.take(&mut batch, tick) && !batch.is_empty() {
            self.write(&mut batch);
        }
    }

    /// Logs the count of lines that were dropped since the last such report, once writing works again. The queue was
    /// just emptied, so there is room for it.
    fn report(&mut self) {
        let dropped = dropped();
        let lines = dropped - self.reported;
        if self.works && lines > 0 {
            error!(target: TARGET, lines, "{lines} lines of the log were dropped, since stderr did not take them");
            self.reported = dropped;
        }
    }

    fn write(&mut self, batch: &mut Vec<u8>) {
        if batch.is_empty() {
            return;
        }
        if self.torn {
            self.torn = self.write_all(b"\n") > 0;
        }
        let left = self.write_all(batch);
        let (written, left) = batch.split_at(batch.len() - left);
        self.torn |= written.last().is_some_and(|last| *last != b'\n');
        self.works = left.is_empty();
        drop_lines(left.iter().filter(|byte| **byte == b'\n').count() as u64);
        batch.clear();
    }

    /// The number of bytes that could not be written.
    fn write_all(&mut self, mut bytes: &[u8]) -> usize {
        while !bytes.is_empty() {
            match self.stderr.write(bytes) {
                Ok(0) => break,
                Ok(written) => bytes = &bytes[written..],
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                Err(why) if why.kind() == ErrorKind::WouldBlock => sleep(PAUSE),
                Err(_) => break,
            }
        }
        bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::subscriber::NoSubscriber;

    /// A disk that is full when so many bytes are written.
    struct Disk {
        free: usize,
        bytes: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let written = bytes.len().min(self.free);
            self.free -= written;
            self.bytes.extend_from_slice(&bytes[..written]);
            if written > 0 { Ok(written) } else { Err(ErrorKind::StorageFull.into()) }
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_that_was_cut_does_not_spoil_the_next() {
        let disk = Disk { free: 8, bytes: Vec::new() };
        let mut writer = Writer::new(Arc::default(), disk, Limit::new(0), NoSubscriber::new());
        let before = dropped();
        writer.write(&mut b"whole\ncut\nlost\n".to_vec());
        assert_eq!(dropped() - before, 2);
        writer.stderr.free = 100;
        writer.write(&mut b"next\n".to_vec());
        assert_eq!(writer.stderr.bytes, b"whole\ncu\nnext\n");
    }
}
