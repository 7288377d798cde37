//! What the tests of this crate poll with.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};

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

/// Polls `future` once, with a waker that does nothing.
pub(crate) fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    is_ready_with(future, Waker::noop())
}

pub(crate) fn is_ready_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> bool {
    Pin::new(future).poll(&mut Context::from_waker(waker)).is_ready()
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
