//! One of the two lines in front of a queue: those who wait to get, or those who wait to put.

use std::task::Waker;

use crate::wait_list::{Called, Key, Stand, WaitList};

/// Who waits, in the order of arrival, and how many were called and have not come yet.
pub(super) struct Line {
    /// Each with the number of its arrival.
    waits: WaitList<u64>,
    called: usize,
    next_arrival: u64,
}

/// Where a wait stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has just come, and is in no line yet.
    New,
    Waiting,
    /// It was called, and is still counted.
    Called,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { waits: WaitList::new(), called: 0, next_arrival: 0 }
    }

    /// How many were called and have not come yet: what they were called for is theirs before a newcomer's.
    pub(super) fn called(&self) -> usize {
        self.called
    }

    /// Whether nobody waits who was not called.
    pub(super) fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// How many wait, called or not.
    pub(super) fn len(&self) -> usize {
        self.waits.len() + self.called
    }

    pub(super) fn turn(&self, key: Option<&Key>) -> Turn {
        match key {
            None => Turn::New,
            Some(key) if self.waits.is_called(key) => Turn::Called,
            Some(_) => Turn::Waiting,
        }
    }

    /// Calls who came first. `false`: nobody waits.
    pub(super) fn call(&mut self, called: &mut Called) -> bool {
        let Some((waker, _)) = self.waits.call_front() else { return false };
        self.called += 1;
        called.push(waker);
        true
    }

    /// Makes sure that a wait stands in the line, to be woken by `waker`: a new one at the end, one that was called
    /// in vain at its old place. `fresh` is a clone of the waker, if there is one yet.
    pub(super) fn wait(
        &mut self,
        key: &mut Option<Key>,
        waker: &Waker,
        fresh: &mut Option<Waker>,
    ) -> Stand {
        if self.turn(key.as_ref()) != Turn::Called {
            let stand = self.waits.stand(key, self.next_arrival, waker, fresh);
            if matches!(stand, Stand::Stands(_)) {
                self.next_arrival += 1;
            }
            return stand;
        }
        let Some(fresh) = fresh.take() else { return Stand::NeedsWaker };
        if let Some(old) = key.take() {
            let arrival = self.waits.remove(old).data;
            self.called -= 1;
            *key = Some(self.waits.push_before(fresh, arrival, |other| arrival < *other));
        }
        Stand::Stands(None)
    }

    /// Takes a wait out, if it is in. Its waker is to be dropped after the lock.
    #[must_use]
    pub(super) fn leave(&mut self, key: &mut Option<Key>) -> Option<Waker> {
        let left = self.waits.remove(key.take()?);
        if left.was_called() {
            self.called -= 1;
        }
        left.waker
    }
}
