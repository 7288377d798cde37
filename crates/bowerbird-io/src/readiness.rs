//! The readiness of one direction (reading or writing) of one source: one word.
//!
//! # Picture
//! ```text
//!                      1 set (an event)
//!   UNKNOWN ------------------------------> READY --.
//!      |                                    ^  |  ^  | 1 set: tick + 1
//!      | 2 clear (WouldBlock)        1 set  |  |  '--'
//!      v                                    |  v 2 clear, only if the tick is still the one seen
//!   NOT READY ----------------------------->'  NOT READY
//!      |
//!      '-- 3 announce: WAITERS set; the next 1 takes it and wakes the list
//! ```
//! A new source is `UNKNOWN`: an operation tries its system call, a wait waits for the first event.
//!
//! # Bits
//! - `READY` an operation may succeed. Set by 1, cleared by 2.
//! - `URGENT` out-of-band data may be read. As `READY`; only in the word of the reading side.
//! - `FAULT` an event showed an error or the end of both directions. As `READY`, for those who wait for errors;
//!   only in the word of the reading side.
//! - `UNKNOWN` nobody has looked yet. Set at birth, cleared by 2.
//! - `PRIORITY` an event showed out-of-band data. Set by 1, cleared by a 2 that asks for `URGENT`.
//! - `CLOSED` an event showed the end of this direction. Set by 1, never cleared: two threads may apply two
//!   events of a source in the wrong order, and the older one must not take the end of stream back.
//! - `ERROR` an event showed an error. Set by 1, cleared by 2 together with `READY`.
//! - `SHUT_DOWN` the driver has ended: whoever would wait gets an error. Set by 1, never cleared.
//! - `WAITERS` the list of waiters holds somebody for this word. Set by 3, cleared by 1.
//! - The other 55 bits: the tick, the number of events so far. At one event every nanosecond it takes a year
//!   to come round, so an equal tick means that there was no event in between.
//!
//! No reference count: the registry and the registration share the source through an `Arc`.
//!
//! # Table
//! | # | method | from | to | caller | verdict | ordering |
//! |---|---|---|---|---|---|---|
//! | 1 | `set` | any | flags added, tick + 1, no `WAITERS` | dispatch, shutdown | the word before | `[ORD-1]` |
//! | 2 | `clear` | tick as seen | flags removed | the reader or writer after `WouldBlock` | whether it did | `[ORD-2]` |
//! | 2 | `clear` | another tick | unchanged | the same | false | `[ORD-2]` |
//! | 3 | `announce` | any | `WAITERS` | a waiter that holds the list's lock | none: `load` follows | `[ORD-3]` |
//! | - | `load` | any | unchanged | everybody, before a system call | the word | `[ORD-1]` |
//!
//! # Field access
//! There is one field. What it guards is in the kernel: data that an event announces.
//!
//! # Ordering arguments
//! - `[ORD-1]` Whoever reads a tick by `load` and then makes its system call must find in the kernel all
//!   that the events up to this tick announced: else it meets `WouldBlock`, clears with a tick that is
//!   newer than what it saw, and the readiness is lost. So `set` releases and `load` acquires; the
//!   read-modify-writes 2 and 3 in between continue the release sequence. Weaker: loom test
//!   `event_during_clear_is_kept`.
//! - `[ORD-2]` `clear` publishes nothing: Relaxed. That it removes only what it has seen is the work of the
//!   compare-and-swap and the tick. Without the tick: loom test `event_during_clear_is_kept`.
//! - `[ORD-3]` 1 and 3 are read-modify-writes of one word, so one of them comes first: either `set` sees
//!   `WAITERS` and takes the list's lock, which orders the list; or `announce` reads what `set` wrote, and
//!   the waiter's `load` after it, of the same word, reads that or something newer. Both need no more than
//!   Relaxed. A load and a store instead of the read-modify-write: loom test `waiter_during_event_is_woken`.

use bowerbird_base::sync::atomic::{AtomicU64, Ordering};

pub(crate) const READY: u64 = 1;
pub(crate) const URGENT: u64 = 1 << 1;
pub(crate) const UNKNOWN: u64 = 1 << 2;
pub(crate) const PRIORITY: u64 = 1 << 3;
pub(crate) const CLOSED: u64 = 1 << 4;
pub(crate) const ERROR: u64 = 1 << 5;
pub(crate) const SHUT_DOWN: u64 = 1 << 6;
pub(crate) const FAULT: u64 = 1 << 7;
const WAITERS: u64 = 1 << 8;
const TICK: u64 = 1 << 9;

/// The readiness of one direction of one source.
#[derive(Debug)]
pub(crate) struct Readiness(AtomicU64);

/// What the word held at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    /// Returns whether any of `flags` is set.
    pub(crate) fn has(self, flags: u64) -> bool {
        self.0 & flags != 0
    }

    pub(crate) fn has_waiters(self) -> bool {
        self.has(WAITERS)
    }

    fn tick(self) -> u64 {
        self.0 / TICK
    }
}

impl Readiness {
    pub(crate) fn new() -> Self {
        Self(AtomicU64::new(UNKNOWN))
    }

    /// Reads the word; do it before the system call whose `WouldBlock` may lead to a `clear`.
    #[inline]
    pub(crate) fn load(&self) -> Snapshot {
        // [ORD-1]
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Edge 1: notes an event and gives the word before it.
    #[inline]
    #[must_use = "waiters may have to be woken"]
    pub(crate) fn set(&self, flags: u64) -> Snapshot {
        debug_assert_eq!(
            flags & !(READY | URGENT | FAULT | PRIORITY | CLOSED | ERROR | SHUT_DOWN),
            0
        );
        // [ORD-1]
        self.update(Ordering::Release, |word| {
            Some(((word.0 | flags) & !WAITERS).wrapping_add(TICK))
        })
        .unwrap_or_else(|unchanged| unchanged)
    }

    /// Edge 2: removes `flags` unless there was an event since `seen`.
    #[inline]
    pub(crate) fn clear(&self, seen: Snapshot, flags: u64) -> bool {
        debug_assert_eq!(flags & !(READY | URGENT | FAULT | UNKNOWN | PRIORITY | ERROR), 0);
        // [ORD-2]
        let cleared = self.update(Ordering::Relaxed, |word| {
            (word.tick() == seen.tick()).then_some(word.0 & !flags)
        });
        cleared.is_ok()
    }

    /// Edge 3: says that the list of waiters holds somebody. The event may have come already: `load` again.
    #[inline]
    pub(crate) fn announce(&self) {
        // [ORD-3]
        self.0.fetch_or(WAITERS, Ordering::Relaxed);
    }

    /// The one compare-and-swap loop: gives the word before, or the word that `f` refused.
    #[inline]
    fn update(
        &self,
        order: Ordering,
        f: impl Fn(Snapshot) -> Option<u64>,
    ) -> Result<Snapshot, Snapshot> {
        // [ORD-2] Also for edge 1: its first guess needs no order, the exchange below has it.
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let Some(next) = f(Snapshot(word)) else { return Err(Snapshot(word)) };
            // [ORD-1] [ORD-2] `order` is Release for edge 1 and Relaxed for edge 2.
            match self.0.compare_exchange_weak(word, next, order, Ordering::Relaxed) {
                Ok(_) => return Ok(Snapshot(word)),
                Err(newer) => word = newer,
            }
        }
    }
}

#[cfg(test)]
mod tests;
