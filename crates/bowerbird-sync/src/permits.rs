//! Permits that are taken and given back, first come, first served: what locks, semaphores and bounded channels
//! are made of.
//!
//! One word holds the number of free permits, whether somebody waits, and whether all is closed.
//!
//! ```text
//!            no waiter                                waiters in the list
//!   take: compare-and-swap of the word         take: join the list (no barging)
//!   give: compare-and-swap of the word         give: under the lock, hand over to the first
//! ```
//!
//! While `WAITED` is set, only the holder of the lock changes the number: a taker that sees it joins the list
//! and a giver that sees it takes the lock. A giver hands permits to the first waiter as soon as there are
//! enough for it, and stops there: who wants many is not overtaken by who wants few. A permit that was
//! handed over belongs to the waiter, polled or not; one that is dropped gives it on.
//!
//! # Ordering arguments
//! - `[ORD-1]` Giving is a read-modify-write with Release, taking one with Acquire: what the last holder did is
//!   seen by the next (loom test `holder_sees_what_the_one_before_did`). A hand-over goes through the lock,
//!   which orders it. A wait that is dropped gives on what it was handed in the same way (loom test
//!   `holder_sees_what_a_dropped_wait_did`).
//! - `[ORD-3]` While `WAITED` is set, only the lock's holder writes the word, so a load and a plain store under the lock
//!   will do. The load is Relaxed: who set `WAITED` did so under the lock, by a read-modify-write that acquired what
//!   earlier givers released, and the lock hands it on. The store is a Release, so that a permit which an earlier giver
//!   released carries that giver's memory along to who takes it without the lock (loom test
//!   `holder_sees_a_giver_from_before_the_hand_over`).
//! - `[ORD-2]` The word is looked at with Relaxed before a compare-and-swap that decides, and where only a number
//!   or a flag is told to the user; `CLOSED` and `WAITED` say nothing of other memory.

use std::task::{Context, Poll};

use bowerbird_base::ledger::{Line, Spot};
use bowerbird_base::sync::SpinLock;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};

use crate::wait_list::{Called, Key, WaitList, poll_called};

/// The most permits that can be free at a time.
pub(crate) const MOST: usize = usize::MAX >> SHIFT;

const CLOSED: usize = 1;
const WAITED: usize = 2;
const SHIFT: u32 = 2;

/// A number of permits, and who waits for how many.
pub(crate) struct Permits {
    word: AtomicUsize,
    waits: SpinLock<WaitList<Need>>,
}

/// What a wait wants, or got.
struct Need {
    count: usize,
    was_closed: bool,
    line: Line,
}

/// Why permits were not given at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Too few are free, or others wait.
    NotFree,
    Closed,
}

/// The permits were closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Permits {
    bowerbird_base::const_fn! {
        /// `free` permits, of [`MOST`] at most; the public types check that.
        pub(crate) fn new(free: usize) -> Self {
            assert!(free <= MOST);
            Self { word: AtomicUsize::new(free << SHIFT), waits: SpinLock::new(WaitList::new()) }
        }
    }

    /// How many are free.
    pub(crate) fn free(&self) -> usize {
        // [ORD-2]
        self.word.load(Ordering::Relaxed) >> SHIFT
    }

    pub(crate) fn is_closed(&self) -> bool {
        // [ORD-2]
        self.word.load(Ordering::Relaxed) & CLOSED != 0
    }

    /// Returns whether somebody waits who has not been served.
    pub(crate) fn is_waited_for(&self) -> bool {
        // [ORD-2]
        self.word.load(Ordering::Relaxed) & WAITED != 0
    }

    /// How many wait and have not been served.
    pub(crate) fn waiting(&self) -> usize {
        if self.is_waited_for() { self.waits.lock().len() } else { 0 }
    }

    /// As [`waiting`](Self::waiting), but never blocks: `None` while somebody is at the list.
    pub(crate) fn try_waiting(&self) -> Option<usize> {
        if self.is_waited_for() { self.waits.try_lock().map(|waits| waits.len()) } else { Some(0) }
    }

    /// Takes `count`, if so many are free and nobody waits.
    #[inline]
    pub(crate) fn try_take(&self, count: usize) -> Result<(), Refused> {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Refused::Closed);
            }
            if word & WAITED != 0 || word >> SHIFT < count {
                return Err(Refused::NotFree);
            }
            let taken = word - (count << SHIFT);
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(word, taken, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
        }
    }

    /// Takes `count`, if so many are free, also before those who wait: for who holds something already.
    pub(crate) fn try_take_first(&self, count: usize) -> Result<(), Refused> {
        let _waits = self.waits.lock();
        let mut outcome = Ok(());
        self.change(|word| {
            outcome = match word {
                _ if word & CLOSED != 0 => Err(Refused::Closed),
                _ if word >> SHIFT < count => Err(Refused::NotFree),
                _ => Ok(()),
            };
            if outcome.is_ok() { word - (count << SHIFT) } else { word }
        });
        outcome
    }

    /// Takes up to `most` of those that are free, and says how many: for `forget` and `drain`.
    pub(crate) fn take_up_to(&self, most: usize) -> usize {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & WAITED != 0 {
                break;
            }
            let taken = most.min(word >> SHIFT);
            let left = word - (taken << SHIFT);
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(word, left, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return taken,
                Err(now) => word = now,
            }
        }
        let _waits = self.waits.lock();
        let mut taken = 0;
        self.change(|word| {
            taken = most.min(word >> SHIFT);
            word - (taken << SHIFT)
        });
        taken
    }

    /// Gives `count` back. `false`, with nothing changed: more than `limit` would be free.
    #[inline]
    pub(crate) fn try_give(&self, count: usize, limit: usize) -> bool {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITED == 0 {
            if limit - (word >> SHIFT).min(limit) < count {
                return false;
            }
            let given = word + (count << SHIFT);
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(word, given, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        self.give_to_waiters(count, limit)
    }

    /// Gives `count` back that were taken before.
    #[inline]
    pub(crate) fn give(&self, count: usize) {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITED == 0 {
            debug_assert!(MOST - (word >> SHIFT) >= count, "more permits given than there can be");
            let given = word + (count << SHIFT);
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(word, given, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.give_to_waiters(count, MOST);
    }

    #[cold]
    fn give_to_waiters(&self, count: usize, limit: usize) -> bool {
        let mut waits = self.waits.lock();
        let free = self.free();
        // If nobody waits any more, takers and givers come by beside this: it begins anew.
        if waits.is_empty() {
            drop(waits);
            return self.try_give(count, limit);
        }
        let fits = limit - free.min(limit) >= count;
        let called = self.serve(&mut waits, if fits { count } else { 0 });
        drop(waits);
        called.wake();
        fits
    }

    /// Refuses all that wait and all that come. Permits that were taken may still be given back.
    pub(crate) fn close(&self) {
        let mut waits = self.waits.lock();
        self.change(|word| (word | CLOSED) & !WAITED);
        let wakers = waits.call_all(|need| need.was_closed = true);
        drop(waits);
        bowerbird_base::wake_all::wake_all(wakers);
    }

    /// Changes the word under the lock. Without a waiter takers and givers still come by beside it.
    fn change(&self, mut new: impl FnMut(usize) -> usize) {
        // [ORD-1] Both: it may take as well as give.
        let _changed =
            self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| Some(new(word)));
    }

    /// Hands free permits, and `given` more, to those that wait, in their order, for as long as there are enough for the
    /// first. Only under the lock.
    fn serve(&self, waits: &mut WaitList<Need>, given: usize) -> Called {
        let mut called = Called::default();
        // [ORD-3]
        let word = self.word.load(Ordering::Relaxed);
        if word & WAITED == 0 {
            // Nobody waits.
            self.change(|word| word + (given.min(MOST - (word >> SHIFT)) << SHIFT));
            return called;
        }
        // A wait that gives on what it was handed had to make room for those that were added since.
        let mut free = ((word >> SHIFT) + given).min(MOST);
        while let Some(need) = waits.front() {
            if need.count > free {
                break;
            }
            free -= need.count;
            if let Some((waker, need)) = waits.call_front() {
                // Nothing, but in debug mode, where it takes the ledger's lock in this one.
                need.line.hand();
                called.push(waker);
            }
        }
        let waited = if waits.is_empty() { 0 } else { WAITED };
        // [ORD-3] While `WAITED` is set, nobody else writes the word.
        self.word.store(free << SHIFT | (word & CLOSED) | waited, Ordering::Release);
        called
    }

    /// One poll of a wait for `count`, which the ledger knows by `spot`. `key` is the wait's own: `None` until it is
    /// first suspended, and again after `Ready`.
    #[inline]
    pub(crate) fn poll_take(
        &self,
        key: &mut Option<Key>,
        count: usize,
        spot: Spot,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        match key {
            None => match self.try_take(count) {
                Ok(()) => Poll::Ready(Ok(())),
                Err(Refused::Closed) => Poll::Ready(Err(Closed)),
                Err(Refused::NotFree) => self.join_list(key, count, spot, cx, Place::Back),
            },
            Some(_) => self.poll_again(key, cx),
        }
    }

    /// As [`poll_take`](Self::poll_take), but before all who wait: for who holds something already.
    pub(crate) fn poll_take_first(
        &self,
        key: &mut Option<Key>,
        count: usize,
        spot: Spot,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Closed>> {
        match key {
            None => self.join_list(key, count, spot, cx, Place::Front),
            Some(_) => self.poll_again(key, cx),
        }
    }

    #[cold]
    fn join_list(
        &self,
        key: &mut Option<Key>,
        count: usize,
        spot: Spot,
        cx: &mut Context<'_>,
        place: Place,
    ) -> Poll<Result<(), Closed>> {
        // Made before the lock; what is not put into the list is dropped after it.
        let line = spot.wait();
        let mut wait = Some((cx.waker().clone(), Need { count, was_closed: false, line }));
        let mut waits = self.waits.lock();
        let may_pass = place == Place::Front || waits.is_empty();
        if !may_pass {
            // Whoever waits is in the list as long as the permits are not closed.
            *key = wait.take().map(|(waker, need)| waits.push_back(waker, need));
            return Poll::Pending;
        }
        let mut outcome = Poll::Pending;
        self.change(|word| {
            if word & CLOSED != 0 {
                outcome = Poll::Ready(Err(Closed));
                word
            } else if may_pass && word >> SHIFT >= count {
                outcome = Poll::Ready(Ok(()));
                word - (count << SHIFT)
            } else {
                outcome = Poll::Pending;
                word | WAITED
            }
        });
        if let Some((waker, need)) = wait.take_if(|_| outcome.is_pending()) {
            *key = Some(match place {
                Place::Back => waits.push_back(waker, need),
                Place::Front => waits.push_front(waker, need),
            });
        }
        drop(waits);
        outcome
    }

    #[inline]
    fn poll_again(&self, key: &mut Option<Key>, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        poll_called(|| self.waits.lock(), key, cx.waker())
            .map(|need| if need.was_closed { Err(Closed) } else { Ok(()) })
    }

    /// Gives up a wait: what it was handed goes to the next.
    #[cold]
    pub(crate) fn leave(&self, key: Key) {
        let mut waits = self.waits.lock();
        let left = waits.remove(key);
        let was_handed = left.was_called() && !left.data.was_closed;
        // Also who did not get anything may have stood before one that wants less.
        let called = self.serve(&mut waits, if was_handed { left.data.count } else { 0 });
        drop(waits);
        // Before the waker goes, whose destructor may panic.
        called.wake();
        drop(left);
    }
}

/// Where a wait stands among the others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Back,
    Front,
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
