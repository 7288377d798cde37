//! Whether a batch of ready tasks is worth a second worker.
//!
//! Waking a sleeping worker costs some 33 us of CPU where it sleeps on another core, and it begins 20 us later
//! or more. For a batch that one worker gets through in that time a second one is a loss; for one that lasts
//! ten times as long it costs little and halves the rest. So a worker keeps an estimate of what a poll takes
//! it, from two looks at the clock a batch, and wakes another for a batch that would last longer than
//! [`WORTH`]: sixty quick answers of an echo server are one worker's, three handlers that compute are not.
//!
//! The estimate is of time, not of CPU: handlers that block, or a core that others use too, are a reason to wake help.
//! But one batch counts for little: when the worker loses its core for a time slice once, thirty quick polls look like
//! a millisecond each, and the next batches would wake a worker for nothing. So a measurement counts for twice the
//! estimate at most, and slow handlers are believed when they are slow again.

use std::cell::Cell;
use std::time::{Duration, Instant};

use bowerbird_base::clock::system_now;

/// A batch that is expected to last longer wakes a second worker.
const WORTH: Duration = Duration::from_micros(500);
/// What a poll is taken to last before any was measured.
const FIRST_GUESS: Duration = Duration::from_micros(20);
/// A new measurement counts for one in so many.
const SHARE: u64 = 4;
/// And for so many times the estimate at most, if that is not too small to multiply.
const MOST_TIMES: u64 = 2;
const LEAST_NANOS: u64 = 500;

/// The estimate of one worker.
pub(crate) struct BatchCost {
    /// When the last batch was queued, and at which tick of the worker; `None` when it is measured.
    began: Cell<Option<(Instant, u32)>>,
    nanos_a_poll: Cell<u64>,
}

impl BatchCost {
    pub(crate) fn new() -> Self {
        Self { began: Cell::new(None), nanos_a_poll: Cell::new(FIRST_GUESS.as_nanos() as u64) }
    }

    /// The worker is about to look for events again, at this tick: what it did since the last batch is measured.
    #[inline]
    pub(crate) fn end(&self, tick: u32) {
        if let Some((began, first_tick)) = self.began.take() {
            self.measure(began, tick.wrapping_sub(first_tick));
        }
    }

    fn measure(&self, began: Instant, polls: u32) {
        let took = system_now().saturating_duration_since(began).as_nanos() as u64;
        let before = self.nanos_a_poll.get();
        let each = (took / u64::from(polls.max(1))).min(before.max(LEAST_NANOS) * MOST_TIMES);
        self.nanos_a_poll.set((before * (SHARE - 1) + each) / SHARE);
    }

    /// So many tasks were queued. Returns whether another worker should help.
    #[inline]
    pub(crate) fn begin(&self, count: u32, tick: u32) -> bool {
        if count < 2 {
            return false;
        }
        self.began.set(Some((system_now(), tick)));
        u64::from(count) * self.nanos_a_poll.get() > WORTH.as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bowerbird_base::clock::system_now;

    use super::{BatchCost, FIRST_GUESS, WORTH};

    /// How many tasks are left to one worker.
    fn most_for_one(cost: &BatchCost) -> u32 {
        (1..1_000_000).find(|&count| cost.begin(count, 0)).unwrap() - 1
    }

    #[test]
    fn quick_polls_are_left_to_one_and_slow_ones_are_not() {
        let cost = BatchCost::new();
        assert_eq!(u128::from(most_for_one(&cost)), WORTH.as_nanos() / FIRST_GUESS.as_nanos());
        cost.nanos_a_poll.set(2_000);
        assert_eq!(most_for_one(&cost), 250);
        cost.nanos_a_poll.set(200_000);
        assert_eq!(most_for_one(&cost), 2);
        cost.nanos_a_poll.set(u64::from(u32::MAX));
        assert!(!cost.begin(1, 0), "one task needs one worker");
    }

    #[test]
    fn estimate_follows_what_is_measured() {
        let cost = BatchCost::new();
        for _ in 0..200 {
            let _more = cost.begin(2, u32::MAX);
            // A thousand polls in no time, over the end of the count.
            cost.end(999);
        }
        assert!(cost.nanos_a_poll.get() < 2_000, "{}", cost.nanos_a_poll.get());
        let before = cost.nanos_a_poll.get();
        cost.end(5);
        assert_eq!(cost.nanos_a_poll.get(), before, "nothing began");
    }

    #[test]
    fn one_slow_batch_is_not_believed_and_many_are() {
        const QUICK: u64 = 6_000;
        let cost = BatchCost::new();
        cost.nanos_a_poll.set(QUICK);
        let long_ago = system_now().checked_sub(Duration::from_secs(1)).unwrap();
        // It lost its core in the middle.
        cost.measure(long_ago, 30);
        assert!(!cost.begin(64, 0), "{}", cost.nanos_a_poll.get());
        for _ in 0..40 {
            cost.measure(long_ago, 1_000);
        }
        assert!(cost.nanos_a_poll.get() > 900_000, "{}", cost.nanos_a_poll.get());
        // Also from nothing.
        cost.nanos_a_poll.set(0);
        for _ in 0..60 {
            cost.measure(long_ago, 1_000);
        }
        assert!(cost.nanos_a_poll.get() > 900_000, "{}", cost.nanos_a_poll.get());
    }
}
