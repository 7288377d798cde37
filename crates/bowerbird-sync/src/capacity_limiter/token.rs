//! Tokens as values, and the waits for them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::ledger::Line;

use super::{Borrower, CapacityLimiter, KIND};
use crate::leaf::Leaf;
use crate::wait_list::Key;

/// What both waits are.
struct Wait {
    /// `None` from the first suspension on, or when it is ready.
    borrower: Option<Borrower>,
    key: Option<Key>,
    leaf: Leaf,
}

impl Wait {
    fn new(borrower: Borrower) -> Self {
        let leaf = Leaf::at(borrower.location);
        Self { borrower: Some(borrower), key: None, leaf }
    }

    fn poll(&mut self, limiter: &CapacityLimiter, cx: &mut Context<'_>) -> Poll<(u64, Line)> {
        let Self { borrower, key, leaf } = self;
        let look = |cx: &mut Context<'_>| limiter.poll_take(key, borrower, cx);
        leaf.poll(cx, KIND, limiter, look).map(|token| (token, leaf.spot(KIND, limiter).hold()))
    }

    fn leave(&mut self, limiter: &CapacityLimiter) {
        if let Some(key) = self.key.take() {
            limiter.leave(key);
        }
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("is_waiting", &self.key.is_some())
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}

/// Waits for a token of a [`CapacityLimiter`], see [`CapacityLimiter::acquire`].
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireToken<'a> {
    limiter: &'a CapacityLimiter,
    wait: Wait,
}

impl<'a> AcquireToken<'a> {
    pub(super) fn new(limiter: &'a CapacityLimiter, borrower: Borrower) -> Self {
        Self { limiter, wait: Wait::new(borrower) }
    }
}

impl<'a> Future for AcquireToken<'a> {
    type Output = CapacityToken<'a>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let taken = this.wait.poll(this.limiter, cx);
        taken.map(|(token, line)| CapacityToken::new(this.limiter, token, line))
    }
}

impl Drop for AcquireToken<'_> {
    fn drop(&mut self) {
        self.wait.leave(self.limiter);
    }
}

impl CancelSafe for AcquireToken<'_> {}

impl fmt::Debug for AcquireToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.debug("AcquireToken", f)
    }
}

/// Waits for a token of a [`CapacityLimiter`], see [`CapacityLimiter::acquire_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct AcquireTokenOwned {
    limiter: Arc<CapacityLimiter>,
    wait: Wait,
}

impl AcquireTokenOwned {
    pub(super) fn new(limiter: Arc<CapacityLimiter>, borrower: Borrower) -> Self {
        Self { limiter, wait: Wait::new(borrower) }
    }
}

impl Future for AcquireTokenOwned {
    type Output = OwnedCapacityToken;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        this.wait.poll(&this.limiter, cx).map(|(token, line)| OwnedCapacityToken {
            limiter: Arc::clone(&this.limiter),
            token,
            _line: line,
        })
    }
}

impl Drop for AcquireTokenOwned {
    fn drop(&mut self) {
        self.wait.leave(&self.limiter);
    }
}

impl CancelSafe for AcquireTokenOwned {}

impl fmt::Debug for AcquireTokenOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.wait.debug("AcquireTokenOwned", f)
    }
}

/// A token of a [`CapacityLimiter`], given back on drop, see [`CapacityLimiter::acquire`].
#[must_use = "the token is given back when this is dropped"]
pub struct CapacityToken<'a> {
    limiter: &'a CapacityLimiter,
    token: u64,
    _line: Line,
}

impl<'a> CapacityToken<'a> {
    pub(super) fn new(limiter: &'a CapacityLimiter, token: u64, line: Line) -> Self {
        Self { limiter, token, _line: line }
    }
}

impl Drop for CapacityToken<'_> {
    fn drop(&mut self) {
        self.limiter.give_back(self.token);
    }
}

impl fmt::Debug for CapacityToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityToken").finish_non_exhaustive()
    }
}

/// A token of a [`CapacityLimiter`] that borrows nothing of the program, given back on drop, see
/// [`CapacityLimiter::acquire_owned`].
#[must_use = "the token is given back when this is dropped"]
pub struct OwnedCapacityToken {
    limiter: Arc<CapacityLimiter>,
    token: u64,
    _line: Line,
}

impl Drop for OwnedCapacityToken {
    fn drop(&mut self) {
        self.limiter.give_back(self.token);
    }
}

impl fmt::Debug for OwnedCapacityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedCapacityToken").finish_non_exhaustive()
    }
}
