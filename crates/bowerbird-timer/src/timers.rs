//! All timers of one runtime: its wheels and its clock.
//!
//! # Ordering arguments
//! - `[ORD-1]` Each wheel's earliest deadline is published beside its lock, written under it, Relaxed: it
//!   answers [`Timers::is_due`] and [`Timers::may_have_deadline`], where a stale answer only means a later turn.
//!   Whoever goes to sleep on an answer asks [`Timers::next_deadline`], which takes the lock: a waiter that
//!   first says that it is going to wait and then asks, and an insertion that first inserts and then looks who
//!   waits, cannot miss each other, because one of the two sections comes after the other. Reading the
//!   published value there instead loses the insertion (loom test
//!   `earlier_insertion_reaches_a_waiter_that_parks`).

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::{Duration, Instant};

use bowerbird_base::cache_line::CacheLine;
use bowerbird_base::clock::{Clock, far_future};
use bowerbird_base::sync::SpinLock;
use bowerbird_base::sync::atomic::{AtomicU64, Ordering};

use crate::current;
use crate::entry::Key;
use crate::expire;
use crate::wheel::{Inserted, NEVER_NS, Wheel};

/// The wheels of one runtime and its clock.
///
/// There is one wheel for each worker, and at [`Timers::shared_index`] one for all other threads.
pub struct Timers {
    id: u32,
    clock: Arc<Clock>,
    /// The zero of the wheels' nanoseconds.
    origin: Instant,
    wheels: Box<[CacheLine<LockedWheel>]>,
    on_earlier: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) wheel: usize,
    pub(crate) key: Key,
}

/// What an attempt to have an entry came to.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) outcome: Inserted,
    pub(crate) wheel: usize,
    pub(crate) deadline_ns: u64,
    /// The shared wheel's earliest deadline became earlier: `notify_earlier` is owed.
    pub(crate) is_earlier: bool,
}

/// What a sleep that looks after its entry finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Pending, with a waker that wakes the same task; with its deadline in nanoseconds.
    Same(u64),
    /// Pending, with a waker that wakes another task; with its deadline in nanoseconds.
    Other(u64),
    /// Fired.
    Fired,
    /// Neither fired nor ever to be.
    ShutDown,
}

impl Timers {
    /// Makes the timers of a runtime with that many workers: `worker_count + 1` wheels.
    pub fn new(worker_count: usize, clock: Arc<Clock>) -> Arc<Self> {
        let origin = clock.now();
        let wheels = (0..=worker_count).map(|_| CacheLine(LockedWheel::new())).collect();
        let id = current::new_id();
        let timers = Arc::new(Self { id, clock, origin, wheels, on_earlier: OnceLock::new() });
        current::announce(&timers);
        timers
    }

    /// The clock that all these timers follow.
    pub fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }

    /// The index of the wheel of all threads that are no workers.
    pub fn shared_index(&self) -> usize {
        self.wheels.len() - 1
    }

    /// When these timers were made. What a sleep notes as its wait's object
    /// ([`note_wait`](bowerbird_base::poll_context::note_wait)) is its deadline in nanoseconds since then.
    pub fn origin(&self) -> Instant {
        self.origin
    }

    /// Sets what is called, without any lock, when an insertion made the earliest deadline of the
    /// **shared** wheel earlier. Whoever waits for that wheel then asks [`Timers::next_deadline`] again.
    ///
    /// # Panics
    /// If it has been set before.
    pub fn set_on_earlier(&self, f: Box<dyn Fn() + Send + Sync>) {
        assert!(self.on_earlier.set(f).is_ok(), "set_on_earlier() was called twice; call it once");
    }

    /// Wakes everything in `wheel` that is due at `now`, in the order of the deadlines, equal deadlines in
    /// the order of their insertion; returns how many.
    ///
    /// Any thread may fire any wheel. The wakers are called after the lock has been given back. One that
    /// panics does not keep the others from being called, and its panic goes no further: the panic hook
    /// has reported it.
    pub fn fire(&self, wheel: usize, now: Instant) -> usize {
        if !self.is_due(wheel, now) {
            return 0;
        }
        expire::fire(&self.wheels[wheel], self.nanos(now))
    }

    /// Gives the earliest deadline of a wheel, for whoever is about to park.
    ///
    /// Exact as long as the earliest sleep is not dropped. After that it is looked for again: exact too,
    /// unless more than 128 sleeps share the coarse slot that holds the earliest; then a time before them.
    pub fn next_deadline(&self, wheel: usize) -> Option<Instant> {
        let earliest_ns = self.wheels[wheel].with(|wheel| {
            wheel.settle();
            wheel.earliest_ns()
        });
        let instant = || far_future(self.origin, Duration::from_nanos(earliest_ns));
        (earliest_ns != NEVER_NS).then(instant)
    }

    /// Returns whether [`Timers::fire`] may find something: one load, no lock.
    #[inline]
    pub fn is_due(&self, wheel: usize, now: Instant) -> bool {
        // [ORD-1]
        let earliest_ns = self.wheels[wheel].earliest_ns.load(Ordering::Relaxed);
        earliest_ns != NEVER_NS && earliest_ns <= self.nanos(now)
    }

    /// Returns whether a wheel may have a deadline: one load, no lock. For turns, as [`is_due`](Self::is_due); who is
    /// about to park asks [`next_deadline`](Self::next_deadline).
    #[inline]
    pub fn may_have_deadline(&self, wheel: usize) -> bool {
        // [ORD-1]
        self.wheels[wheel].earliest_ns.load(Ordering::Relaxed) != NEVER_NS
    }

    /// How many sleeps are pending, in all wheels.
    pub fn pending_count(&self) -> usize {
        self.wheels.iter().map(|wheel| wheel.with(|wheel| wheel.len())).sum()
    }

    /// Drops all entries without waking anybody; sleeps that are polled later never fire.
    pub fn shut_down(&self) {
        for wheel in &self.wheels {
            expire::drop_each(wheel.with(Wheel::shut_down));
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// Nanoseconds since the origin: zero before it, and the last deadline of all after 584 years.
    #[inline]
    fn nanos(&self, instant: Instant) -> u64 {
        let since = instant.saturating_duration_since(self.origin);
        let nanos = since.as_secs().saturating_mul(1_000_000_000);
        nanos.saturating_add(u64::from(since.subsec_nanos())).min(NEVER_NS - 1)
    }

    /// Inserts a deadline that no turn has gone past.
    #[inline]
    pub(crate) fn insert(&self, wheel: usize, deadline: Instant, waker: Waker) -> Attempt {
        let deadline_ns = self.nanos(deadline);
        let (outcome, is_earlier) = self.change(wheel, |wheel| wheel.insert(deadline_ns, waker));
        Attempt { outcome, wheel, deadline_ns, is_earlier }
    }

    /// Takes an entry out; the caller drops the waker.
    #[inline]
    pub(crate) fn remove(&self, place: Place) -> Option<Waker> {
        self.wheels[place.wheel].with(|wheel| wheel.remove(place.key))
    }

    /// Looks after an entry.
    pub(crate) fn look(&self, place: Place, waker: &Waker) -> Found {
        self.wheels[place.wheel].with(|wheel| match wheel.pending(place.key) {
            Some((deadline_ns, stored)) if stored.will_wake(waker) => Found::Same(deadline_ns),
            Some((deadline_ns, _)) => Found::Other(deadline_ns),
            None if wheel.is_shut_down() => Found::ShutDown,
            None => Found::Fired,
        })
    }

    /// Puts another waker into an entry.
    ///
    /// # Errors
    /// The waker, if the entry is gone. Either way the caller drops what it gets.
    pub(crate) fn replace_waker(&self, place: Place, waker: Waker) -> Result<Waker, Waker> {
        self.wheels[place.wheel].with(|wheel| match wheel.waker_mut(place.key) {
            Some(stored) => Ok(std::mem::replace(stored, waker)),
            None => Err(waker),
        })
    }

    /// Gives a pending entry another deadline; `None` if it is gone.
    ///
    /// It stays in its wheel if that is the caller's own, or if the deadline becomes later: whoever waits
    /// for that wheel wakes early enough. Otherwise it moves to the caller's wheel, whose thread is awake.
    pub(crate) fn reschedule(
        &self,
        place: Place,
        home: usize,
        deadline: Instant,
    ) -> Option<Attempt> {
        let deadline_ns = self.nanos(deadline);
        let (moved, is_earlier) = self.change(place.wheel, |wheel| {
            let old_ns = wheel.deadline_ns(place.key)?;
            if place.wheel == home || deadline_ns >= old_ns {
                return wheel.reschedule(place.key, deadline_ns).map(Ok);
            }
            wheel.remove(place.key).map(Err)
        });
        let (outcome, wheel, is_earlier) = match moved? {
            Ok(key) => (Inserted::Pending(key), place.wheel, is_earlier),
            Err(waker) => {
                let (outcome, is_earlier) =
                    self.change(home, |wheel| wheel.insert_any(deadline_ns, waker));
                (outcome, home, is_earlier)
            }
        };
        Some(Attempt { outcome, wheel, deadline_ns, is_earlier })
    }

    /// Tells whoever waits for the shared wheel, as an [`Attempt`] asks.
    pub(crate) fn notify_earlier(&self) {
        if let Some(f) = self.on_earlier.get() {
            f();
        }
    }

    /// Changes a wheel; says whether it is the shared one and its earliest deadline became earlier.
    #[inline]
    fn change<T>(&self, index: usize, f: impl FnOnce(&mut Wheel) -> T) -> (T, bool) {
        self.wheels[index].with(|wheel| {
            let before_ns = wheel.earliest_ns();
            let result = f(wheel);
            (result, wheel.earliest_ns() < before_ns && index == self.shared_index())
        })
    }
}

impl Drop for Timers {
    fn drop(&mut self) {
        current::withdraw(self.id);
        self.shut_down();
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("wheels", &self.wheels.len())
            .field("pending", &self.pending_count())
            .finish_non_exhaustive()
    }
}

/// A wheel behind its lock, and its earliest deadline beside it.
pub(crate) struct LockedWheel {
    wheel: SpinLock<Wheel>,
    earliest_ns: AtomicU64,
}

impl LockedWheel {
    pub(crate) fn new() -> Self {
        Self { wheel: SpinLock::new(Wheel::new()), earliest_ns: AtomicU64::new(NEVER_NS) }
    }

    /// Calls `f` with the wheel and publishes what it did to the earliest deadline.
    #[inline]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Wheel) -> R) -> R {
        let mut wheel = self.wheel.lock();
        let before_ns = wheel.earliest_ns();
        let result = f(&mut wheel);
        let earliest_ns = wheel.earliest_ns();
        if earliest_ns != before_ns {
            // [ORD-1]
            self.earliest_ns.store(earliest_ns, Ordering::Relaxed);
        }
        result
    }
}

#[cfg(test)]
bowerbird_base::model_or_real! { { mod loom_tests; } { mod tests; } }
