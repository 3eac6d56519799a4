//! A circuit breaker: after some failures in a row it stays open for a while, then one call probes.

use std::time::Duration;

use tokio::time::Instant;

use crate::config::BreakerConfig;

/// The circuit to one endpoint.
#[derive(Debug)]
pub(super) struct Breaker {
    limit: u32,
    first: Duration,
    longest: Duration,
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Closed,
    /// Open until then; the pause before the next probe, if the one that comes fails.
    Open(Instant, Duration),
    /// One call probes; likewise.
    Probing(Duration),
}

impl Breaker {
    pub(super) fn new(config: &BreakerConfig) -> Self {
        let BreakerConfig { failures, first, longest } = *config;
        Self { limit: failures, first, longest, failures: 0, state: State::Closed }
    }

    /// Whether a call may be made now. One that is made must be `admit`ted.
    pub(super) fn allows(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(until, _) => now >= until,
            State::Probing(_) => false,
        }
    }

    /// Whether no call may be made now. Looks at the clock only if it must.
    pub(super) fn is_open(&self) -> bool {
        !self.is_closed() && !self.allows(Instant::now())
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    /// A call is made. Answers whether it is the probe: the first one after the circuit was open.
    pub(super) fn admit(&mut self) -> bool {
        match self.state {
            State::Open(_, pause) => {
                self.state = State::Probing(pause);
                true
            }
            State::Closed | State::Probing(_) => false,
        }
    }

    /// While the circuit is open, only the probe counts: other calls began before.
    fn counts(&self, probe: bool) -> bool {
        probe || self.is_closed()
    }

    pub(super) fn succeeded(&mut self, probe: bool) {
        if self.counts(probe) {
            (self.failures, self.state) = (0, State::Closed);
        }
    }

    pub(super) fn failed(&mut self, now: Instant, probe: bool) {
        if !self.counts(probe) {
            return;
        }
        self.failures = self.failures.saturating_add(1);
        match self.state {
            State::Closed if self.failures >= self.limit => self.open(now, self.first),
            State::Probing(pause) => self.open(now, pause),
            State::Closed | State::Open(..) => {}
        }
    }

    /// No connection could be opened for a call.
    pub(super) fn unreachable(&mut self, now: Instant) {
        let probe = self.admit();
        self.failed(now, probe);
    }

    /// There is no verdict on the endpoint, since the caller left, say: another call probes.
    pub(super) fn abandoned(&mut self, now: Instant, probe: bool) {
        if let (State::Probing(pause), true) = (self.state, probe) {
            self.state = State::Open(now, pause);
        }
    }

    /// The endpoint may work again: the next call probes, without waiting for the end of the pause.
    pub(super) fn half_open(&mut self, now: Instant) {
        if let State::Open(_, pause) = self.state {
            self.state = State::Open(now, pause);
        }
    }

    fn open(&mut self, now: Instant, pause: Duration) {
        let next = (pause * 2).min(self.longest);
        self.state = State::Open(now + jittered(pause), next);
    }
}

/// Three quarters to five quarters of a pause, so that workers and gateways do not probe in step.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.75 + fastrand::f64() / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_millis(100);

    fn breaker() -> Breaker {
        Breaker::new(&BreakerConfig { failures: 3, first: PAUSE, longest: PAUSE * 3 })
    }

    #[test]
    fn failures_in_a_row_open_it() {
        let (mut breaker, now) = (breaker(), Instant::now());
        breaker.failed(now, false);
        breaker.failed(now, false);
        breaker.succeeded(false);
        breaker.failed(now, false);
        breaker.failed(now, false);
        assert!(breaker.allows(now));
        breaker.failed(now, false);
        assert!(!breaker.allows(now) && !breaker.allows(now + PAUSE / 2));
    }

    #[test]
    fn one_call_probes_and_closes_it() {
        let (mut breaker, now) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.failed(now, false));
        let later = now + PAUSE * 2;
        assert!(breaker.allows(later) && breaker.admit());
        assert!(!breaker.allows(later) && !breaker.admit(), "a second call beside the probe");
        breaker.succeeded(true);
        assert!(breaker.allows(later) && breaker.is_closed());
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let (mut breaker, mut now) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.failed(now, false));
        for pause in [PAUSE, PAUSE * 2, PAUSE * 3, PAUSE * 3] {
            assert!(!breaker.allows(now + pause.mul_f64(0.7)), "{pause:?}");
            now += pause.mul_f64(1.3);
            assert!(breaker.allows(now), "{pause:?}");
            let probe = breaker.admit();
            breaker.failed(now, probe);
        }
    }

    #[test]
    fn a_probe_that_is_abandoned_is_repeated() {
        let (mut breaker, now) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.failed(now, false));
        let later = now + PAUSE * 2;
        let probe = breaker.admit();
        breaker.abandoned(later, probe);
        assert!(breaker.allows(later) && !breaker.is_closed());
    }

    #[test]
    fn calls_from_before_it_opened_do_not_move_it() {
        let (mut breaker, now) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.failed(now, false));
        breaker.succeeded(false);
        assert!(!breaker.allows(now), "an old success closed it");
        assert!(breaker.admit());
        breaker.failed(now, false);
        breaker.abandoned(now, false);
        breaker.succeeded(false);
        assert!(!breaker.allows(now + PAUSE * 9), "an old call ended the probe");
    }

    #[test]
    fn connections_that_fail_open_it_again_and_again() {
        let (mut breaker, mut now) = (breaker(), Instant::now());
        (0..3).for_each(|_| breaker.unreachable(now));
        for pause in [PAUSE, PAUSE * 2, PAUSE * 3] {
            assert!(!breaker.allows(now + pause.mul_f64(0.7)), "{pause:?}");
            now += pause.mul_f64(1.3);
            assert!(breaker.allows(now));
            breaker.unreachable(now);
        }
        breaker.half_open(now);
        assert!(breaker.allows(now) && !breaker.is_closed());
    }
}
