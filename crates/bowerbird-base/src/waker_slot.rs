//! One stored `Waker`: its owner sets it, whoever wakes takes it.
//!
//! ```text
//!            1 register               2 done
//!   WAITING ------------> REGISTERING -------> WAITING (waker stored)
//!      ^ |                     | |
//!      | | 3 take              | | 4 take meets a registration: the bit stays for 5
//!    6 | v                     | v
//!   WAKING                  REGISTERING | WAKING -- 5 the owner takes back what it stored and wakes it
//! ```
//!
//! The algorithm is that of `AtomicWaker` in futures-util (Alex Crichton, Carl Lerche), which Tokio and
//! the `atomic-waker` crate share.
//!
//! # Bits
//! - `REGISTERING`: the owner writes the cell. Set by edge 1, cleared by 2 and 5.
//! - `WAKING`: somebody takes the waker out. Set by 3 and 4, cleared by 5 and 6.
//!
//! # Access to the cell
//! | state | who may touch the waker |
//! |---|---|
//! | `WAITING` | nobody |
//! | `REGISTERING`, with or without `WAKING` | the owner that set it |
//! | `WAKING` alone | whoever set it |
//!
//! # Ordering arguments
//! - `[ORD-1]` Each edge that gains the cell acquires and each that gives it up releases, so accesses to
//!   the cell are ordered by the chain of read-modify-writes on the state. Weaker: a data race on the
//!   cell (loom test `register_races_with_take`).
//! - `[ORD-2]` `take` is AcqRel even when it meets a registration: what the waking thread wrote before
//!   (the condition) must be seen by the owner, whose edge 5 acquires. Weaker: the owner polls and sees
//!   the old condition (loom test `wake_is_never_lost`).

use std::fmt;
use std::task::Waker;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::cell::UnsafeCell;
use crate::sync::hint;
use crate::wake_all::wake;

const WAITING: usize = 0;
const REGISTERING: usize = 1;
const WAKING: usize = 2;

/// One waker, set by one owner at a time and woken from any thread.
pub struct WakerSlot {
    state: AtomicUsize,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the cell is touched only by the side that the state names (table in the module docs).
unsafe impl Send for WakerSlot {}
// SAFETY: as above; a shared reference gives no other access to the cell.
unsafe impl Sync for WakerSlot {}

impl WakerSlot {
    /// Makes an empty slot.
    pub fn new() -> Self {
        Self { state: AtomicUsize::new(WAITING), waker: UnsafeCell::new(None) }
    }

    /// Stores a waker, in place of the one before. The owner checks its condition **after** this.
    ///
    /// A wake that comes during the call wakes `waker` at once. Two owners that register at the same
    /// time are a mistake in the caller; one of them is then woken at once and tries again.
    pub fn register(&self, waker: &Waker) {
        // [ORD-1]
        let seen =
            self.state.compare_exchange(WAITING, REGISTERING, Ordering::Acquire, Ordering::Acquire);
        match seen {
            Ok(_) => self.store(waker),
            // A wake is going on: the condition changes, so poll again. Or a second owner.
            Err(_) => {
                waker.wake_by_ref();
                hint::spin_loop();
            }
        }
    }

    fn store(&self, waker: &Waker) {
        // A clone may run any code, so it is made before the old waker is touched; if it panics the slot
        // must not stay locked.
        let unlock = Unlock(&self.state);
        let fresh = self.waker.with(|cell| {
            // SAFETY: REGISTERING is ours (edge 1), so nobody else touches the cell.
            let stored = unsafe { &*cell };
            stored.as_ref().is_none_or(|old| !old.will_wake(waker)).then(|| waker.clone())
        });
        let mut old = None;
        if let Some(fresh) = fresh {
            // SAFETY: as above.
            old = self.waker.with_mut(|cell| unsafe { (*cell).replace(fresh) });
        }
        std::mem::forget(unlock);
        // [ORD-1] Edge 2.
        let done =
            self.state.compare_exchange(REGISTERING, WAITING, Ordering::AcqRel, Ordering::Acquire);
        if done.is_err() {
            // Edge 5: a wake came meanwhile and left the waker to us.
            // SAFETY: REGISTERING | WAKING still names us.
            let waker = self.waker.with_mut(|cell| unsafe { (*cell).take() });
            // [ORD-1] [ORD-2]
            self.state.swap(WAITING, Ordering::AcqRel);
            if let Some(waker) = waker {
                wake(waker);
            }
        }
        drop(old);
    }

    /// Takes the waker out; the caller wakes or drops it.
    pub fn take(&self) -> Option<Waker> {
        // [ORD-1] [ORD-2] Edges 3 and 4.
        if self.state.fetch_or(WAKING, Ordering::AcqRel) != WAITING {
            return None;
        }
        // SAFETY: WAKING alone is ours.
        let waker = self.waker.with_mut(|cell| unsafe { (*cell).take() });
        // [ORD-1] Edge 6.
        self.state.fetch_and(!WAKING, Ordering::Release);
        waker
    }

    /// Wakes and forgets the stored waker; does nothing if there is none. A panic of the waker is told, see
    /// [`wake_all`](crate::wake_all).
    pub fn wake(&self) {
        if let Some(waker) = self.take() {
            wake(waker);
        }
    }
}

/// Gives the cell back if cloning the waker panics.
struct Unlock<'a>(&'a AtomicUsize);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        // [ORD-1] Also clears a WAKING that came meanwhile: the panic tells the owner instead.
        self.0.swap(WAITING, Ordering::AcqRel);
    }
}

impl Default for WakerSlot {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WakerSlot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WakerSlot").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
