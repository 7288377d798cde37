//! Wakers that were collected under a lock, to be woken after it.

use std::cell::Cell;
use std::task::Waker;

use bowerbird_base::swallow::contain;

thread_local! {
    /// The buffer of the last list of this thread, so that a turn allocates nothing.
    static SPARE: Cell<Vec<Waker>> = const { Cell::new(Vec::new()) };
}

/// A list of wakers to wake. Dropped with wakers in it, it wakes them.
#[derive(Debug)]
pub(crate) struct WakeList(Vec<Waker>);

impl WakeList {
    /// Makes an empty list.
    pub(crate) fn new() -> Self {
        Self(SPARE.try_with(Cell::take).unwrap_or_default())
    }

    /// Adds a waker if there is one.
    #[inline]
    pub(crate) fn extend(&mut self, waker: Option<Waker>) {
        self.0.extend(waker);
    }

    /// Wakes all, in the order in which they came, and returns how many there were.
    ///
    /// A waker that panics is told of; the others are woken nevertheless, and the
    /// thread that happens to dispatch, which has nothing to do with that task, goes on.
    pub(crate) fn wake(mut self) -> usize {
        self.wake_each()
    }

    fn wake_each(&mut self) -> usize {
        let count = self.0.len();
        for waker in self.0.drain(..) {
            contain("a waker that an event woke panicked", || waker.wake());
        }
        count
    }
}

impl Drop for WakeList {
    fn drop(&mut self) {
        self.wake_each();
        let buffer = std::mem::take(&mut self.0);
        // At the end of the thread there is nobody to keep it for.
        let _ = SPARE.try_with(|spare| spare.set(buffer));
    }
}
