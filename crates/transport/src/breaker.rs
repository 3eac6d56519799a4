//! A circuit breaker: after some failures in a row no call goes through, until a probe in the background succeeds; then
//! one call at a time does, until one succeeds.

use std::time::Duration;

use crate::config::BreakerConfig;

/// The longest pause between two probes: a recovered endpoint is used again soon.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The circuit to one endpoint. Only calls that count move it.
#[derive(Debug)]
pub(crate) struct Breaker {
    limit: u32,
    failures: u32,
    first_pause: Duration,
    longest_pause: Duration,
    /// The pause before the next probe.
    pause: Duration,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open,
    /// The next call goes through.
    HalfOpen,
    /// The first call, the trial, is in flight.
    Trial,
}

impl Breaker {
    pub(crate) fn new(config: &BreakerConfig) -> Self {
        let longest_pause = config.longest.min(LONGEST_PAUSE);
        let first_pause = config.first.min(longest_pause);
        Self {
            limit: config.failures,
            failures: 0,
            first_pause,
            longest_pause,
            pause: first_pause,
            state: State::Closed,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// True if a call may be made now. One that does not count is never a trial, and need not wait for one.
    pub(crate) fn allows(&self, counts: bool) -> bool {
        match self.state {
            State::Closed | State::HalfOpen => true,
            State::Open => false,
            State::Trial => !counts,
        }
    }

    /// Counts a call that is made; true if it is the trial.
    pub(crate) fn admit(&mut self) -> bool {
        let is_trial = self.state == State::HalfOpen;
        if is_trial {
            self.state = State::Trial;
        }
        is_trial
    }

    pub(crate) fn succeeded(&mut self, trial: bool) {
        if self.is_moved_by(trial) {
            (self.failures, self.pause, self.state) = (0, self.first_pause, State::Closed);
        }
    }

    pub(crate) fn failed(&mut self, trial: bool) {
        if self.is_moved_by(trial) {
            self.failures = self.failures.saturating_add(1);
            if trial || self.failures >= self.limit {
                self.state = State::Open;
            }
        }
    }

    /// No connection could be opened for a call.
    pub(crate) fn unreachable(&mut self) {
        let trial = self.admit();
        self.failed(trial);
    }

    /// A call ended without an outcome, because its caller cancelled it, say. After a trial, the next call is one.
    pub(crate) fn abandoned(&mut self, trial: bool) {
        if trial {
            self.state = State::HalfOpen;
        }
    }

    /// A probe succeeded.
    pub(crate) fn half_open(&mut self) {
        if self.is_open() {
            self.state = State::HalfOpen;
        }
    }

    /// The pause before the next probe, each twice as long as the last; none if the circuit is not open.
    pub(crate) fn next_pause(&mut self) -> Option<Duration> {
        let pause = self.pause;
        self.is_open().then(|| self.pause = (pause * 2).min(self.longest_pause)).map(|()| pause)
    }

    /// While the circuit is not closed, only the trial moves it: other calls began before it opened.
    fn is_moved_by(&self, trial: bool) -> bool {
        trial || self.state == State::Closed
    }
}

/// Half of a pause to all of it, so that workers and gateways do not retry in step.
pub(crate) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(200);

    fn breaker() -> Breaker {
        Breaker::new(&BreakerConfig { failures: 3, first: PAUSE, longest: PAUSE * 100 })
    }

    fn open() -> Breaker {
        let mut breaker = breaker();
        (0..3).for_each(|_| breaker.failed(false));
        assert!(breaker.is_open());
        breaker
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let mut breaker = breaker();
        breaker.failed(false);
        breaker.failed(false);
        breaker.succeeded(false);
        breaker.failed(false);
        breaker.failed(false);
        assert!(breaker.allows(true));
        breaker.failed(false);
        assert!(breaker.is_open() && !breaker.allows(true) && !breaker.allows(false));
    }

    #[test]
    fn connections_that_fail_open_it_and_open_it_again() {
        let mut breaker = breaker();
        (0..3).for_each(|_| breaker.unreachable());
        assert!(breaker.is_open());
        breaker.half_open();
        breaker.unreachable();
        assert!(breaker.is_open());
    }

    #[test]
    fn half_open_one_call_goes_through_and_its_success_closes_it() {
        let mut breaker = open();
        breaker.half_open();
        assert!(breaker.allows(true) && breaker.admit());
        assert!(!breaker.allows(true) && !breaker.admit(), "a second call beside the trial");
        assert!(breaker.allows(false), "one that does not count waits for no trial");
        breaker.succeeded(true);
        assert!(breaker.allows(true) && !breaker.admit());
    }

    #[test]
    fn a_trial_that_fails_opens_it_again() {
        let mut breaker = open();
        breaker.half_open();
        let trial = breaker.admit();
        breaker.failed(trial);
        assert!(breaker.is_open());
    }

    #[test]
    fn a_trial_that_is_abandoned_is_repeated() {
        let mut breaker = open();
        breaker.half_open();
        let trial = breaker.admit();
        breaker.abandoned(trial);
        assert!(breaker.allows(true) && breaker.admit());
    }

    #[test]
    fn calls_from_before_it_opened_do_not_move_it() {
        let mut breaker = open();
        breaker.succeeded(false);
        assert!(breaker.is_open(), "an old success closed it");
        breaker.half_open();
        assert!(breaker.admit());
        breaker.failed(false);
        breaker.abandoned(false);
        breaker.succeeded(false);
        assert!(!breaker.is_open() && !breaker.allows(true), "an old call ended the trial");
    }

    #[test]
    fn pauses_between_probes_grow_to_the_longest_until_it_closes() {
        let mut breaker = open();
        let pauses = |breaker: &mut Breaker, count| -> Vec<_> {
            (0..count).map(|_| breaker.next_pause()).collect()
        };
        assert_eq!(pauses(&mut breaker, 2), [Some(PAUSE), Some(PAUSE * 2)]);
        breaker.half_open();
        assert_eq!(breaker.next_pause(), None);
        breaker.unreachable();
        assert_eq!(pauses(&mut breaker, 2), [Some(LONGEST_PAUSE); 2]);
        breaker.half_open();
        let trial = breaker.admit();
        breaker.succeeded(trial);
        (0..3).for_each(|_| breaker.failed(false));
        assert_eq!(breaker.next_pause(), Some(PAUSE));
    }
}
