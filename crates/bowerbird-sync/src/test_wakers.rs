//! What the tests of this crate poll with.

use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Wakers with numbers, and the numbers of those woken in their order.
#[derive(Clone, Default)]
pub(crate) struct Woken(Arc<Mutex<Vec<usize>>>);

/// The number whose waker panics.
pub(crate) const PANICS: usize = 99;

struct Numbered(usize, Woken);

impl Wake for Numbered {
    fn wake(self: Arc<Self>) {
        self.1.0.lock().unwrap().push(self.0);
        assert_ne!(self.0, PANICS, "the panicking waker");
    }
}

impl Woken {
    pub(crate) fn waker(&self, number: usize) -> Waker {
        Waker::from(Arc::new(Numbered(number, self.clone())))
    }

    /// Who was woken since the last call.
    pub(crate) fn take(&self) -> Vec<usize> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    pub(crate) fn pair() -> (Arc<Self>, Waker) {
        let count = Arc::new(Self::default());
        (count.clone(), Waker::from(count))
    }

    pub(crate) fn wakes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Polls `future` once.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls `future` once, with a waker that does nothing.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// What `future` is ready with.
pub(crate) fn ready<F: Future + Unpin>(future: &mut F) -> F::Output {
    match poll(future) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("not ready"),
    }
}

/// Polls `future` once, with a waker that does nothing.
pub(crate) fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    poll(future).is_ready()
}

pub(crate) fn is_ready_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    poll_with(future, waker).is_ready()
}

/// Small random numbers, the same in each run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }
}
