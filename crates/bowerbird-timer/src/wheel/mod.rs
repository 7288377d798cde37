//! A hierarchical timing wheel: insert, remove and reschedule in constant time, no step through empty
//! slots, and everything due in a turn in the order of its deadlines.
//!
//! After Varghese and Lauck, "Hashed and hierarchical timing wheels" (1987). Entries keep their exact
//! deadline; a slot only says roughly when to look at them. A turn moves the lists of all slots that time
//! has reached to the *due list*, in one step however far time has gone, and then takes that list apart:
//! what is due leaves, what is not goes to a finer slot. The due list is taken apart in portions, and the
//! lock is free in between; what is inserted meanwhile goes to its end, so equal deadlines stay in the
//! order of their insertion.
//!
//! The cached `earliest_ns` is never later than the earliest deadline. An insertion keeps it exact; the
//! removal of the earliest leaves it too early until somebody asks ([`Wheel::settle`]), so that making and
//! dropping sleeps searches nothing.
//!
//! Everything here happens under the lock of the wheel: no waker is cloned, dropped or woken.

mod level;

use std::task::Waker;

use crate::entry::{Due, Entries, Key};
use level::{LEVELS, SLOTS};

/// No deadline.
pub(crate) const NEVER_NS: u64 = u64::MAX;
/// The list of what time has reached; the slots' lists come before it.
const DUE_LIST: usize = LEVELS * SLOTS;
/// How many entries of one coarse slot are looked through for the earliest.
const SEARCH_LIMIT: usize = 128;

/// The timers of one worker, or of everybody who is no worker.
#[derive(Debug)]
pub(crate) struct Wheel {
    entries: Entries,
    /// For each level the slots that may hold entries.
    occupied: [u64; LEVELS],
    /// The latest time of a turn.
    elapsed_ns: u64,
    /// Not later than any deadline.
    earliest_ns: u64,
    /// Whether `earliest_ns` is a deadline of an entry, or `NEVER_NS` and there is no entry.
    is_exact: bool,
    is_shut_down: bool,
}

/// What became of an insertion; the waker of one that did not take place is the caller's to drop.
#[derive(Debug)]
pub(crate) enum Inserted {
    /// An entry is in the wheel.
    Pending(Key),
    /// A turn has already gone past the deadline.
    Passed(Waker),
    /// The wheel takes nothing any more.
    ShutDown(Waker),
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Self {
            entries: Entries::new(DUE_LIST + 1),
            occupied: [0; LEVELS],
            elapsed_ns: 0,
            earliest_ns: NEVER_NS,
            is_exact: true,
            is_shut_down: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn earliest_ns(&self) -> u64 {
        self.earliest_ns
    }

    pub(crate) fn is_shut_down(&self) -> bool {
        self.is_shut_down
    }

    /// Inserts a deadline that no turn has gone past.
    #[inline]
    pub(crate) fn insert(&mut self, deadline_ns: u64, waker: Waker) -> Inserted {
        if deadline_ns <= self.elapsed_ns {
            return Inserted::Passed(waker);
        }
        self.insert_any(deadline_ns, waker)
    }

    /// Inserts a deadline; one that has passed is fired by the next turn.
    #[inline]
    pub(crate) fn insert_any(&mut self, deadline_ns: u64, waker: Waker) -> Inserted {
        if self.is_shut_down {
            return Inserted::ShutDown(waker);
        }
        let key = self.entries.allocate(deadline_ns, waker);
        self.link(key.index, deadline_ns);
        Inserted::Pending(key)
    }

    /// Takes an entry out; `None` if it has been fired.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<Waker> {
        let deadline_ns = self.entries.deadline_ns(key)?;
        self.unlink(key.index, deadline_ns);
        self.entries.release(key.index).map(|due| due.waker)
    }

    /// Gives a pending entry another deadline.
    pub(crate) fn reschedule(&mut self, key: Key, deadline_ns: u64) -> Option<Key> {
        let old_ns = self.entries.deadline_ns(key)?;
        self.unlink(key.index, old_ns);
        let key = self.entries.restamp(key.index, deadline_ns);
        self.link(key.index, deadline_ns);
        Some(key)
    }

    /// The deadline of a pending entry.
    pub(crate) fn deadline_ns(&self, key: Key) -> Option<u64> {
        self.entries.deadline_ns(key)
    }

    /// The deadline and the waker of a pending entry.
    pub(crate) fn pending(&self, key: Key) -> Option<(u64, &Waker)> {
        self.entries.pending(key)
    }

    /// The waker of a pending entry, to be replaced.
    pub(crate) fn waker_mut(&mut self, key: Key) -> Option<&mut Waker> {
        self.entries.waker_mut(key)
    }

    /// Lets time go on to `now_ns`: what it has reached waits for [`Wheel::take_due`].
    pub(crate) fn begin_turn(&mut self, now_ns: u64) {
        // Two threads may fire one wheel; the later time stands, since a clock did show it.
        let before_ns = self.elapsed_ns;
        self.elapsed_ns = before_ns.max(now_ns);
        for level in 0..LEVELS {
            let Some(reached) = level::reached(level, before_ns, self.elapsed_ns) else { break };
            let mut slots = reached & self.occupied[level];
            self.occupied[level] &= !reached;
            while slots != 0 {
                let slot = slots.trailing_zeros() as usize;
                slots &= slots - 1;
                self.entries.append(DUE_LIST, level * SLOTS + slot);
            }
        }
    }

    /// Takes apart at most `limit` entries of what time has reached; returns whether that was all.
    pub(crate) fn take_due(&mut self, limit: usize, due: &mut Vec<Due>) -> bool {
        for _ in 0..limit {
            let Some(index) = self.entries.first(DUE_LIST) else { break };
            self.entries.unlink(index);
            let deadline_ns = self.entries.deadline_ns_at(index);
            if deadline_ns <= self.elapsed_ns {
                due.extend(self.entries.release(index));
            } else {
                self.push_to_slot(index, deadline_ns);
            }
        }
        let is_done = self.entries.first(DUE_LIST).is_none();
        if is_done {
            self.is_exact &= self.earliest_ns > self.elapsed_ns;
            self.settle();
        }
        is_done
    }

    /// Brings the cached earliest deadline up to date.
    ///
    /// Exact, unless more than `SEARCH_LIMIT` entries share the earliest slot and that slot is a coarse
    /// one; then it is a time before them at which a turn will spread them over finer slots.
    pub(crate) fn settle(&mut self) {
        if self.is_exact {
            return;
        }
        if self.entries.len() == 0 {
            (self.earliest_ns, self.is_exact) = (NEVER_NS, true);
            return;
        }
        if self.entries.first(DUE_LIST).is_some() {
            // Another thread is taking the due list apart; what it leaves is looked at by its end.
            return;
        }
        let Some(level) = self.occupied.iter().position(|&slots| slots != 0) else { return };
        let slot = self.occupied[level].trailing_zeros() as usize;
        let list = level * SLOTS + slot;
        let limit = if level == 0 { usize::MAX } else { SEARCH_LIMIT };
        if self.entries.iter(list).nth(limit).is_some() {
            let start_ns = level::start_ns(level, slot, self.elapsed_ns);
            self.earliest_ns = self.earliest_ns.max(start_ns);
            return;
        }
        let deadlines = self.entries.iter(list).map(|index| self.entries.deadline_ns_at(index));
        self.earliest_ns = deadlines.min().unwrap_or(NEVER_NS);
        self.is_exact = true;
    }

    /// Takes nothing any more and gives all wakers back, to be dropped after unlocking.
    pub(crate) fn shut_down(&mut self) -> Vec<Waker> {
        self.is_shut_down = true;
        self.occupied = [0; LEVELS];
        (self.earliest_ns, self.is_exact) = (NEVER_NS, true);
        self.entries.take_all()
    }

    #[inline]
    fn link(&mut self, index: u32, deadline_ns: u64) {
        if deadline_ns <= self.earliest_ns {
            (self.earliest_ns, self.is_exact) = (deadline_ns, true);
        }
        if self.entries.first(DUE_LIST).is_some() {
            self.entries.push(DUE_LIST, index);
        } else {
            self.push_to_slot(index, deadline_ns);
        }
    }

    #[inline]
    fn push_to_slot(&mut self, index: u32, deadline_ns: u64) {
        let (level, slot) = level::place(self.elapsed_ns, deadline_ns);
        self.occupied[level] |= 1 << slot;
        self.entries.push(level * SLOTS + slot, index);
    }

    #[inline]
    fn unlink(&mut self, index: u32, deadline_ns: u64) {
        if let Some(list) = self.entries.unlink(index) {
            if list != DUE_LIST {
                self.occupied[list / SLOTS] &= !(1 << (list % SLOTS));
            }
        }
        if deadline_ns == self.earliest_ns {
            self.is_exact = false;
        }
    }
}

#[cfg(test)]
mod tests;
