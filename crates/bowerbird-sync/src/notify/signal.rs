//! At most one stored notification, and who waits for one: what stands under `Notify` and `AutoResetEvent`.
//!
//! ```text
//!                nobody waits                          waiters in the list
//!   notify one:  compare-and-swap: STORED       under the lock: call the first, or the last
//!   notify all:  under the lock: next turn      under the lock: next turn, call all
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
//! # Ordering arguments
//! - `[ORD-1]` Whoever notifies does so by a read-modify-write with Release, whoever takes reads with Acquire: what
//!   was done before the notification is seen by who goes on (loom tests `taker_sees_what_came_before_it`,
//!   `who_was_told_of_a_turn_sees_what_came_before_it`). Notifying what is stored already is a read-modify-write
//!   too, from `STORED` to `STORED`: else what the second notifier did is not seen (loom test
//!   `second_notifier_is_seen_as_well`). A wait that was called is told under the lock, which orders it.
//! - `[ORD-2]` `WAITED` and a turn that is only remembered say nothing of other memory: Relaxed. That who makes a
//!   wait after a notify-all sees its turn, or a later one, is coherence.

use std::task::{Poll, Waker};

use bowerbird_base::const_fn;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Mutex, MutexGuard};
use bowerbird_base::wake_all::{wake, wake_all};

use crate::wait_list::{Key, WaitList, lock_renewed};

const STORED: usize = 1;
const WAITED: usize = 2;
/// One notify-all in the word.
const TURN: usize = 4;

pub(crate) struct Signal {
    word: AtomicUsize,
    waits: Mutex<WaitList<Call>>,
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
    key: Option<Key>,
    is_done: bool,
}

impl Signal {
    const_fn! {
        pub(crate) fn new() -> Self {
            Self { word: AtomicUsize::new(0), waits: Mutex::new(WaitList::new()) }
        }
    }

    /// Makes a wait. Every notify-all from here on ends it.
    pub(crate) fn wait(&self) -> SignalWait {
        // [ORD-2]
        let word = self.word.load(Ordering::Relaxed);
        SignalWait { turn: turn_of(word), key: None, is_done: false }
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
        let next = |word: usize| Some((word & !WAITED).wrapping_add(TURN));
        // [ORD-1] [ORD-2]
        let _last = self.word.fetch_update(Ordering::Release, Ordering::Relaxed, next);
        let wakers = waits.call_all(|call| *call = Call::All);
        drop(waits);
        wake_all(wakers);
    }

    /// Takes what is stored. `false`: nothing was.
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
        let is_called = match &wait.key {
            _ if wait.is_done => return Poll::Ready(()),
            None => self.has_come(wait) || self.join(wait, waker),
            Some(own) => {
                let (_old, mut waits) = lock_renewed(&self.waits, |waits| waits, own, waker);
                let is_called = waits.is_called(own);
                let key = wait.key.take_if(|_| is_called);
                let removed = key.map(|own| waits.remove(own));
                drop(waits);
                removed.is_some()
            }
        };
        wait.is_done = is_called;
        if is_called { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Puts `wait` into the list, if it is not there, without a waker; one that it has stays. Returns whether it is
    /// over.
    pub(crate) fn enable(&self, wait: &mut SignalWait) -> bool {
        let still_waits = |own: &Key| !self.waits.lock().is_called(own);
        if wait.key.as_ref().is_some_and(still_waits) {
            return false;
        }
        self.poll(wait, Waker::noop()).is_ready()
    }

    /// Returns whether a wait without an entry is over: there was a notify-all, or it took what is stored.
    fn has_come(&self, wait: &SignalWait) -> bool {
        // [ORD-1]
        turn_of(self.word.load(Ordering::Acquire)) != wait.turn || self.take()
    }

    /// Puts a wait into the list. `true`: it is over.
    fn join(&self, wait: &mut SignalWait, waker: &Waker) -> bool {
        // Cloned before the lock, and dropped after it.
        let waker = waker.clone();
        let mut waits = self.waits.lock();
        let mut is_over = false;
        let next = |word: usize| {
            is_over = turn_of(word) != wait.turn || word & STORED != 0;
            match turn_of(word) == wait.turn {
                true if word & STORED != 0 => Some(word & !STORED),
                true => Some(word | WAITED),
                false => None,
            }
        };
        // [ORD-1]
        let _last = self.word.fetch_update(Ordering::Acquire, Ordering::Acquire, next);
        if !is_over {
            wait.key = Some(waits.push_back(waker, Call::NotYet));
        }
        is_over
    }

    /// Gives a wait up: a notification that it owns goes to the next.
    pub(crate) fn leave(&self, wait: &mut SignalWait) {
        let Some(key) = wait.key.take() else { return };
        let mut waits = self.waits.lock();
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
    fn call(&self, waits: &mut MutexGuard<'_, WaitList<Call>>, end: End) -> Option<Waker> {
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

    fn note_whether_waited(&self, waits: &MutexGuard<'_, WaitList<Call>>) {
        if waits.is_empty() {
            // [ORD-2]
            self.word.fetch_and(!WAITED, Ordering::Relaxed);
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
