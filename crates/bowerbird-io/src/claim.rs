//! Who waits on a poller, and how it is woken without an event.
//!
//! # Picture
//! ```text
//!            1 try_claim                2 is_notified? no: block in the system's wait
//!   FREE -----------------> CLAIMED ----------------------------------------.
//!    |  ^                    |   ^                                           |
//!    |  '--- 3 release ------'   '-------------------------------------------'
//!    | 4 notify               | 4 notify: ring the eventfd
//!    v                        v
//!   FREE + NOTIFIED -- 1 --> CLAIMED + NOTIFIED -- 3 release: it was notified --> FREE
//!                             |         ^
//!                             '- 5 a drainer has taken the ring: ring again
//! ```
//! The eventfd is registered edge-triggered and never read: each write to it is one event for whoever
//! harvests next. That may be a drainer, which has no use for it; hence edge 5.
//!
//! # Bits
//! - `CLAIMED` a thread is the only waiter of this poller. Set by 1, cleared by 3.
//! - `NOTIFIED` the waiter, or the next one, has to come back at once. Set by 4, cleared by 3. So a
//!   notification sticks until a waiter has come back.
//!
//! # Table
//! | # | method | from | to | caller | verdict | ordering |
//! |---|---|---|---|---|---|---|
//! | 1 | `try_claim` | not `CLAIMED` | `CLAIMED` | who would park | whether it did | `[ORD-2]` |
//! | 2 | `is_notified` | `CLAIMED` | unchanged | the claimant, before it blocks | do not block | `[ORD-2]` |
//! | 3 | `release` | `CLAIMED` | neither | the claimant, after it came back | was it notified | `[ORD-1]` |
//! | 4 | `notify` | any | `NOTIFIED` | anybody | ring the eventfd | `[ORD-1]` |
//! | 5 | `must_ring_again` | any | unchanged | a drainer that harvested a ring | ring the eventfd | `[ORD-2]` |
//!
//! # Field access
//! There is one field; it guards what the notifier wrote before.
//!
//! # Ordering arguments
//! - `[ORD-1]` All changes are read-modify-writes of one word. *No notification is lost:* if 4 comes before
//!   1, then 2 sees it. If 4 comes between 1 and 3, it finds `CLAIMED` and rings: the ring ends the wait, or
//!   is harvested by a drainer, which then finds both bits (the claimant has not come back) and rings
//!   again, or finds that it has. A notifier that finds `NOTIFIED` leaves the ringing to the one that set
//!   it: the waiter that this one wakes clears the bit by 3 and so acquires what both wrote. *What the
//!   notifier wrote is seen:* 4 releases, 3 acquires. Weaker, or without 5: loom tests
//!   `notify_reaches_the_waiter_past_a_drainer` and `what_was_written_before_notify_is_seen`.
//! - `[ORD-2]` Relaxed. A claim guards nothing: pollers are shared. 2 reads the word after the claimant's own
//!   1, so it reads that or something newer. 5 comes after the harvest of a ring, which the locks of the
//!   kernel order after the notifier's 4. Without these looks: the same loom tests, and
//!   `two_claimants_never_both_succeed` if 1 were a load and a store.
//!
//! A ring that comes late (its waiter has come back by itself) ends the next wait once, for nothing.

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};

const CLAIMED: usize = 1;
const NOTIFIED: usize = 2;

/// The claim on one poller.
#[derive(Debug)]
pub(crate) struct Claim(AtomicUsize);

impl Claim {
    pub(crate) fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Edge 1: becomes the only waiter.
    #[must_use]
    pub(crate) fn try_claim(&self) -> bool {
        // [ORD-2] A look first, so that who fails does not take the cache line.
        self.0.load(Ordering::Relaxed) & CLAIMED == 0
            // [ORD-2]
            && self.0.fetch_or(CLAIMED, Ordering::Relaxed) & CLAIMED == 0
    }

    pub(crate) fn is_claimed(&self) -> bool {
        // [ORD-2] A hint for others; the claimant itself knows.
        self.0.load(Ordering::Relaxed) & CLAIMED != 0
    }

    /// Edge 2: tells the claimant not to block.
    #[must_use]
    pub(crate) fn is_notified(&self) -> bool {
        // [ORD-2] At least as new as the claimant's own edge 1.
        self.0.load(Ordering::Relaxed) & NOTIFIED != 0
    }

    /// Edge 3: gives the claim back and says whether there was a notification.
    pub(crate) fn release(&self) -> bool {
        // [ORD-1]
        let before = self.0.fetch_and(!(CLAIMED | NOTIFIED), Ordering::AcqRel);
        debug_assert_ne!(before & CLAIMED, 0, "released a poller that was not claimed");
        before & NOTIFIED != 0
    }

    /// Edge 4: notifies; `true` means that the eventfd has to be rung.
    #[must_use]
    pub(crate) fn notify(&self) -> bool {
        // [ORD-1]
        self.0.fetch_or(NOTIFIED, Ordering::AcqRel) & (CLAIMED | NOTIFIED) == CLAIMED
    }

    /// Edge 5: asks, after a ring was harvested by somebody else, whether it was meant for the waiter.
    #[must_use]
    pub(crate) fn must_ring_again(&self) -> bool {
        // [ORD-2]
        self.0.load(Ordering::Relaxed) & (CLAIMED | NOTIFIED) == CLAIMED | NOTIFIED
    }
}

#[cfg(test)]
mod tests;
