//! Where a worker sleeps: the seam at which I/O and timers plug in.
//!
//! [`Park`] is what a runtime is given: it blocks a worker until something happens, and on the way turns
//! descriptors and deadlines into wake-ups. [`Parker`] is the small machine that every seat has, so that a
//! wake-up which comes before the sleep is not lost:
//!
//! ```text
//!             1 park                       4 unpark
//!   EMPTY ------------> ON_CONDVAR  -------------------.
//!     ^ | 2 park_on                                    v
//!     | '-------------> ON_SOURCE(k) -- 4 unpark --> NOTIFIED     (4 on EMPTY too)
//!     '----------------- 3 the sleep ends, or did not begin -----'
//! ```
//!
//! # Ordering arguments
//! - `[ORD-1]` `unpark` releases what the waker queued before, and the parker's swap back to EMPTY
//!   acquires it; both are read-modify-writes on one word, so one of them comes first: either the sleeper
//!   sees NOTIFIED, or the waker sees where it sleeps. Weaker: work queued before `unpark` is not seen
//!   after the sleep (loom `unpark_before_park_is_kept`, `unpark_before_park_on_is_kept`,
//!   `unpark_during_the_end_of_a_sleep_is_seen`).
//! - `[ORD-2]` The condition variable is notified after its lock was taken once, so that a sleeper between
//!   its check and its wait is not passed over. Weaker: it sleeps on (loom `unpark_before_park_is_kept`).

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::sleep::{Condvar, Mutex};

const EMPTY: usize = 0;
const NOTIFIED: usize = 1;
const ON_CONDVAR: usize = 2;
const ON_SOURCE: usize = 3;

/// What a runtime's workers park on: the I/O driver and the timers, or a simulation of them.
pub trait Park: Send + Sync + 'static {
    /// Blocks the worker until `parker` is unparked, an event came, or a deadline of its own passed; wakes
    /// what became ready. It may return for no reason.
    fn park(&self, worker: usize, parker: &Parker);

    /// Wakes what is ready, without blocking.
    fn turn(&self, worker: usize);

    /// The same, for a worker that has run out of work and is about to announce its sleep; it may do
    /// nothing where [`park`](Self::park) would look at the same things anyway.
    fn turn_before_sleep(&self, worker: usize) {
        self.turn(worker);
    }

    /// Makes the worker that waits on source `source` return from its wait.
    fn notify(&self, source: usize);

    /// Does what a worker that is stuck in a long poll does not: fires its deadlines, harvests the events
    /// that nobody waits for. Returns whether a sleeping worker should be woken to wait for events.
    fn rescue(&self, worker: usize) -> bool;

    /// Called when a thread enters the runtime, as worker `worker` or, with `None`, from outside; the
    /// guard is dropped when it leaves. Thread-locals of the other crates are set here.
    fn enter(self: Arc<Self>, worker: Option<usize>) -> Box<dyn Any>;

    /// Called when every task is done and every worker has stopped.
    fn shut_down(&self) {}
}

/// The sleeping place of one worker.
#[derive(Debug)]
pub struct Parker {
    state: AtomicUsize,
    lock: Mutex<()>,
    condvar: Condvar,
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Parker {
    /// Makes a parker.
    pub fn new() -> Self {
        Self { state: AtomicUsize::new(EMPTY), lock: Mutex::new(()), condvar: Condvar::new() }
    }

    /// Blocks until it is unparked or the timeout passes; returns at once if it was unparked before.
    pub fn park(&self, timeout: Option<Duration>) {
        if !self.begin(ON_CONDVAR) {
            return;
        }
        let mut guard = self.lock.lock();
        loop {
            // [ORD-1] Edge 3.
            if self.state.load(Ordering::Acquire) != ON_CONDVAR {
                break;
            }
            let is_over;
            (guard, is_over) = match timeout {
                None => (self.condvar.wait(guard), false),
                Some(timeout) => self.condvar.wait_for(guard, timeout),
            };
            if is_over {
                break;
            }
        }
        drop(guard);
        self.end();
    }

    /// Calls `wait`, which blocks on source `source` until it is notified; does not call it if it was
    /// unparked before.
    pub fn park_on(&self, source: usize, wait: impl FnOnce()) {
        struct End<'a>(&'a Parker);
        impl Drop for End<'_> {
            fn drop(&mut self) {
                self.0.end();
            }
        }
        if self.begin(ON_SOURCE + source) {
            let _end = End(self);
            wait();
        }
    }

    /// Takes a wake-up that came before, if there is one, and returns whether there was.
    pub fn take_notified(&self) -> bool {
        // [ORD-1]
        self.state.compare_exchange(NOTIFIED, EMPTY, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Edges 1 and 2; `false` if a wake-up was there, which is consumed.
    fn begin(&self, place: usize) -> bool {
        // [ORD-1]
        if self.state.compare_exchange(EMPTY, place, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return true;
        }
        self.end();
        false
    }

    /// Edge 3.
    fn end(&self) {
        // [ORD-1]
        self.state.swap(EMPTY, Ordering::AcqRel);
    }

    /// Ends the sleep that is going on, or the next one before it begins. `Some(source)`: the caller
    /// notifies that source.
    #[must_use = "the source must be notified"]
    pub fn unpark(&self) -> Option<usize> {
        // [ORD-1] Edge 4.
        match self.state.swap(NOTIFIED, Ordering::AcqRel) {
            EMPTY | NOTIFIED => None,
            ON_CONDVAR => {
                drop(self.lock.lock()); // [ORD-2] `[ORD-2]`
                self.condvar.notify_one();
                None
            }
            place => Some(place - ON_SOURCE),
        }
    }
}

/// A runtime without I/O and timers: workers sleep until they are unparked.
#[derive(Debug, Default)]
pub struct ParkOnly;

impl Park for ParkOnly {
    fn park(&self, _worker: usize, parker: &Parker) {
        parker.park(None);
    }

    fn turn(&self, _worker: usize) {}

    fn notify(&self, _source: usize) {}

    fn rescue(&self, _worker: usize) -> bool {
        false
    }

    fn enter(self: Arc<Self>, _worker: Option<usize>) -> Box<dyn Any> {
        Box::new(())
    }
}

#[cfg(test)]
mod tests;
