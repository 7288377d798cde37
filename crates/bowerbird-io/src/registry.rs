//! From the key of an event to its source.
//!
//! A key is an index into a slab and a generation. A batch of events may be in flight on one thread while
//! another deregisters the source of one of them and registers a new one, which gets the same index and
//! perhaps the same descriptor: its generation differs, so the stale event finds nobody.
//!
//! One lock holds for a whole batch. Under it readiness words change and wakers move out of their places,
//! nothing else: no reference is counted, no code of others runs. A source that has left the registry is
//! therefore not touched by any dispatch any more, and who waits for the lock waits for a batch at most.
//! Lock order: the registry, then the lists of a source.

use std::io;

use bowerbird_base::sync::{Arc, Mutex};
use slab::Slab;

use crate::source::{Occurrence, Source};
use crate::wake_list::WakeList;

/// The bits of a key that are the index; the others are the generation.
const INDEX_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };
/// No source gets this index, so the key of all ones is free for the wake-up of a poller.
const MAX_INDEX: usize = (1 << INDEX_BITS) - 2;

/// What the system carries from a registration to its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) usize);

impl Key {
    fn new(index: usize, generation: usize) -> Self {
        Self(index | generation << INDEX_BITS)
    }

    fn index(self) -> usize {
        self.0 & ((1 << INDEX_BITS) - 1)
    }
}

#[derive(Debug)]
struct Entry {
    key: Key,
    source: Arc<Source>,
}

#[derive(Debug, Default)]
struct Entries {
    slab: Slab<Entry>,
    next_generation: usize,
    is_shut_down: bool,
}

/// The registered sources of one poller.
#[derive(Debug, Default)]
pub(crate) struct Registry(Mutex<Entries>);

/// The error of whoever uses a driver that has ended.
pub(crate) fn shut_down_error() -> io::Error {
    io::Error::other(
        "the I/O driver has shut down: the `run` or `Runtime` that this source belongs to has ended",
    )
}

impl Registry {
    /// Adds a source.
    pub(crate) fn insert(&self, source: Arc<Source>) -> io::Result<Key> {
        let mut entries = self.0.lock();
        if entries.is_shut_down {
            return Err(shut_down_error());
        }
        let index = entries.slab.vacant_key();
        if index > MAX_INDEX {
            return Err(io::Error::other("too many sources for one poller"));
        }
        let key = Key::new(index, entries.next_generation);
        entries.next_generation = entries.next_generation.wrapping_add(1);
        entries.slab.insert(Entry { key, source });
        Ok(key)
    }

    /// Removes a source: no event reaches it after this.
    pub(crate) fn remove(&self, key: Key) {
        let mut entries = self.0.lock();
        let entry = match entries.slab.get(key.index()) {
            Some(entry) if entry.key == key => Some(entries.slab.remove(key.index())),
            _ => None,
        };
        // Not the last reference, the registration has one; still, nothing is dropped under a lock.
        drop(entries);
        drop(entry);
    }

    /// Notes a batch of events and wakes whom they concern; returns how many that were.
    pub(crate) fn dispatch(&self, events: impl Iterator<Item = (Key, Occurrence)>) -> usize {
        let mut woken = WakeList::new();
        let entries = self.0.lock();
        for (key, event) in events {
            match entries.slab.get(key.index()) {
                Some(entry) if entry.key == key => entry.source.deliver(event, &mut woken),
                _ => {} // Deregistered while the event was on its way.
            }
        }
        drop(entries);
        woken.wake()
    }

    /// Lets no source in any more, and tells the waiters of those that are in.
    pub(crate) fn shut_down(&self) {
        let mut woken = WakeList::new();
        let mut entries = self.0.lock();
        entries.is_shut_down = true;
        for (_, entry) in &entries.slab {
            entry.source.shut_down(&mut woken);
        }
        drop(entries);
        woken.wake();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().slab.len()
    }
}

#[cfg(test)]
mod tests;
