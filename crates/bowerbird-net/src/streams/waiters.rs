//! Who waits for a connection: any number of futures, each with its own entry.

use std::task::Waker;

#[derive(Default)]
pub(super) struct Waiters {
    entries: Vec<(u64, Waker)>,
    next: u64,
}

impl Waiters {
    /// Stores a waker in the entry of `key`, or in a new one; gives the one before, to drop.
    pub(super) fn store(&mut self, key: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let id = *key.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        match self.entries.iter_mut().find(|(entry, _)| *entry == id) {
            Some((_, old)) => Some(std::mem::replace(old, waker)),
            None => {
                self.entries.push((id, waker));
                None
            }
        }
    }

    /// Removes the entry of a future that has ended; gives its waker, to drop.
    pub(super) fn remove(&mut self, key: u64) -> Option<Waker> {
        let index = self.entries.iter().position(|(entry, _)| *entry == key)?;
        Some(self.entries.swap_remove(index).1)
    }

    /// Takes everybody out, to be woken.
    pub(super) fn take(&mut self) -> Vec<(u64, Waker)> {
        std::mem::take(&mut self.entries)
    }
}
