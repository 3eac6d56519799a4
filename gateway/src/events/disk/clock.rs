//! The time of the store.

use std::time::{Duration, Instant};

use super::super::record::Millis;

/// A wall clock that is not set back while the process runs, and follows one that is set forward.
#[derive(Debug)]
pub(super) struct Clock {
    time: Millis,
    at: Instant,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { time: Millis::now(), at: Instant::now() }
    }

    /// Follows the wall clock if it was set forward.
    pub(super) fn update(&mut self) {
        self.follow(Millis::now());
    }

    fn follow(&mut self, wall: Millis) {
        if wall > self.now() {
            (self.time, self.at) = (wall, Instant::now());
        }
    }

    pub(super) fn now(&self) -> Millis {
        self.time.after(self.at.elapsed())
    }

    /// The time since a record was received, which was by the wall clock: it may have been set back since.
    pub(super) fn age(&self, received: Millis) -> Duration {
        self.now().min(Millis::now()).since(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn a_clock_that_is_set_forward_is_followed_and_one_that_is_set_back_is_not() {
        let (mut clock, wall) = (Clock::start(), Millis::now());
        clock.follow(wall.before(HOUR));
        assert!(clock.now() >= wall);
        clock.follow(wall.after(HOUR));
        assert!(clock.now() >= wall.after(HOUR));
    }

    #[test]
    fn an_event_is_not_old_since_the_clock_was_set_back() {
        let mut clock = Clock::start();
        // The wall clock is an hour behind from now on.
        clock.follow(Millis::now().after(HOUR));
        assert!(clock.age(Millis::now()) < HOUR / 2);
    }
}
