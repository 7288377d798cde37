//! The waiters of one source: any number of futures, each with its own entry.
//!
//! An entry belongs to its future: the future inserts it, replaces its waker at each poll and removes it
//! when it ends or is dropped. An event only takes the waker out. All of it happens under the source's
//! lock; wakers are cloned before and dropped or woken after.

use std::task::Waker;

use slab::Slab;

use crate::interest::Interest;
use crate::wake_list::WakeList;

#[derive(Debug)]
struct Waiter {
    interest: Interest,
    /// `None` once an event has taken it.
    waker: Option<Waker>,
}

/// The list; see the module docs for the rules.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Slab<Waiter>);

impl Waiters {
    /// Stores `waker` in the entry of `key`, or in a new one; gives back the waker to drop.
    pub(crate) fn store(
        &mut self,
        key: &mut Option<usize>,
        interest: Interest,
        waker: Waker,
    ) -> Option<Waker> {
        match *key {
            Some(key) => self.0[key].waker.replace(waker),
            None => {
                *key = Some(self.0.insert(Waiter { interest, waker: Some(waker) }));
                None
            }
        }
    }

    /// Removes an entry and gives back its waker to drop.
    pub(crate) fn remove(&mut self, key: usize) -> Option<Waker> {
        self.0.remove(key).waker
    }

    /// Moves the wakers of those that wait for any of `fired` to `woken`.
    pub(crate) fn take(&mut self, fired: Interest, woken: &mut WakeList) {
        for (_, waiter) in &mut self.0 {
            if waiter.interest.0 & fired.0 != 0 {
                woken.extend(waiter.waker.take());
            }
        }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}
