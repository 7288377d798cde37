//! `timeout`: a limit on how long a future may take.

use std::error::Error;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bowerbird_timer::part::{sleep_of, sleep_until_of};
use bowerbird_timer::{Call, Sleep};
use pin_project_lite::pin_project;

use crate::cancel::with_deadline;
use crate::run::outside_a_runtime;
use crate::scope::{Expired, Scope};

/// Gives a future at most `duration`.
///
/// asyncio: `wait_for`, and `timeout` as a block. When the time is over, the future is asked to end: a task
/// that it awaits by value is cancelled and awaited, cleanups are run. A result that comes in the same turn
/// wins. A cancellation of the task that calls goes through, whether or not the time was over.
///
/// # Cancel safety
/// As the future's own.
///
/// # Errors
/// [`TimeoutError`] if the time was over.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// bowerbird::run(async {
///     let slow = bowerbird::sleep(Duration::from_secs(60));
///     assert!(bowerbird::timeout(Duration::from_millis(5), slow).await.is_err());
///     assert_eq!(bowerbird::timeout(Duration::MAX, async { 1 }).await, Ok(1));
/// });
/// ```
#[track_caller]
pub fn timeout<F: Future>(duration: Duration, future: F) -> Timeout<F> {
    if !bowerbird_timer::is_inside() {
        outside_a_runtime("timeout");
    }
    timeout_for(Call::Timeout, duration, future)
}

/// Gives a future until `deadline`.
///
/// asyncio: `timeout_at`.
///
/// # Cancel safety
/// As the future's own.
///
/// # Errors
/// [`TimeoutError`] if the deadline passed; with one in the past the future is polled once.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let deadline = bowerbird::time::now();
///     assert_eq!(bowerbird::timeout_at(deadline, async { 1 }).await, Ok(1));
/// });
/// ```
#[track_caller]
pub fn timeout_at<F: Future>(deadline: Instant, future: F) -> Timeout<F> {
    if !bowerbird_timer::is_inside() {
        outside_a_runtime("timeout_at");
    }
    Timeout { scope: Scope::new(future), sleep: sleep_until_of(Call::TimeoutAt, deadline) }
}

/// A [`timeout`] by another name; the thread has a runtime.
#[track_caller]
pub(super) fn timeout_for<F: Future>(call: Call, duration: Duration, future: F) -> Timeout<F> {
    Timeout { scope: Scope::new(future), sleep: sleep_of(call, duration) }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct Timeout<F: Future> {
        #[pin]
        scope: Scope<F>,
        sleep: Sleep,
    }
}

impl<F: Future> Timeout<F> {
    /// Returns when the time is over.
    ///
    /// asyncio: `Timeout.when`.
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }
}

impl<F: Future> fmt::Debug for Timeout<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timeout").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}

impl<F: Future> Future for Timeout<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let sleep = this.sleep;
        sleep.set_part();
        let deadline = sleep.deadline();
        // A scope that has offered its request once waits for the answer; the elapsed sleep stays ready.
        let is_due = |cx: &mut Context<'_>| sleep.poll_due(cx).is_ready();
        let scope = this.scope;
        let polled = with_deadline(Some(deadline), false, || scope.poll(cx, is_due));
        polled.map(|result| result.map_err(|Expired| TimeoutError::new()))
    }
}

/// The time was over.
///
/// asyncio: `TimeoutError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeoutError(());

impl TimeoutError {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was over")
    }
}

impl Error for TimeoutError {}

impl From<TimeoutError> for io::Error {
    fn from(error: TimeoutError) -> Self {
        Self::new(io::ErrorKind::TimedOut, error)
    }
}
