//! The wait for a future's end, and the place that a waiter has among its listeners.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;

use super::state::{Listener, Shared};

/// Under which an awaiter notes that it waits for a future.
pub(super) const WAIT_KIND: &str = "future";

/// By which the awaiters of a future know it.
pub(super) fn number_of<T>(shared: &Shared<T>) -> u64 {
    std::ptr::from_ref(shared).addr() as u64
}

/// Where the waker of an awaiter stands.
pub(super) struct Place<T> {
    number: Option<u64>,
    _of: PhantomData<fn(T)>,
}

impl<T> Place<T> {
    pub(super) fn new() -> Self {
        Self { number: None, _of: PhantomData }
    }

    /// Whether the awaiter was suspended before.
    pub(super) fn is_suspended(&self) -> bool {
        self.number.is_some()
    }

    /// Waits for the end.
    pub(super) fn poll(&mut self, shared: &Shared<T>, cx: &mut Context<'_>) -> Poll<()> {
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        if !self.is_done_or_listens(shared, cx) {
            poll_context::note_wait(WAIT_KIND, number_of(shared), Some(shared.created_at));
            return Poll::Pending;
        }
        proceed.made_progress();
        self.number = None;
        Poll::Ready(())
    }

    fn is_done_or_listens(&mut self, shared: &Shared<T>, cx: &mut Context<'_>) -> bool {
        if shared.outcome().is_some() {
            return true;
        }
        let listener = Listener::Waker(cx.waker().clone());
        let rejected = match self.number {
            Some(number) => shared.replace(number, listener),
            None => {
                let (number, rejected) = shared.listen(listener);
                self.number = Some(number);
                rejected
            }
        };
        rejected.is_some()
    }

    /// The awaiter is gone.
    pub(super) fn leave(&mut self, shared: &Shared<T>) {
        if let Some(number) = self.number.take() {
            shared.unlisten(number);
        }
    }
}

/// The future of [`Future::wait`](super::Future::wait).
#[must_use = "futures do nothing unless awaited"]
pub struct WaitFuture<T> {
    shared: Arc<Shared<T>>,
    place: Place<T>,
}

impl<T> WaitFuture<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        Self { shared, place: Place::new() }
    }
}

impl<T> Unpin for WaitFuture<T> {}

impl<T> CancelSafe for WaitFuture<T> {}

impl<T> std::future::Future for WaitFuture<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.place.is_suspended() && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let this = &mut *self;
        this.place.poll(&this.shared, cx)
    }
}

impl<T> Drop for WaitFuture<T> {
    fn drop(&mut self) {
        self.place.leave(&self.shared);
    }
}

impl<T> fmt::Debug for WaitFuture<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        super::describe(&self.shared, "WaitFuture", f)
    }
}
