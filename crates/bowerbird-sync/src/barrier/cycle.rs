//! The states of a barrier.
//!
//! ```text
//!                    the group is complete
//!   FILLING --------------------------------------> DRAINING
//!    ^  ^ '--- reset, somebody inside ---.              | reset
//!    |  |                                v              v
//!    |  '--------- all are gone ----- RESETTING <-------'
//!    '------------ all are gone ------------------- DRAINING
//!
//!   abort leads from each state to BROKEN; reset leads from there to FILLING, or to RESETTING while somebody is
//!   inside.
//! ```
//! Who arrives while it is filling is *inside* until its wait has ended, whatever became of the group. Who arrives
//! while it is draining or resetting is *blocked* until all that are inside are gone; then it is woken and arrives
//! once more.
//!
//! So of the waits in the list that were not called all are inside while it fills, all are blocked while it drains
//! or is reset, and there is none while it is broken. A called wait knows which of the two it was, and `leaving`
//! counts those that are inside. Whether such a wait went through is seen from the state at its last poll: only
//! while it drains.

use std::task::{Poll, Waker};

use crate::wait_list::{Called, Key, WaitList};

/// What a [`Barrier`](crate::Barrier) is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BarrierState {
    /// It waits for a group to be complete.
    Filling,
    /// A group is complete and on its way out.
    Draining,
    /// A group was broken up by `reset` and is on its way out.
    Resetting,
    /// It was broken by `abort`.
    Broken,
}

use BarrierState::{Broken, Draining, Filling, Resetting};

pub(super) struct Cycle {
    state: BarrierState,
    waits: WaitList<Place>,
    /// How many are inside that were called, or have just completed the group.
    leaving: usize,
}

/// Where a wait was when it was called.
#[derive(Clone, Copy)]
enum Place {
    NotCalled,
    Inside(usize),
    Blocked,
}

/// What a poll or the end of a wait came to; wakers are woken and dropped after the lock.
pub(super) struct Polled {
    /// The index; `None` of a broken group.
    pub(super) outcome: Poll<Option<usize>>,
    pub(super) called: Called,
    pub(super) unused: Option<Waker>,
}

impl Cycle {
    pub(super) const fn new() -> Self {
        Self { state: Filling, waits: WaitList::new(), leaving: 0 }
    }

    pub(super) fn state(&self) -> BarrierState {
        self.state
    }

    /// How many wait for their group to be complete.
    pub(super) fn filled(&self) -> usize {
        if self.state == Filling { self.waits.len() } else { 0 }
    }

    pub(super) fn inside(&self) -> usize {
        self.filled() + self.leaving
    }

    pub(super) fn blocked(&self) -> usize {
        self.waits.len() - self.filled()
    }

    /// One poll of a wait, which has a key from its first suspension on.
    pub(super) fn poll(&mut self, key: &mut Option<Key>, waker: Waker, parties: usize) -> Polled {
        if let Some(own) = key.take_if(|own| self.waits.is_called(own)) {
            if let Place::Inside(index) = self.waits.remove(own).data {
                let index = (self.state == Draining).then_some(index);
                let called = self.let_one_out();
                return Polled { outcome: Poll::Ready(index), called, unused: Some(waker) };
            }
        }
        match key {
            Some(own) => {
                let old = self.waits.replace_waker(own, waker);
                Polled { outcome: Poll::Pending, called: Called::default(), unused: Some(old) }
            }
            None => self.arrive(key, waker, parties),
        }
    }

    fn arrive(&mut self, key: &mut Option<Key>, waker: Waker, parties: usize) -> Polled {
        let mut called = Called::default();
        let outcome = match self.state {
            Broken => Poll::Ready(None),
            Filling if self.waits.len() + 1 == parties => {
                called = self.call_all_inside();
                self.state = Draining;
                self.leaving = parties;
                let after = self.let_one_out();
                debug_assert!(after.is_empty(), "nobody is blocked while it fills");
                Poll::Ready(Some(parties - 1))
            }
            Filling | Draining | Resetting => {
                *key = Some(self.waits.push_back(waker, Place::NotCalled));
                return Polled { outcome: Poll::Pending, called, unused: None };
            }
        };
        Polled { outcome, called, unused: Some(waker) }
    }

    /// Ends a wait that was suspended.
    pub(super) fn leave(&mut self, key: Key) -> Polled {
        let left = self.waits.remove(key);
        let called = match left.data {
            Place::Inside(_) => self.let_one_out(),
            Place::NotCalled | Place::Blocked => Called::default(),
        };
        Polled { outcome: Poll::Pending, called, unused: left.waker }
    }

    /// One of those that are leaving is gone. After the last it fills again, if it is not broken.
    fn let_one_out(&mut self) -> Called {
        self.leaving -= 1;
        if self.leaving > 0 || self.state == Broken {
            return Called::default();
        }
        self.state = Filling;
        self.call_all_blocked()
    }

    pub(super) fn reset(&mut self) -> Called {
        let mut called = Called::default();
        if self.state == Filling {
            self.leaving = self.waits.len();
            called = self.call_all_inside();
        }
        self.state = if self.leaving > 0 { Resetting } else { Filling };
        called
    }

    pub(super) fn abort(&mut self) -> Called {
        let was_filling = self.state == Filling;
        self.state = Broken;
        if was_filling {
            self.leaving = self.waits.len();
            self.call_all_inside()
        } else {
            self.call_all_blocked()
        }
    }

    fn call_all_inside(&mut self) -> Called {
        let mut called = Called::default();
        for index in 0.. {
            let Some((waker, place)) = self.waits.call_front() else { break };
            *place = Place::Inside(index);
            called.push(waker);
        }
        called
    }

    fn call_all_blocked(&mut self) -> Called {
        let mut called = Called::default();
        while let Some((waker, place)) = self.waits.call_front() {
            *place = Place::Blocked;
            called.push(waker);
        }
        called
    }

    #[cfg(test)]
    pub(super) fn is_unused(&self) -> bool {
        self.waits.is_unused() && self.leaving == 0
    }
}
