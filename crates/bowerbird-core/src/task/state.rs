//! The state of a task: one word, every read and write of which is here.
//!
//! ```text
//!   spawn --> QUEUED == 1 enter ==> POLLED ------- 4 complete --> DONE -- 9 last reference --> freed
//!               ^                    |  |
//!               |-- 2 pending, woken-'  '-- 3 pending --> IDLE
//!               |-- 2'yield ---------'                     |
//!               '------------------- 5 wake ---------------'
//!   QUEUED and POLLED are one state of the word, RUNNING: whoever popped the task from its queue has the
//!   right to poll it, so entering a poll only loads.
//!   5 on RUNNING sets NOTIFIED, which turns 3 into 2; on DONE it does nothing.
//!   6 cancel sets CANCEL in any state but DONE, and wakes.
//!   7 register and 8 release belong to the join handle.
//! ```
//!
//! # Bits
//! | bit | set when | cleared when | impossible with |
//! |---|---|---|---|
//! | `RUNNING` | spawned or woken | pending, complete | `DONE` |
//! | `NOTIFIED` | woken while `RUNNING` | entering or leaving a poll | |
//! | `DONE` | the output is stored | never | `RUNNING` |
//! | `JOIN_INTEREST` | spawned with a handle | the handle is dropped or takes the output | |
//! | `JOIN_WAKER` | the join waker's cell is filled | the handle replaces it; the handle goes | |
//! | `CANCEL` | a request waits in the cold part | the request is delivered | |
//! | `POLLED` | the first poll ended | never | |
//! | `LOCAL` | spawned `!Send`: only its owner's thread polls it | never | |
//! | `COLD_JOIN` | callbacks or waiters stand in the cold part | never | |
//! | `CANCELLED`, `PANICKED` | with `DONE`, how it ended | never | each other |
//! | `HIDDEN` | spawned by the runtime itself: no user sees it, no sweep cancels it | never | |
//! | `MAIN` | the future that `run` or `block_on` was called with | never | |
//! | `SWEPT` | a shutdown sweep counted it | never | |
//! | `CLEANUPS` | cleanups are queued in the cold part | they have ended | |
//! | `FUTURE_GONE` | the future was dropped, the output stored, cleanups still run | never | |
//! | `BLOCKING` | a closure of the blocking pool | never | |
//! | `CONTEXT` | the task runs with context variables | never | |
//! | `WATCHED` | debug mode, or the tracking of waits, is on | that is switched off | |
//!
//! References, from bit 20 on: one of the owned list (until the task is done), one of the join handle, one
//! a waker, one a `TaskHandle`. A queue holds none: a queued task is not done, so the list's is there.
//!
//! # Transitions
//! | # | method | from | to | caller | verdict | ordering |
//! |---|---|---|---|---|---|---|
//! | 1 | `enter` | RUNNING | RUNNING | worker | the bits seen | \[ORD-1\] |
//! | 2, 3 | `pending` | RUNNING | RUNNING or idle | worker | `Pending` | \[ORD-1\] |
//! | 2' | `mark_polled` | RUNNING | RUNNING | worker | | \[ORD-4\] |
//! | 4 | `complete` | RUNNING | DONE | worker | `Complete` | \[ORD-2\] |
//! | 5 | `wake`, `wake_by_ref` | any | RUNNING if idle | any thread | `Wake` | \[ORD-1\] |
//! | 6 | `cancel` | any but DONE | CANCEL, RUNNING if idle | any thread | `Wake` | \[ORD-1\] |
//! | 7 | `set_join_waker`, `unset_join_waker` | not DONE | | handle | whether done | \[ORD-2\] |
//! | 8 | `leave_join` | any | no JOIN_INTEREST | handle | `LeaveJoin` | \[ORD-2\] |
//! | 9 | `release` | any | one reference less | any | whether it was the last | \[ORD-3\] |
//!
//! # Field access
//! | field | who may touch it |
//! |---|---|
//! | future | whoever holds RUNNING and popped the task, until `FUTURE_GONE` or `DONE` |
//! | output | the same until `DONE`; then the handle if `JOIN_INTEREST` was set at `DONE`, else the completer |
//! | join waker | the handle while `JOIN_WAKER` is clear and `DONE` too; once both are set, the completer |
//! | links | whoever holds the lock of the owner's list |
//!
//! # Ordering arguments
//! - `[ORD-1]` A wake (edge 5, 6) releases what the waker wrote before; the poll that follows must see it.
//!   The waker's read-modify-write is AcqRel; `enter` loads with Acquire and, where it clears NOTIFIED,
//!   does so with an Acquire read-modify-write; `pending` is Release: it hands the future to the next poller,
//!   and, being a read-modify-write, passes on what the waker of a NOTIFIED that it clears released, for the
//!   `enter` that follows to acquire. Weaker: a poll that misses the condition it was woken for (loom
//!   `wake_is_never_lost`, `wake_while_the_poll_begins_is_seen`, `cancel_wakes_a_task_that_falls_asleep`), or a race on the future (loom
//!   `future_is_handed_from_poll_to_poll`). A wake that finds NOTIFIED writes all the same, for what it
//!   releases (loom `wake_is_never_lost`). A request is not passed over by the end (loom
//!   `accepted_cancel_ends_cancelled`).
//! - `[ORD-2]` `complete` releases the output, and acquires the join waker that `set_join_waker` released;
//!   the handle acquires the output when it sees DONE. Weaker: a race on the output or the waker
//!   (loom `join_sees_the_output`, `join_waker_is_never_raced`, `handle_dropped_during_the_end_leaves_nothing`,
//!   `callback_added_during_the_end_is_called_once`).
//! - `[ORD-3]` The last `release` must come after every use of the others: AcqRel, as in `Arc`. A new
//!   reference is made from a live one, so counting up is Relaxed. Weaker: freed while used (loom
//!   `last_reference_frees_once`, `wake_by_value_races_with_the_end`, `last_handle_frees_the_task`).
//! - `[ORD-4]` Relaxed: the bit is written and read by whoever holds RUNNING only, handed over by the
//!   queue or by \[ORD-1\]; or the read is a hint of the same thread's own writes.

use bowerbird_base::sync::atomic::{AtomicU64, Ordering};

/// The bits of one load of the word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bits(u64);

macro_rules! bits {
    ($($name:ident = $index:literal, $test:ident;)*) => {
        $(pub(crate) const $name: u64 = 1 << $index;)*
        impl Bits {
            $(#[allow(dead_code, reason = "one predicate a bit")] #[inline]
            pub(crate) fn $test(self) -> bool { self.0 & $name != 0 })*
        }
    };
}

bits! {
    RUNNING = 0, is_running;
    NOTIFIED = 1, is_notified;
    DONE = 2, is_done;
    JOIN_INTEREST = 3, has_join_interest;
    JOIN_WAKER = 4, has_join_waker;
    CANCEL = 5, has_cancel;
    POLLED = 6, is_polled;
    LOCAL = 7, is_local;
    COLD_JOIN = 8, has_cold_join;
    CANCELLED = 9, is_cancelled;
    PANICKED = 10, is_panicked;
    HIDDEN = 11, is_hidden;
    MAIN = 12, is_main;
    SWEPT = 13, is_swept;
    CLEANUPS = 14, has_cleanups;
    FUTURE_GONE = 15, is_future_gone;
    BLOCKING = 16, is_blocking;
    CONTEXT = 17, has_context;
    WATCHED = 18, is_watched;
}

const REFERENCE: u64 = 1 << 20;
/// What makes a poll take the slow way through the root's part of the cancellation protocol.
const UNUSUAL: u64 = CANCEL | CLEANUPS | FUTURE_GONE | CONTEXT | WATCHED;

impl Bits {
    /// Whether the poll must go through the root's part of the cancellation protocol.
    #[inline]
    pub(crate) fn is_unusual(self) -> bool {
        self.0 & UNUSUAL != 0
    }

    fn references(self) -> u64 {
        self.0 / REFERENCE
    }
}

/// The answer of `pending`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pending {
    /// The task sleeps until it is woken.
    Idle,
    /// It was woken while it was polled: queue it again.
    Requeue,
}

/// The answer of `wake` and `cancel`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The caller puts the task into a queue.
    Schedule,
    /// Somebody else does, or nobody needs to.
    Nothing,
    /// The waker's reference was the last: the caller frees the task.
    Free,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Value,
    Cancelled,
    Panicked,
}

/// The answer of `complete`.
#[must_use]
pub(crate) enum Complete {
    /// The task is done; the bits before.
    Done(Bits),
    /// A request arrived that nobody took: the value must make way for a cancellation.
    CancelFirst,
}

/// The answer of `leave_join`.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LeaveJoin {
    /// The task goes on, and the handle's reference was given back in the same step.
    Left,
    /// The task goes on; the caller drops the join waker and then its reference.
    LeftWaker,
    /// The task was done: the caller drops the output and then its reference.
    Done,
}

/// The word.
pub(crate) struct State(AtomicU64);

impl State {
    /// A task that is queued, with the references of its list and, if `flags` says so, of its handle.
    #[inline]
    pub(crate) fn new(flags: u64) -> Self {
        let references = if flags & JOIN_INTEREST != 0 { 2 } else { 1 };
        Self(AtomicU64::new(RUNNING | flags | (references * REFERENCE)))
    }

    /// The bits now, ordered after what the last writer released.
    #[inline]
    pub(crate) fn load(&self) -> Bits {
        // [ORD-2]
        Bits(self.0.load(Ordering::Acquire))
    }

    /// Edge 1: the caller popped the task and is about to poll it.
    #[inline]
    pub(crate) fn enter(&self) -> Bits {
        // [ORD-1]
        let seen = self.0.load(Ordering::Acquire);
        debug_assert!(
            seen & RUNNING != 0 && seen & DONE == 0,
            "a task was queued that may not be polled"
        );
        if seen & NOTIFIED == 0 {
            return Bits(seen);
        }
        // [ORD-1]
        Bits(self.0.fetch_and(!NOTIFIED, Ordering::AcqRel) & !NOTIFIED)
    }

    /// Edges 2 and 3: the poll ended without a result.
    #[inline]
    pub(crate) fn pending(&self) -> Pending {
        let mut seen = self.0.load(Ordering::Relaxed); // [ORD-4]: only a guess for the exchange below
        loop {
            let is_woken = seen & NOTIFIED != 0;
            let next = if is_woken { seen & !NOTIFIED } else { seen & !RUNNING } | POLLED;
            // [ORD-1]
            match self.0.compare_exchange_weak(seen, next, Ordering::Release, Ordering::Relaxed) {
                Ok(_) if is_woken => return Pending::Requeue,
                Ok(_) => return Pending::Idle,
                Err(now) => seen = now,
            }
        }
    }

    /// Edge 2': the task yields and is queued again as it is.
    #[inline]
    pub(crate) fn mark_polled(&self, seen: Bits) {
        if !seen.is_polled() {
            self.0.fetch_or(POLLED, Ordering::Relaxed); // [ORD-4]
        }
    }

    /// Edge 4: the output is stored.
    #[inline]
    pub(crate) fn complete(&self, ending: Ending) -> Complete {
        let how = match ending {
            Ending::Value => DONE,
            Ending::Cancelled => DONE | CANCELLED,
            Ending::Panicked => DONE | PANICKED,
        };
        let mut seen = self.0.load(Ordering::Relaxed); // [ORD-4]: only a guess for the exchange below
        loop {
            if seen & CANCEL != 0 && ending == Ending::Value {
                return Complete::CancelFirst;
            }
            let next = seen & !(RUNNING | NOTIFIED | CANCEL) | how;
            // [ORD-2]
            match self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return Complete::Done(Bits(seen)),
                Err(now) => seen = now,
            }
        }
    }

    /// Edge 5, the waker stays.
    #[inline]
    pub(crate) fn wake_by_ref(&self) -> Wake {
        self.notify(0, 0)
    }

    /// Edge 5, the waker's reference goes.
    #[inline]
    pub(crate) fn wake(&self) -> Wake {
        let seen = self.0.load(Ordering::Relaxed); // [ORD-4]: done never ends, and the release is ordered
        if seen & DONE != 0 {
            return if self.release() { Wake::Free } else { Wake::Nothing };
        }
        self.notify(0, REFERENCE)
    }

    /// Edge 6: a request was put into the cold part. `None` if the task is done.
    pub(crate) fn cancel(&self) -> Option<Wake> {
        let mut seen = self.0.load(Ordering::Relaxed); // [ORD-4]: only a guess for the exchange below
        loop {
            if seen & DONE != 0 {
                return None;
            }
            let next = seen | CANCEL | if seen & RUNNING != 0 { NOTIFIED } else { RUNNING };
            // [ORD-1]
            match self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if seen & RUNNING != 0 => return Some(Wake::Nothing),
                Ok(_) => return Some(Wake::Schedule),
                Err(now) => seen = now,
            }
        }
    }

    #[inline]
    fn notify(&self, set: u64, references: u64) -> Wake {
        let mut seen = self.0.load(Ordering::Relaxed); // [ORD-4]: only a guess for the exchange below
        loop {
            let (next, wake) = if seen & DONE != 0 {
                (
                    seen - references,
                    if references != 0 && seen / REFERENCE == 1 {
                        Wake::Free
                    } else {
                        Wake::Nothing
                    },
                )
            } else if seen & RUNNING != 0 {
                ((seen | NOTIFIED | set) - references, Wake::Nothing)
            } else {
                ((seen | RUNNING | set) - references, Wake::Schedule)
            };
            // Also where nothing changes: what was written before must be released to the poll that
            // the earlier NOTIFIED promised. [ORD-1]
            match self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return wake,
                Err(now) => seen = now,
            }
        }
    }

    /// Takes the CANCEL bit before its request is delivered; whoever holds RUNNING calls it.
    pub(crate) fn take_cancel(&self) -> Bits {
        // [ORD-1]
        Bits(self.0.fetch_and(!CANCEL, Ordering::AcqRel))
    }

    /// Sets bits that only the holder of RUNNING, or the lock of the cold part, writes; or WATCHED, which
    /// says what to keep and report, and guards nothing.
    pub(crate) fn set(&self, bits: u64) -> Bits {
        // [ORD-1]
        Bits(self.0.fetch_or(bits, Ordering::AcqRel))
    }

    /// Clears bits that only the holder of RUNNING writes, or WATCHED.
    pub(crate) fn clear(&self, bits: u64) {
        // [ORD-1]
        self.0.fetch_and(!bits, Ordering::AcqRel);
    }

    /// Edge 7: the join waker's cell was filled. `false` if the task is done: the cell is the caller's.
    pub(crate) fn set_join_waker(&self) -> bool {
        self.change_join_waker(|seen| seen | JOIN_WAKER)
    }

    /// Edge 7: the join waker's cell is about to be changed. `false` if the task is done.
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.change_join_waker(|seen| seen & !JOIN_WAKER)
    }

    #[inline]
    fn change_join_waker(&self, change: impl Fn(u64) -> u64) -> bool {
        let mut seen = self.0.load(Ordering::Relaxed); // [ORD-4]: only a guess for the exchange below
        loop {
            // [ORD-2]
            if seen & DONE != 0 {
                let _output = self.0.load(Ordering::Acquire);
                return false;
            }
            // [ORD-2]
            match self.0.compare_exchange_weak(
                seen,
                change(seen),
                Ordering::AcqRel,
                Ordering::Relaxed,
            ) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
    }

    /// Edge 8: the join handle goes.
    pub(crate) fn leave_join(&self) -> LeaveJoin {
        let mut seen = self.0.load(Ordering::Acquire); // [ORD-2]
        loop {
            if seen & DONE != 0 {
                return LeaveJoin::Done;
            }
            // The list's reference stands, so the handle's is not the last. With a waker to be dropped it
            // is kept, for the task may end and be freed meanwhile.
            let has_waker = seen & JOIN_WAKER != 0;
            let left = seen & !(JOIN_INTEREST | JOIN_WAKER);
            let next = if has_waker { left } else { left - REFERENCE };
            // [ORD-2] [ORD-3]
            match self.0.compare_exchange_weak(seen, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) if has_waker => return LeaveJoin::LeftWaker,
                Ok(_) => return LeaveJoin::Left,
                Err(now) => seen = now,
            }
        }
    }

    /// One reference more, made from a live one.
    #[inline]
    pub(crate) fn retain(&self) {
        // [ORD-3]
        let before = self.0.fetch_add(REFERENCE, Ordering::Relaxed);
        if before > u64::MAX / 2 {
            std::process::abort(); // 2^43 references are leaked: nothing sound can follow
        }
    }

    /// Edge 9: one reference less; `true` if it was the last, and the caller frees the task.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        // [ORD-3] The only reference is ours, so nobody can make another one: no write is needed.
        if Bits(self.0.load(Ordering::Acquire)).references() == 1 {
            return true;
        }
        // [ORD-3]
        Bits(self.0.fetch_sub(REFERENCE, Ordering::AcqRel)).references() == 1
    }
}

#[cfg(test)]
mod tests;
