//! A thread for work that would block serving threads, such as reading files.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Work that is repeated.
pub type Task = Box<dyn FnMut() + Send>;

/// Runs tasks on a thread of their own until it is dropped. Files may lie on a network: a read that stalls then blocks
/// this thread only, and not the end of the process.
#[derive(Debug)]
pub struct Housekeeping(Sender<()>);

impl Housekeeping {
    /// Runs the tasks in turn, again when `interval` has passed since the last one ended. A task that panics does not
    /// keep the others from running, and is run again the next time.
    ///
    /// # Errors
    /// The system has no further thread.
    pub fn spawn(interval: Duration, mut tasks: Vec<Task>) -> io::Result<Self> {
        let (wake, woken) = channel();
        let run = move || {
            while woken.recv_timeout(interval) != Err(RecvTimeoutError::Disconnected) {
                while woken.try_recv().is_ok() {} // one run answers all who have asked so far
                for task in &mut tasks {
                    let _ = catch_unwind(AssertUnwindSafe(task)); // the panic hook has logged it
                }
            }
        };
        thread::Builder::new().name("housekeeping".to_owned()).spawn(run)?;
        Ok(Self(wake))
    }

    /// Runs the tasks now, or once more as soon as they have ended if they are running.
    pub fn wake(&self) {
        let _ = self.0.send(()); // fails only without the thread, which ends by a drop
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::sync_channel;
    use std::time::Instant;

    const TICK: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(10);

    #[test]
    fn tasks_are_repeated_though_one_panics() {
        let (done, times) = channel();
        let good = move || done.send(()).expect("a receiver");
        let tasks: Vec<Task> = vec![Box::new(|| panic!("a bad task")), Box::new(good)];
        let _housekeeping = Housekeeping::spawn(TICK, tasks).expect("a thread");
        for _ in 0..3 {
            times.recv_timeout(LONG).expect("run again");
        }
    }

    #[test]
    fn waking_it_runs_the_tasks_before_their_time() {
        let (done, times) = channel();
        let task: Task = Box::new(move || done.send(()).expect("a receiver"));
        let housekeeping = Housekeeping::spawn(10 * LONG, vec![task]).expect("a thread");
        for _ in 0..2 {
            housekeeping.wake();
            times.recv_timeout(LONG).expect("run now");
        }
    }

    #[test]
    fn waking_it_often_while_the_tasks_run_runs_them_once_more() {
        let (begin, begun) = channel();
        let (release, released) = channel::<()>();
        let task: Task = Box::new(move || {
            begin.send(()).expect("a receiver");
            let _ = released.recv();
        });
        let housekeeping = Housekeeping::spawn(10 * LONG, vec![task]).expect("a thread");
        housekeeping.wake();
        begun.recv_timeout(LONG).expect("run now");
        for _ in 0..3 {
            housekeeping.wake();
        }
        drop((housekeeping, release));
        assert_eq!(begun.iter().count(), 1);
    }

    #[test]
    fn dropping_it_ends_the_tasks() {
        let (done, times) = channel();
        let task: Task = Box::new(move || done.send(()).expect("a receiver"));
        let housekeeping = Housekeeping::spawn(TICK, vec![task]).expect("a thread");
        times.recv_timeout(LONG).expect("run");
        drop(housekeeping);
        while times.recv_timeout(LONG).is_ok() {}
        assert_eq!(times.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }

    #[test]
    fn dropping_it_does_not_wait_for_a_task_that_stalls() {
        let (begin, begun) = channel();
        let (release, released) = sync_channel::<()>(0);
        let stall: Task = Box::new(move || {
            begin.send(()).expect("a receiver");
            let _ = released.recv();
        });
        let housekeeping = Housekeeping::spawn(TICK, vec![stall]).expect("a thread");
        begun.recv_timeout(LONG).expect("run");
        let before = Instant::now();
        drop(housekeeping);
        assert!(before.elapsed() < LONG);
        drop(release);
    }
}
