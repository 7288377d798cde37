//! One registered source: the readiness of its two directions, and who waits for them.
//!
//! There are two ways to wait. A `poll_*` form has one waker slot a direction, as those forms have in the
//! traits they serve: the last caller is woken. A future has an entry of its own in the list, so any number
//! of them may wait at the same time.
//!
//! # How a wait and an event meet
//! - Slot: the waiter stores its waker, then looks at the readiness. The event notes the readiness, then
//!   takes the waker. The slot is one word that both change by read-modify-writes, so one of them sees the
//!   other (`[ORD-2]` of `waker_slot`).
//! - List: the waiter stores its waker and announces it in the readiness word, both under the list's lock.
//!   The event changes the same word first (`[ORD-3]` of `readiness`), and takes the lock if it finds
//!   waiters announced.
//!
//! # One-shot systems
//! Where a registration is disarmed by its event, `armed` says what is armed. A waiter, after it has stored
//! its waker, arms what it needs. An event marks everything disarmed, then wakes **all** waiters, of both
//! directions: those that it does not concern arm again. So whoever finds its direction armed already is
//! sure to be woken by the event that will disarm it.

use std::io;
use std::task::Waker;

use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;

use crate::interest::{Interest, Ready};
use crate::readiness::{self, Readiness, Snapshot};
use crate::waiters::Waiters;
use crate::wake_list::WakeList;

/// What an event says, as flags for the two readiness words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Occurrence {
    pub(crate) read: u64,
    pub(crate) write: u64,
    /// The event has disarmed the source.
    pub(crate) is_one_shot: bool,
}

/// What the driver knows about one source.
#[derive(Debug)]
pub(crate) struct Source {
    read: Readiness,
    write: Readiness,
    read_slot: WakerSlot,
    write_slot: WakerSlot,
    waiters: Mutex<Waiters>,
    armed: Mutex<u8>,
}

impl Source {
    pub(crate) fn new() -> Self {
        Self {
            read: Readiness::new(),
            write: Readiness::new(),
            read_slot: WakerSlot::new(),
            write_slot: WakerSlot::new(),
            waiters: Mutex::new(Waiters::default()),
            armed: Mutex::new(0),
        }
    }

    /// Notes an event and collects the wakers that it wakes. Runs no code of others.
    pub(crate) fn deliver(&self, event: Occurrence, woken: &mut WakeList) {
        let mut fired = 0;
        let mut has_waiters = false;
        if event.is_one_shot {
            *self.armed.lock() = 0;
        }
        if event.read != 0 || event.is_one_shot {
            has_waiters |= self.read.set(event.read).has_waiters();
            woken.extend(self.read_slot.take());
            fired |= Interest::READABLE.0 | Interest::PRIORITY.0 | Interest::ERROR.0;
        }
        if event.write != 0 || event.is_one_shot {
            has_waiters |= self.write.set(event.write).has_waiters();
            woken.extend(self.write_slot.take());
            fired |= Interest::WRITABLE.0;
        }
        if has_waiters {
            self.waiters.lock().take(Interest(fired), woken);
        }
    }

    /// Says that the driver has ended, and collects everybody.
    pub(crate) fn shut_down(&self, woken: &mut WakeList) {
        let flags = readiness::SHUT_DOWN;
        self.deliver(Occurrence { read: flags, write: flags, is_one_shot: false }, woken);
    }

    /// Tells what is known; call it before the system call that may be followed by [`Source::clear`].
    #[inline]
    pub(crate) fn ready(&self) -> Ready {
        Ready { read: self.read.load(), write: self.write.load() }
    }

    #[inline]
    pub(crate) fn read_snapshot(&self) -> Snapshot {
        self.read.load()
    }

    /// Forgets the readiness for `interest`, unless there was an event since `seen`.
    #[inline]
    pub(crate) fn clear(&self, seen: Ready, interest: Interest) {
        let also = readiness::UNKNOWN | readiness::ERROR;
        if interest.is_readable() {
            self.read.clear(seen.read, readiness::READY | also);
        }
        if interest.is_priority() {
            self.read.clear(seen.read, readiness::URGENT | readiness::PRIORITY);
        }
        if interest.is_error() {
            self.read.clear(seen.read, readiness::FAULT);
        }
        if interest.is_writable() {
            self.write.clear(seen.write, readiness::READY | also);
        }
    }

    /// Forgets the readiness for reading after a short read, if nothing can be behind it.
    #[inline]
    pub(crate) fn clear_after_short_read(&self, seen: Snapshot) {
        let behind = readiness::CLOSED | readiness::PRIORITY | readiness::ERROR;
        if !seen.has(behind) {
            self.read.clear(seen, readiness::READY | readiness::UNKNOWN);
        }
    }

    /// Stores the waker of a `poll_*` form; look at the readiness after it.
    pub(crate) fn register_slot(&self, interest: Interest, waker: &Waker) {
        if interest.is_writable() {
            self.write_slot.register(waker);
        }
        if interest.read_gate() != 0 {
            self.read_slot.register(waker);
        }
    }

    /// Stores the waker of a future in its entry; look at the readiness after it.
    pub(crate) fn register_waiter(
        &self,
        key: &mut Option<usize>,
        interest: Interest,
        waker: &Waker,
    ) {
        let fresh = waker.clone();
        let mut waiters = self.waiters.lock();
        let old = waiters.store(key, interest, fresh);
        if interest.read_gate() != 0 {
            self.read.announce();
        }
        if interest.is_writable() {
            self.write.announce();
        }
        drop(waiters);
        drop(old);
    }

    /// Frees the entry of a future that has ended.
    pub(crate) fn remove_waiter(&self, key: &mut Option<usize>) {
        if let Some(key) = key.take() {
            let old = self.waiters.lock().remove(key);
            drop(old);
        }
    }

    /// Arms the source for `interest`, if it is not: calls `arm` with all that has to be armed.
    pub(crate) fn arm(
        &self,
        interest: Interest,
        arm: impl FnOnce(Interest) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut armed = self.armed.lock();
        let wanted = *armed | interest.0;
        if wanted == *armed {
            return Ok(());
        }
        arm(Interest(wanted))?;
        *armed = wanted;
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn waiter_count(&self) -> usize {
        self.waiters.lock().len()
    }
}

#[cfg(test)]
mod tests;
