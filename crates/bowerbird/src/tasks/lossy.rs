//! `lossy`: the loss is accepted.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::CancelSafe;

/// Lets [`select!`](crate::select) take a future by value that may lose something when it is dropped.
///
/// asyncio: no counterpart. `lossy` is the caller's word that the loss does not matter here; where it does, pass
/// `&mut future`, or mark an `async fn` that keeps nothing across an await with `#[cancel_safe]`.
///
/// # Examples
/// ```
/// use bowerbird::{lossy, select, sleep};
/// use std::time::Duration;
///
/// async fn fetch() -> &'static str {
///     sleep(Duration::from_secs(60)).await;
///     "page"
/// }
///
/// bowerbird::run(async {
///     let page = select! {
///         page = lossy(fetch()) => Some(page),
///         () = sleep(Duration::from_millis(5)) => None,
///     };
///     assert_eq!(page, None);
/// });
/// ```
pub fn lossy<F: IntoFuture>(future: F) -> Lossy<F::IntoFuture> {
    Lossy { future: future.into_future() }
}

pin_project! {
    /// The future of [`lossy`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Lossy<F> {
        #[pin]
        future: F,
    }
}

impl<F> CancelSafe for Lossy<F> {}

impl<F: Future> Future for Lossy<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}
