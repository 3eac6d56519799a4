//! Callers who wait until their records are stored.

use std::thread::{self, ThreadId};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// A caller who waits, as the writer sees them.
#[derive(Debug)]
pub(super) struct Waiter {
    thread: ThreadId,
    answer: oneshot::Sender<Answer>,
    /// The room that the record takes until then.
    _room: OwnedSemaphorePermit,
}

/// The answer to one caller, who passes it on to others of the same thread: to wake a task from another thread takes a
/// system call each.
#[derive(Debug)]
struct Answer {
    stored: Result<(), String>,
    others: Vec<Waiter>,
}

/// A caller of this thread, and what they wait for.
pub(super) fn waiter(
    room: OwnedSemaphorePermit,
) -> (Waiter, impl Future<Output = Result<(), String>> + Send) {
    let (answer, answered) = oneshot::channel::<Answer>();
    let waits = async {
        match answered.await {
            Ok(answer) => answer.stored.clone(),
            Err(_) => Err("the store has ended".to_owned()),
        }
    };
    (Waiter { thread: thread::current().id(), answer, _room: room }, waits)
}

/// Answers all of them alike.
pub(super) fn answer(waiters: impl Iterator<Item = Waiter>, stored: &Result<(), String>) {
    let mut threads: Vec<Vec<Waiter>> = Vec::new();
    for waiter in waiters {
        match threads.iter_mut().find(|others| others[0].thread == waiter.thread) {
            Some(others) => others.push(waiter),
            None => threads.push(vec![waiter]),
        }
    }
    for mut others in threads {
        if let Some(first) = others.pop() {
            first.answer(Answer { stored: stored.clone(), others });
        }
    }
}

impl Waiter {
    fn answer(self, answer: Answer) {
        let _ = self.answer.send(answer); // who has left drops it, and so passes it on
    }
}

impl Drop for Answer {
    /// Passes it on, even if the caller has left.
    fn drop(&mut self) {
        for other in self.others.drain(..) {
            other.answer(Answer { stored: self.stored.clone(), others: Vec::new() });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::runtime::Handle;
    use tokio::sync::Semaphore;
    use tokio::task::{JoinHandle, yield_now};

    use super::*;

    type Stored = JoinHandle<Result<(), String>>;

    /// So many callers, each in a task.
    fn callers(number: usize) -> (Vec<Waiter>, Vec<Stored>, Arc<Semaphore>) {
        let room = Arc::new(Semaphore::new(number));
        let caller = |_| {
            let (waiter, stored) = waiter(room.clone().try_acquire_owned().expect("room"));
            (waiter, tokio::spawn(stored))
        };
        let (waiters, stored) = (0..number).map(caller).unzip();
        (waiters, stored, room)
    }

    #[tokio::test]
    async fn all_are_answered_and_leave_their_room() {
        let (mut waiters, stored, room) = callers(3);
        let runtime = Handle::current();
        let elsewhere = move || {
            let _entered = runtime.enter();
            callers(2)
        };
        let (others, stored_too, _) = thread::spawn(elsewhere).join().expect("callers");
        waiters.extend(others);
        answer(waiters.into_iter(), &Err("full".to_owned()));
        for stored in stored.into_iter().chain(stored_too) {
            assert_eq!(stored.await.expect("no panic"), Err("full".to_owned()));
        }
        assert_eq!(room.available_permits(), 3);
    }

    #[tokio::test]
    async fn those_who_have_left_pass_the_answer_on() {
        for leaves_before in [true, false] {
            let (waiters, mut stored, _room) = callers(3);
            yield_now().await; // all wait
            let first = stored.pop().expect("the one who is told first");
            if leaves_before {
                first.abort();
                yield_now().await;
            }
            answer(waiters.into_iter(), &Ok(()));
            first.abort();
            for stored in stored {
                assert_eq!(stored.await.expect("no panic"), Ok(()));
            }
        }
    }

    #[tokio::test]
    async fn those_whose_writer_has_ended_are_told() {
        let (waiters, mut stored, _room) = callers(1);
        drop(waiters);
        let stored = stored.pop().expect("a caller").await.expect("no panic");
        assert_eq!(stored, Err("the store has ended".to_owned()));
    }
}
