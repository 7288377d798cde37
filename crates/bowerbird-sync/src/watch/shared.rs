//! What the two sides share: the value, its version, the counts, and who waits.
//!
//! # Ordering arguments
//! - `[ORD-1]` The version changes with Release while the value is locked for writing, and is read with Acquire: what
//!   the sender did before is seen by whoever sees the version, also without the value's lock (loom test
//!   `who_sees_the_change_sees_what_came_before_it`). Under the value's lock it tells which version the value has.
//! - `[ORD-2]` A wait reads the version once more under the lock of the waits, which the sender takes after it has
//!   changed the version. Whose section comes second sees the other: the wait the version, or the sender the wait (loom
//!   test `send_races_with_a_wait`). The number of receivers and the waits for its end do the same (loom test
//!   `closed_races_with_the_drop_of_the_last_receiver`).
//! - `[ORD-3]` Senders and receivers are counted as an `Arc` counts: up with Relaxed, since who counts up holds a count;
//!   down with AcqRel, so that what any of them did comes before the end, which the last one tells: the last sender by
//!   `CLOSED`, the number of receivers by being 0, for which it is read with Acquire (loom tests
//!   `who_sees_the_end_sees_what_all_senders_did`, `who_sees_nobody_sees_what_all_receivers_did`). `CLOSED` and the
//!   version are in one word, so who sees the bit sees the last version too.
//! - `[ORD-4]` Relaxed where only a number is told to the user.

use std::task::{Context, Poll};

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Mutex, RwLock};
use bowerbird_base::wake_all::wake_all;

use super::{RecvError, Ref, WatchStatistics};
use crate::crowd::{self, Crowd, Place};
use crate::wait_list::{Looked, poll_standing};

/// In the word of the version: all senders are gone.
const CLOSED: usize = 1;
/// One change in the word of the version.
pub(super) const STEP: usize = 2;

pub(super) struct Shared<T> {
    value: RwLock<T>,
    version: AtomicUsize,
    senders: AtomicUsize,
    receivers: AtomicUsize,
    waits: Mutex<Waits>,
}

struct Waits {
    /// Receivers that wait for a change.
    changed: Crowd,
    /// Senders that wait for the last receiver to go.
    closed: Crowd,
}

/// The word of the version at one moment.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen(usize);

impl Seen {
    pub(super) fn is_closed(self) -> bool {
        self.0 & CLOSED != 0
    }

    pub(super) fn version(self) -> usize {
        self.0 & !CLOSED
    }
}

impl<T> Shared<T> {
    /// With one sender and no receiver.
    pub(super) fn new(value: T) -> Self {
        Self {
            value: RwLock::new(value),
            version: AtomicUsize::new(0),
            senders: AtomicUsize::new(1),
            receivers: AtomicUsize::new(0),
            waits: Mutex::new(Waits { changed: Crowd::new(), closed: Crowd::new() }),
        }
    }

    #[inline]
    pub(super) fn look(&self) -> Seen {
        // [ORD-1] [ORD-2]
        Seen(self.version.load(Ordering::Acquire))
    }

    /// Looks at the value. `seen` is the version that the one who looks has seen.
    pub(super) fn borrow(&self, seen: Option<usize>) -> (Ref<'_, T>, usize) {
        let guard = self.value.read();
        // Of this value: versions change while it is locked for writing.
        let version = self.look().version();
        (Ref { guard, has_changed: seen.is_some_and(|seen| seen != version) }, version)
    }

    /// Changes the value, if `change` says so, and wakes who waits for that. If it panics, nothing counts as changed.
    pub(super) fn change(&self, change: impl FnOnce(&mut T) -> bool) -> bool {
        let mut value = self.value.write();
        if !change(&mut value) {
            return false;
        }
        // [ORD-1]
        self.version.fetch_add(STEP, Ordering::Release);
        drop(value);
        self.wake_changed();
        true
    }

    fn wake_changed(&self) {
        // [ORD-2] After the version.
        let wakers = self.waits.lock().changed.take_all();
        wake_all(wakers);
    }

    pub(super) fn poll_changed(
        &self,
        seen: &mut usize,
        place: &mut Option<Place>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), RecvError>> {
        if let Some(result) = self.look_for_change(seen, place) {
            return Poll::Ready(result);
        }
        let fresh = place.is_none().then(|| cx.waker().clone());
        poll_standing(&self.waits, cx.waker(), fresh, |waits, fresh| {
            // [ORD-2] Once more.
            match self.look_for_change(seen, place) {
                Some(result) => Looked::Over(result, None),
                None => Looked::Stand(waits.changed.stand(place, cx.waker(), fresh)),
            }
        })
    }

    /// What a wait for another version than `seen` ends with, if it does.
    fn look_for_change(
        &self,
        seen: &mut usize,
        place: &mut Option<Place>,
    ) -> Option<Result<(), RecvError>> {
        let now = self.look();
        let has_changed = now.version() != *seen;
        if !has_changed && !now.is_closed() {
            return None;
        }
        // Who changed the version takes the place out, or has done so.
        *place = None;
        *seen = now.version();
        Some(if has_changed { Ok(()) } else { Err(RecvError(())) })
    }

    pub(super) fn leave_changed(&self, place: &mut Option<Place>) {
        crowd::leave(place, &self.waits, |waits| &mut waits.changed);
    }

    pub(super) fn poll_closed(&self, place: &mut Option<Place>, cx: &mut Context<'_>) -> Poll<()> {
        poll_standing(&self.waits, cx.waker(), None, |waits, fresh| {
            // [ORD-2] Woken: there was a moment without receivers.
            waits.closed.look(place, self.receivers() == 0, cx.waker(), fresh)
        })
    }

    pub(super) fn leave_closed(&self, place: &mut Option<Place>) {
        crowd::leave(place, &self.waits, |waits| &mut waits.closed);
    }

    pub(super) fn senders(&self) -> usize {
        // [ORD-4]
        self.senders.load(Ordering::Relaxed)
    }

    pub(super) fn receivers(&self) -> usize {
        // [ORD-3] Under the lock of the waits also [ORD-2].
        self.receivers.load(Ordering::Acquire)
    }

    pub(super) fn add_sender(&self) {
        // [ORD-3]
        self.senders.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drop_sender(&self) {
        // [ORD-3]
        if self.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            // [ORD-1] [ORD-3]
            self.version.fetch_or(CLOSED, Ordering::Release);
            self.wake_changed();
        }
    }

    pub(super) fn add_receiver(&self) {
        // [ORD-3]
        self.receivers.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn drop_receiver(&self) {
        // [ORD-3]
        if self.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            // [ORD-2] After the count.
            let wakers = self.waits.lock().closed.take_all();
            wake_all(wakers);
        }
    }

    pub(super) fn statistics(&self) -> WatchStatistics {
        WatchStatistics {
            senders: self.senders(),
            receivers: self.receivers(),
            waiting: self.waits.lock().changed.len(),
        }
    }
}
