//! Waits for many detached tasks at the cost of one atomic operation for each.
//!
//! # Ordering arguments
//! - `[ORD-1]` the tasks are spawned after it, and spawning publishes what was written before.
//! - `[ORD-2]` decrement and load: what the tasks did is seen by who waited for them. That no wake is lost
//!   is the lock's doing: the waiter looks and leaves its waker under it, the last task takes the waker
//!   under it after its decrement, so one of the two sees the other.

use std::future::poll_fn;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Poll, Waker};

/// How many tasks have not ended yet. A static of its case: a reference count for each task would be in
/// the figure.
pub(super) struct Countdown {
    left: AtomicU64,
    waiter: Mutex<Option<Waker>>,
}

impl Countdown {
    pub(super) const fn new() -> Self {
        Self { left: AtomicU64::new(0), waiter: Mutex::new(None) }
    }

    /// Starts anew, when nothing counts any more.
    pub(super) fn start(&self, count: u64) {
        // [ORD-1]
        self.left.store(count, Ordering::Relaxed);
    }

    /// One has ended; the last one wakes the waiter.
    #[inline]
    pub(super) fn count_down(&self) {
        // [ORD-2]
        if self.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
    }

    /// Waits for the last one.
    pub(super) async fn wait(&self) {
        poll_fn(|cx| {
            let mut waiter = self.waiter.lock().unwrap_or_else(PoisonError::into_inner);
            // [ORD-2]
            if self.left.load(Ordering::Acquire) == 0 {
                return Poll::Ready(());
            }
            *waiter = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
