//! Bounds what a decision may cost; CEL itself has no such bound.
//!
//! A round of a loop is a step, and so is the copying of some entries of a list. Evaluation is
//! synchronous, so the count is the thread's.

use cel::ExecutionError;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// What one decision may take, all its rules together.
const STEPS: i64 = 10_000;

/// How long a decision may take steps. In most a step is a microsecond, but it may search a text of
/// a megabyte.
const TIME: Duration = Duration::from_millis(250);

thread_local! {
    /// The steps left; below zero once there were too many, or too slow ones.
    static LEFT: Cell<i64> = const { Cell::new(0) };
    static END: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts the count for a decision.
pub(super) fn refill() {
    LEFT.set(STEPS);
    END.set(None);
}

/// Takes steps, or fails where too few are left. The time begins with the first.
pub(super) fn spend(steps: usize) -> Result<(), ExecutionError> {
    let now = Instant::now();
    let end = END.get().unwrap_or(now + TIME);
    END.set(Some(end));
    let left = LEFT.get().saturating_sub(i64::try_from(steps).unwrap_or(i64::MAX));
    LEFT.set(if now > end { -1 } else { left });
    check()
}

/// Fails once the budget is spent, whatever became of the error that said so.
pub(super) fn check() -> Result<(), ExecutionError> {
    if LEFT.get() < 0 {
        return Err(ExecutionError::function_error("loop", "the budget is spent"));
    }
    Ok(())
}
