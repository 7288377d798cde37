//! The waits for permits, and how they are refused.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::ledger::Line;

use super::{KIND, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use crate::leaf::Leaf;
use crate::wait_list::Key;

/// What both waits are.
struct Wait {
    count: usize,
    key: Option<Key>,
    leaf: Leaf,
}

impl Wait {
    #[inline]
    fn new(count: usize, leaf: Leaf) -> Self {
        Self { count, key: None, leaf }
    }

    /// What is free is taken in a few instructions, and all else done out of line.
    #[inline(always)]
    fn poll(
        &mut self,
        semaphore: &Semaphore,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(usize, Line), AcquireError>> {
        if self.leaf.may_go_at_once() && semaphore.permits.try_take(self.count).is_ok() {
            self.leaf.went_at_once();
            return Poll::Ready(Ok((self.count, semaphore.hold(&self.leaf))));
        }
        self.poll_slowly(semaphore, cx)
    }

    #[cold]
    #[inline(never)]
    fn poll_slowly(
        &mut self,
        semaphore: &Semaphore,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(usize, Line), AcquireError>> {
        let Self { count, key, leaf } = self;
        let spot = leaf.spot(KIND, semaphore);
        let look = |cx: &mut Context<'_>| semaphore.permits.poll_take(key, *count, spot, cx);
        match leaf.poll(cx, KIND, semaphore, look) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok((*count, spot.hold()))),
            Poll::Ready(Err(_closed)) => Poll::Ready(Err(AcquireError(()))),
            Poll::Pending => Poll::Pending,
        }
    }

    #[inline]
    fn leave(&mut self, semaphore: &Semaphore) {
        if let Some(key) = self.key.take() {
            semaphore.permits.leave(key);
        }
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("count", &self.count)
            .field("is_waiting", &self.key.is_some())
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}

/// Waits for permits of a [`Semaphore`], see [`Semaphore::acquire`].
#[must_use = "futures do nothing unless awaited"]
pub struct Acquire<'a> {
    semaphore: &'a Semaphore,
    wait: Wait,
}

impl<'a> Acquire<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, count: usize, leaf: Leaf) -> Self {
        Self { semaphore, wait: Wait::new(count, leaf) }
    }
}

impl<'a> Future for Acquire<'a> {
    type Output = Result<SemaphorePermit<'a>, AcquireError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let taken = this.wait.poll(this.semaphore, cx);
        taken.map_ok(|(count, line)| SemaphorePermit::new(this.semaphore, count, line))
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        self.wait.leave(self.semaphore);
    }
}

impl CancelSafe for Acquire<'_> {}

impl fmt::Debug for Acquire<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.debug("Acquire", f)
    }
}

/// Waits for permits of a [`Semaphore`], see [`Semaphore::acquire_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireOwned {
    semaphore: Arc<Semaphore>,
    wait: Wait,
}

impl AcquireOwned {
    pub(super) fn new(semaphore: Arc<Semaphore>, count: usize, leaf: Leaf) -> Self {
        Self { semaphore, wait: Wait::new(count, leaf) }
    }
}

impl Future for AcquireOwned {
    type Output = Result<OwnedSemaphorePermit, AcquireError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let taken = this.wait.poll(&this.semaphore, cx);
        let semaphore = || Arc::clone(&this.semaphore);
        taken.map_ok(|(count, line)| OwnedSemaphorePermit::new(semaphore(), count, line))
    }
}

impl Drop for AcquireOwned {
    fn drop(&mut self) {
        self.wait.leave(&self.semaphore);
    }
}

impl CancelSafe for AcquireOwned {}

impl fmt::Debug for AcquireOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.debug("AcquireOwned", f)
    }
}

/// The [`Semaphore`] was closed, so that there will be no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AcquireError(());

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

/// Why [`Semaphore::try_acquire`] gave no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TryAcquireError {
    /// Too few permits are free, or others wait for them.
    NoPermits,
    /// The semaphore is closed.
    Closed,
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPermits => {
                "the semaphore has not so many free permits, or others wait for them"
            }
            Self::Closed => "the semaphore is closed",
        })
    }
}

impl Error for TryAcquireError {}
