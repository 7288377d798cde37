//! What the tests of this crate share: timers with a paused clock, and a waker that counts.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use bowerbird_base::clock::Clock;

use crate::{Current, Timers, enter};

/// Timers with a paused clock, entered by this thread as worker 0 of two.
pub(crate) struct Rig {
    pub(crate) timers: Arc<Timers>,
    pub(crate) clock: Arc<Clock>,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(Clock::new());
        clock.pause();
        let rig = Self { timers: Timers::new(2, clock.clone()), clock };
        rig.enter(0);
        rig
    }

    /// Makes this thread the worker of that wheel.
    pub(crate) fn enter(&self, wheel: usize) {
        enter(Some(Current { timers: self.timers.clone(), wheel }));
    }

    /// Moves time and turns wheel 0.
    pub(crate) fn advance(&self, step: Duration) -> usize {
        self.clock.advance(step);
        self.fire(0)
    }

    pub(crate) fn fire(&self, wheel: usize) -> usize {
        self.timers.fire(wheel, self.clock.now())
    }

    pub(crate) fn next(&self, wheel: usize) -> Option<Instant> {
        self.timers.next_deadline(wheel)
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        enter(None);
    }
}

/// Counts wake-ups.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Count {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Polls with this as the waker.
    pub(crate) fn poll<F: Future + Unpin>(self: &Arc<Self>, future: &mut F) -> Poll<F::Output> {
        let waker = Waker::from(self.clone());
        Pin::new(future).poll(&mut Context::from_waker(&waker))
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
