//! A count that the whole process shares, and its bound.

use std::sync::atomic::{AtomicUsize, Ordering};

/// A counter of the whole process that can't exceed its bound.
#[derive(Debug)]
pub(crate) struct Bound {
    limit: usize,
    taken: AtomicUsize,
}

impl Bound {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, taken: AtomicUsize::new(0) }
    }

    /// Counts `count` more until the permit is dropped; none if that exceeds the bound.
    pub(crate) fn take(&self, count: usize) -> Option<Permit<'_>> {
        let mut permit = self.permit();
        permit.grow(count).then_some(permit)
    }

    /// An empty permit.
    pub(crate) fn permit(&self) -> Permit<'_> {
        Permit { bound: self, count: 0 }
    }
}

/// A share of the bound, returned on drop.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    bound: &'a Bound,
    count: usize,
}

impl Permit<'_> {
    /// Adds `count`; false, and nothing added, over the bound.
    pub(crate) fn grow(&mut self, count: usize) -> bool {
        // Counted first, so that it is returned with the rest.
        self.count += count;
        let before = self.bound.taken.fetch_add(count, Ordering::Relaxed);
        let within = before.saturating_add(count) <= self.bound.limit;
        if !within {
            self.shrink(count);
        }
        within
    }

    /// Returns all of it.
    pub(crate) fn clear(&mut self) {
        self.shrink(self.count);
    }

    /// Returns `count` of it.
    pub(crate) fn shrink(&mut self, count: usize) {
        self.count -= count;
        self.bound.taken.fetch_sub(count, Ordering::Relaxed);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.shrink(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_holds_and_gives_back_what_is_dropped() {
        let bound = Bound::new(2);
        let (one, two) = (bound.take(1), bound.take(1));
        assert!(one.is_some() && two.is_some() && bound.take(1).is_none());
        drop(one);
        assert!(bound.take(2).is_none() && bound.take(1).is_some());
        let mut permit = bound.permit();
        assert!(permit.grow(1) && !permit.grow(1) && bound.take(1).is_none());
        permit.shrink(1);
        assert!(bound.take(1).is_some());
    }
}
