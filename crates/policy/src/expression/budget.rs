//! Bounds the cost of a decision; CEL itself has no such bound.
//!
//! A round of a loop is a step, and so is the copying of some entries of a list, and a KiB of text that is read or made;
//! what takes more time for a KiB, or more memory, takes more steps. So the bound is the same on every machine. Evaluation
//! is synchronous, so the count is the thread's.

use cel::ExecutionError;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// The steps of one decision, all its rules together: some loops over the thousands of entries that
/// the gateway's largest body holds.
const STEPS: usize = 50_000;

/// The time in which a decision may take steps. Only a machine that is much too slow meets it before the steps run out,
/// or a build without optimisation, whose tests are to meet the steps.
const TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 10_000 } else { 250 });

/// The entries of a list that are copied for one step.
const ENTRIES_PER_STEP: usize = 8;

thread_local! {
    static CURRENT: Cell<Budget> = const { Cell::new(Budget::FULL) };
}

/// The steps and the time that are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    left: usize,
    end: Option<Instant>,
    /// The bound that was exceeded, if any.
    exceeded: Option<Exceeded>,
}

impl Budget {
    pub(crate) const FULL: Self = Self { left: STEPS, end: None, exceeded: None };
}

/// A decision costs more than it may.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Exceeded {
    /// Too many steps.
    #[error("the decision takes more than {STEPS} steps")]
    Steps,
    /// Too much time.
    #[error("the decision takes more than {} ms", TIME.as_millis())]
    Time,
}

/// Starts the count for a decision.
pub(super) fn refill() {
    CURRENT.set(Budget::FULL);
}

/// Goes on with another budget, and returns the one before.
pub(crate) fn replace(budget: Budget) -> Budget {
    CURRENT.replace(budget)
}

/// Lets the decision go on after a rule that is skipped, with what it has left.
pub(crate) fn go_on() {
    CURRENT.set(Budget { exceeded: None, ..CURRENT.get() });
}

/// Takes steps, or fails where too few are left. The time begins with the first.
pub(super) fn spend(steps: usize) -> Result<(), Exceeded> {
    check()?;
    let Budget { left, end, .. } = CURRENT.get();
    let now = Instant::now();
    let end = end.unwrap_or(now + TIME);
    let (left, exceeded) = match left.checked_sub(steps) {
        _ if now > end => (left, Some(Exceeded::Time)),
        None => (left, Some(Exceeded::Steps)),
        Some(left) => (left, None),
    };
    CURRENT.set(Budget { left, end: Some(end), exceeded });
    check()
}

/// Takes a step for each KiB.
pub(crate) fn spend_bytes(bytes: usize) -> Result<(), Exceeded> {
    match bytes / 1024 {
        0 => Ok(()),
        steps => spend(steps),
    }
}

/// Takes the steps for copying a list or a map.
pub(super) fn spend_entries(entries: usize) -> Result<(), Exceeded> {
    spend(entries / ENTRIES_PER_STEP)
}

/// The steps that the decision has taken so far.
#[cfg(test)]
pub(super) fn taken() -> usize {
    STEPS - CURRENT.get().left
}

/// Fails once a bound is exceeded, even if the first error was swallowed.
pub(super) fn check() -> Result<(), Exceeded> {
    CURRENT.get().exceeded.map_or(Ok(()), Err)
}

impl From<Exceeded> for ExecutionError {
    fn from(exceeded: Exceeded) -> Self {
        Self::function_error("budget", exceeded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_that_takes_too_long_fails_with_its_next_step() {
        refill();
        assert!(spend(1).is_ok());
        let end = Some(Instant::now() - Duration::from_millis(1));
        CURRENT.set(Budget { end, ..CURRENT.get() });
        let failure = spend(1).expect_err("the time is over").to_string();
        assert_eq!(failure, format!("the decision takes more than {} ms", TIME.as_millis()));
        refill();
        assert!(spend(1).is_ok());
    }
}
