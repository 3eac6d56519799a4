//! The budget of retries: a share of the calls, so that retries can't double the load of a decider in trouble.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The price of one retry; each call deposits the percentage.
const COST: u64 = 100;
/// The most retries that can be saved up, and the initial balance.
const SAVED: u64 = 10;

/// A budget of retries, one for all callers of the process unless a channel is opened apart.
#[derive(Debug)]
pub struct RetryBudget {
    percent: u64,
    balance: AtomicU64,
}

impl RetryBudget {
    /// A budget of `percent` retries for each hundred calls.
    #[must_use]
    pub fn new(percent: u32) -> Self {
        Self { percent: percent.into(), balance: AtomicU64::new(SAVED * COST) }
    }

    /// A full one with the same share.
    pub(crate) fn another(&self) -> Self {
        Self { percent: self.percent, balance: AtomicU64::new(SAVED * COST) }
    }

    /// Counts a call.
    pub(crate) fn deposit(&self) {
        // The balance is nearly always full: then nothing is written.
        if self.balance.load(Relaxed) < SAVED * COST {
            let paid = |balance: u64| Some((balance + self.percent).min(SAVED * COST));
            let _ = self.balance.fetch_update(Relaxed, Relaxed, paid);
        }
    }

    /// Takes a retry out, if there is one.
    pub(crate) fn withdraw(&self) -> bool {
        self.balance.fetch_update(Relaxed, Relaxed, |balance| balance.checked_sub(COST)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_are_a_share_of_the_calls() {
        let budget = RetryBudget::new(20);
        let retries = |budget: &RetryBudget| (0..1000).filter(|_| budget.withdraw()).count();
        assert_eq!(retries(&budget), 10);
        (0..20).for_each(|_| budget.deposit());
        assert_eq!(retries(&budget), 4);
        (0..1000).for_each(|_| budget.deposit());
        assert_eq!(retries(&budget), 10);
    }
}
