//! The time for which a message is this gateway's own: the servers hand it to another one when they have not heard of it
//! for long, say because the process was stopped for a while.

use std::cell::Cell;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::streams::ACK_WAIT;

/// The interval at which progress is shown.
const TICK: Duration = Duration::from_secs(5);
/// The time after which a message is given up, a bit before the servers do so.
const LOST: Duration = ACK_WAIT.saturating_sub(TICK);

/// A message that the servers have handed to this gateway.
pub(super) struct Held {
    /// The last time at which the servers surely counted it as this gateway's.
    since: Cell<Instant>,
    is_gone: Cell<bool>,
    /// This gateway has begun to end it: that it goes then is no surprise.
    is_ending: Cell<bool>,
}

/// The servers' answer to progress.
pub(super) enum Shown {
    /// They have noted it.
    Noted,
    /// There was none.
    Unanswered,
    /// The message has gone: somebody dropped it.
    Gone,
}

impl Held {
    pub(super) fn new(since: Instant) -> Self {
        Self { since: since.into(), is_gone: false.into(), is_ending: false.into() }
    }

    pub(super) fn since(&self) -> Instant {
        self.since.get()
    }

    pub(super) fn ends(&self) {
        self.is_ending.set(true);
    }

    /// True if another gateway may have it by now, or nobody.
    pub(super) fn is_lost(&self) -> bool {
        self.is_gone.get() || self.since.get().elapsed() >= LOST
    }

    /// Keeps the servers from handing it to another gateway, until it is lost.
    pub(super) async fn keep(&self, show: impl AsyncFn() -> Shown) {
        let mut ticks = interval_at(Instant::now() + TICK, TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let at = ticks.tick().await.max(Instant::now());
            if self.is_lost() {
                return;
            }
            match show().await {
                Shown::Noted => self.since.set(at),
                Shown::Gone if !self.is_ending.get() => return self.is_gone.set(true),
                Shown::Gone | Shown::Unanswered => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_is_held_while_servers_confirm_it_and_no_longer() {
        let (began, held) = (Instant::now(), Held::new(Instant::now()));
        let show = async || match began.elapsed() < 10 * ACK_WAIT {
            true => Shown::Noted,
            false => Shown::Unanswered,
        };
        held.keep(show).await;
        let elapsed = began.elapsed();
        assert!(elapsed >= 10 * ACK_WAIT && elapsed <= 11 * ACK_WAIT, "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_is_given_up_after_a_stall_without_a_word_to_the_servers() {
        let held = Held::new(Instant::now());
        advance(ACK_WAIT).await;
        held.keep(async || panic!("it is another gateway's")).await;
        assert!(held.is_lost());
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_goes_is_lost_unless_this_gateway_ends_it() {
        let began = Instant::now();
        let (dropped, ended) = (Held::new(began), Held::new(began));
        dropped.keep(async || Shown::Gone).await;
        assert!(dropped.is_lost() && began.elapsed() <= TICK, "{:?}", began.elapsed());
        ended.ends();
        ended.keep(async || Shown::Gone).await;
        assert!(began.elapsed() >= LOST, "{:?}", began.elapsed());
    }
}
