//! What `#[cancel_safe]` makes of an `async fn`.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::CancelSafe;

pin_project! {
    /// A future that its author marked as losing nothing when it is dropped.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct CancelSafeFuture<F> {
        #[pin]
        future: F,
    }
}

/// Marks a future.
pub fn cancel_safe<F: Future>(future: F) -> CancelSafeFuture<F> {
    CancelSafeFuture { future }
}

impl<F> CancelSafe for CancelSafeFuture<F> {}

impl<F: Future> Future for CancelSafeFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}
