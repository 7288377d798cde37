//! At most one stored notification, and who waits for one: what stands under `Notify` and `AutoResetEvent`.
//!
//! ```text
//!                nobody waits                          waiters in the list
//!   notify one:  compare-and-swap: STORED       under the lock: call the first, or the last
//!   notify all:  under the lock: next turn      under the lock: next turn, take the list or call all
//!   wait:        takes STORED, or joins         joins the list
//! ```
//!
//! One word holds `STORED`, `WAITED` and the *turn*, the number of calls of notify-all. `WAITED` is set exactly
//! while the list has a wait that was not called; it is changed under the lock only, and never stands beside
//! `STORED`. A wait remembers the turn of the moment it was made, so that a notify-all in between reaches it even
//! if it was never polled.
//!
//! A wait that was called by notify-one owns that notification: dropped unpolled, it gives it to the next. One that
//! was called by notify-all owns nothing.
//!
//! So notify-all takes the whole list out, unless somebody in it was called by notify-one and has not looked: then that
//! one must still find its entry, and all are called in their places. `released` counts the lists that were taken
//! out; a wait that sees another number than that of the moment when it joined is over, without a look at the lock,
//! and its key is void.
//!
//! # Ordering arguments
//! - `[ORD-1]` Whoever notifies does so by a read-modify-write with Release, whoever takes reads with Acquire: what
//!   was done before the notification is seen by who goes on (loom tests `taker_sees_what_came_before_it`,
//!   `who_was_told_of_a_turn_sees_what_came_before_it`). Notifying what is stored already is a read-modify-write
//!   too, from `STORED` to `STORED`: else what the second notifier did is not seen (loom test
//!   `second_notifier_is_seen_as_well`). A wait that was called is told under the lock, which orders it. Who has the lock
//!   and finds nobody to call stores the notification as any other does: who takes it need not come by the lock (loom
//!   test `notifier_that_finds_the_list_empty_is_seen`).
//! - `[ORD-3]` While `WAITED` is set, only the lock's holder writes the word, so a load and a plain store under the lock
//!   will do, and the lock orders them. The store is a Release for those who look without the lock: it carries on what
//!   the notify-all before it did (loom test `word_that_is_stored_carries_the_turn_on`).
//! - `[ORD-4]` `released` is counted before the turn is, and read after it without the lock: the Release and Acquire of
//!   the turn order the two, so that who sees the new turn sees the new number (loom test
//!   `who_waits_in_the_list_sees_what_came_before_the_turn`). Under the lock it is exact. Relaxed.
//! - `[ORD-2]` `WAITED` and a turn that is only remembered say nothing of other memory: Relaxed. That who makes a
//!   wait after a notify-all sees its turn, or a later one, is coherence. Under the lock the turn is Relaxed too: it is
//!   counted under the lock, which orders it. Only what is stored may have come by beside it.

use std::task::{Poll, Waker};

use bowerbird_base::const_fn;
use bowerbird_base::sync::SpinLock;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::wake_all::{wake, wake_all};

use crate::wait_list::{Key, Stand, WaitList};

const STORED: usize = 1;
const WAITED: usize = 2;
/// One notify-all in the word.
const TURN: usize = 4;

pub(crate) struct Signal {
    word: AtomicUsize,
    /// How many lists notify-all has taken out.
    released: AtomicUsize,
    waits: SpinLock<WaitList<Call>>,
}

/// Which end of the list a notification goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    First,
    Last,
}

/// What a wait was called by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    NotYet,
    One(End),
    All,
}

/// One wait for a [`Signal`]; [`Signal::leave`] is its end, if it is not polled to one.
#[derive(Debug)]
pub(crate) struct SignalWait {
    turn: usize,
    /// What [`Signal::released`] was when it joined the list.
    released: usize,
    key: Option<Key>,
    is_done: bool,
}

impl Signal {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self {
                word: AtomicUsize::new(0),
                released: AtomicUsize::new(0),
                waits: SpinLock::new(WaitList::new()),
            }
        }
    }

    /// Makes a wait. Every notify-all from here on ends it.
    #[inline]
    pub(crate) fn wait(&self) -> SignalWait {
        // [ORD-2]
        let word = self.word.load(Ordering::Relaxed);
        SignalWait { turn: turn_of(word), released: 0, key: None, is_done: false }
    }

    pub(crate) fn is_stored(&self) -> bool {
        // [ORD-1]
        self.word.load(Ordering::Acquire) & STORED != 0
    }

    /// How many wait and have not been called.
    pub(crate) fn waiting(&self) -> usize {
        self.waits.lock().len()
    }

    /// Calls one wait, or stores the notification.
    #[inline]
    pub(crate) fn notify_one(&self, end: End) {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        while word & WAITED == 0 {
            let stored = word | STORED;
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(
                word,
                stored,
                Ordering::Release,
                Ordering::Relaxed,
            ) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        self.notify_waiting(end);
    }

    #[cold]
    fn notify_waiting(&self, end: End) {
        let mut waits = self.waits.lock();
        let waker = self.call(&mut waits, end);
        drop(waits);
        if let Some(waker) = waker {
            wake(waker);
        }
    }

    /// Calls all waits there are; stores nothing.
    pub(crate) fn notify_all(&self) {
        let mut waits = self.waits.lock();
        let keeps_entries = waits.has_called();
        if !keeps_entries && !waits.is_empty() {
            // [ORD-4] Under the lock, and before the turn.
            let released = self.released.load(Ordering::Relaxed);
            self.released.store(released.wrapping_add(1), Ordering::Relaxed); // [ORD-4]
        }
        let next = |word: usize| Some((word & !WAITED).wrapping_add(TURN));
        // [ORD-1] [ORD-2]
        let _last = self.word.fetch_update(Ordering::Release, Ordering::Relaxed, next);
        if keeps_entries {
            let wakers = waits.call_all(|call| *call = Call::All);
            drop(waits);
            wake_all(wakers);
        } else {
            let released = waits.release_all();
            drop(waits);
            released.wake();
        }
    }

    /// Takes what is stored. `false`: nothing was.
    #[inline]
    pub(crate) fn take(&self) -> bool {
        // [ORD-2]
        let mut word = self.word.load(Ordering::Relaxed);
        while word & STORED != 0 {
            let taken = word & !STORED;
            // [ORD-1] [ORD-2]
            match self.word.compare_exchange_weak(word, taken, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// One poll of a wait, or its entry into the list before the first one.
    pub(crate) fn poll(&self, wait: &mut SignalWait, waker: &Waker) -> Poll<()> {
        wait.is_done = wait.is_done
            || match wait.key {
                None => self.has_come(wait) || self.join(wait, waker),
                Some(_) => self.look_again(wait, waker),
            };
        if wait.is_done { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Returns whether a new wait is over, in a few instructions; else it is to be [polled](Self::poll).
    #[inline(always)]
    pub(crate) fn is_over_at_once(&self, wait: &mut SignalWait) -> bool {
        wait.is_done = wait.is_done || wait.key.is_none() && self.has_come(wait);
        wait.is_done
    }

    /// Returns whether a wait with an entry is over, and has lost it; else brings its waker up to date.
    fn look_again(&self, wait: &mut SignalWait, waker: &Waker) -> bool {
        if self.is_released(wait) {
            wait.key = None;
            return true;
        }
        // Cloned beside the lock, and what is left is dropped after it.
        let (mut fresh, mut _old) = (None, None);
        loop {
            let mut waits = self.waits.lock();
            if self.is_released_in_lock(wait) || waits.take_called(&mut wait.key).is_some() {
                wait.key = None;
                return true;
            }
            match waits.stand(&mut wait.key, Call::NotYet, waker, &mut fresh) {
                Stand::Stands(old) => {
                    drop(waits);
                    _old = old;
                    return false;
                }
                Stand::NeedsWaker => {
                    drop(waits);
                    fresh = Some(waker.clone());
                }
            }
        }
    }

    /// Returns whether the list with the wait's entry was taken out; `false` may be old news.
    #[inline]
    fn is_released(&self, wait: &SignalWait) -> bool {
        // [ORD-1]
        let turn = turn_of(self.word.load(Ordering::Acquire));
        turn != wait.turn && self.is_released_in_lock(wait)
    }

    /// The same, under the lock, or after the turn was seen.
    #[inline]
    fn is_released_in_lock(&self, wait: &SignalWait) -> bool {
        // [ORD-4]
        self.released.load(Ordering::Relaxed) != wait.released
    }

    /// Puts `wait` into the list, if it is not there, without a waker; one that it has stays. Returns whether it is
    /// over.
    pub(crate) fn enable(&self, wait: &mut SignalWait) -> bool {
        let still_waits = |own: &Key| {
            let waits = self.waits.lock();
            !self.is_released_in_lock(wait) && !waits.is_called(own)
        };
        if wait.key.as_ref().is_some_and(still_waits) {
            return false;
        }
        self.poll(wait, Waker::noop()).is_ready()
    }

    /// Returns whether a wait without an entry is over: there was a notify-all, or it took what is stored.
    #[inline]
    fn has_come(&self, wait: &SignalWait) -> bool {
        // [ORD-1]
        turn_of(self.word.load(Ordering::Acquire)) != wait.turn || self.take()
    }

    /// Puts a wait into the list. `true`: it is over.
    fn join(&self, wait: &mut SignalWait, waker: &Waker) -> bool {
        // Cloned before the lock, and dropped after it.
        let waker = waker.clone();
        let mut waits = self.waits.lock();
        // [ORD-3]
        let word = self.word.load(Ordering::Relaxed);
        let is_over = match word & WAITED {
            0 => self.note_the_first(wait),
            _ => turn_of(word) != wait.turn,
        };
        if !is_over {
            // [ORD-4]
            wait.released = self.released.load(Ordering::Relaxed);
            wait.key = Some(waits.push_back(waker, Call::NotYet));
        }
        is_over
    }

    /// Sets `WAITED`. `true`: the wait is over instead.
    fn note_the_first(&self, wait: &SignalWait) -> bool {
        let mut is_over = false;
        let next = |word: usize| {
            is_over = turn_of(word) != wait.turn || word & STORED != 0;
            match turn_of(word) == wait.turn {
                true if word & STORED != 0 => Some(word & !STORED),
                true => Some(word | WAITED),
                false => None,
            }
        };
        // [ORD-1] if it takes what is stored, [ORD-2] if it sees another turn.
        let _last = self.word.fetch_update(Ordering::Acquire, Ordering::Relaxed, next);
        is_over
    }

    /// Gives a wait up: a notification that it owns goes to the next.
    #[inline]
    pub(crate) fn leave(&self, wait: &mut SignalWait) {
        if wait.key.is_some() && !self.is_released(wait) {
            self.leave_the_list(wait);
        }
        wait.key = None;
    }

    #[cold]
    fn leave_the_list(&self, wait: &mut SignalWait) {
        let Some(key) = wait.key.take() else { return };
        let mut waits = self.waits.lock();
        if self.is_released_in_lock(wait) {
            return;
        }
        let left = waits.remove(key);
        let next = match left.data {
            Call::One(end) => self.call(&mut waits, end),
            Call::NotYet | Call::All => {
                self.note_whether_waited(&waits);
                None
            }
        };
        drop(waits);
        drop(left.waker);
        if let Some(waker) = next {
            wake(waker);
        }
    }

    /// Calls a wait, or stores the notification. The waker is to be woken after the lock.
    #[inline]
    fn call(&self, waits: &mut WaitList<Call>, end: End) -> Option<Waker> {
        let called = match end {
            End::First => waits.call_front(),
            End::Last => waits.call_back(),
        };
        let Some((waker, call)) = called else {
            // [ORD-1]
            self.word.fetch_or(STORED, Ordering::Release);
            return None;
        };
        *call = Call::One(end);
        self.note_whether_waited(waits);
        Some(waker)
    }

    #[inline]
    fn note_whether_waited(&self, waits: &WaitList<Call>) {
        // [ORD-3]
        let word = self.word.load(Ordering::Relaxed);
        if waits.is_empty() && word & WAITED != 0 {
            self.word.store(word & !WAITED, Ordering::Release); // [ORD-3]
        }
    }

    #[cfg(test)]
    pub(crate) fn is_unused(&self) -> bool {
        let waits = self.waits.lock();
        // [ORD-2]
        waits.is_unused() && self.word.load(Ordering::Relaxed) & WAITED == 0
    }
}

fn turn_of(word: usize) -> usize {
    word & !(STORED | WAITED)
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
