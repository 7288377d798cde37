//! Cooperation: how much a task may do before the others have their turn.
//!
//! asyncio: no counterpart; there, too, a task that awaits what is always ready keeps the loop to itself. Here
//! each poll of a task has a budget of 128 results: everything of this crate that is ready takes one of it,
//! and when nothing is left it makes the task yield. Work that no such await accounts for calls
//! [`consume_budget`]; a foreign future is wrapped in [`cooperative`].
//!
//! # Examples
//! ```
//! use bowerbird::tasks::coop;
//! async fn sum(numbers: &[u64]) -> u64 {
//!     let mut sum = 0;
//!     for chunk in numbers.chunks(1_000) {
//!         sum += chunk.iter().sum::<u64>();
//!         coop::consume_budget().await; // others run every 128 chunks
//!     }
//!     sum
//! }
//! assert_eq!(bowerbird::run(async { sum(&[1; 1_000_000]).await }), 1_000_000);
//! ```

use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use pin_project_lite::pin_project;

use crate::CancelSafe;

/// Takes one result of the budget; yields if none is left.
///
/// asyncio: `sleep(0)`, most of the time without the turn for the others.
///
/// # Cancel safety
/// Nothing is lost.
///
/// # Examples
/// ```
/// use bowerbird::tasks::coop;
/// bowerbird::run(async {
///     while coop::has_budget_remaining() {
///         coop::consume_budget().await; // ready at once
///     }
///     coop::consume_budget().await; // yields
///     assert!(coop::has_budget_remaining());
/// });
/// ```
pub fn consume_budget() -> ConsumeBudget {
    ConsumeBudget { is_suspended: false }
}

/// Returns whether the task can go on without yielding; outside a task it always can.
///
/// # Examples
/// ```
/// assert!(bowerbird::tasks::coop::has_budget_remaining());
/// ```
pub fn has_budget_remaining() -> bool {
    poll_context::has_budget()
}

/// Runs a future without a budget: it yields only where it waits.
///
/// The others wait as long as the future always finds something ready, so it is for what is known to end soon.
///
/// # Cancel safety
/// As the future's own.
///
/// # Examples
/// ```
/// use bowerbird::tasks::coop;
/// bowerbird::run(coop::unconstrained(async {
///     for _ in 0..1_000 {
///         coop::consume_budget().await; // never yields
///     }
/// }));
/// ```
pub fn unconstrained<F: Future>(future: F) -> Unconstrained<F> {
    Unconstrained { future }
}

/// Lets the end of a foreign future count against the budget.
///
/// When none is left, the future is not polled before the others had their turn. For futures that are ready
/// again and again: a channel or a lock of another crate.
///
/// # Cancel safety
/// As the future's own.
///
/// # Examples
/// ```
/// use bowerbird::tasks::coop;
/// bowerbird::run(async {
///     for _ in 0..1_000 {
///         coop::cooperative(std::future::ready(())).await; // yields every 128 times
///     }
/// });
/// ```
pub fn cooperative<F: Future>(future: F) -> Cooperative<F> {
    Cooperative { future }
}

/// The future of [`consume_budget`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct ConsumeBudget {
    is_suspended: bool,
}

impl CancelSafe for ConsumeBudget {}

impl Future for ConsumeBudget {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        match poll_context::poll_proceed(cx) {
            Poll::Ready(proceed) => {
                proceed.made_progress();
                Poll::Ready(())
            }
            Poll::Pending => {
                self.is_suspended = true;
                poll_context::note_wait("yield", 0, None);
                Poll::Pending
            }
        }
    }
}

pin_project! {
    /// The future of [`unconstrained`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Unconstrained<F> {
        #[pin]
        future: F,
    }
}

impl<F: CancelSafe> CancelSafe for Unconstrained<F> {}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.project().future;
        poll_context::unconstrained(|| future.poll(cx))
    }
}

pin_project! {
    /// The future of [`cooperative`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct Cooperative<F> {
        #[pin]
        future: F,
    }
}

impl<F: CancelSafe> CancelSafe for Cooperative<F> {}

impl<F: Future> Future for Cooperative<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        let polled = self.project().future.poll(cx);
        if polled.is_ready() {
            proceed.made_progress();
        }
        polled
    }
}
