//! `catch_cancel`: a request becomes a value.

use std::error::Error;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context::{self, Request};
use pin_project_lite::pin_project;

use crate::scope::{Cut, Scope};

/// Runs a future; if it is cancelled, gives the request as a value.
///
/// asyncio: `try: .. except CancelledError as error: ..`. The future is dropped and its cleanups are run
/// before the error is given. To go on being cancelled, as almost all code should, end with
/// [`Cancelled::resume`]; whoever keeps the request to himself also calls
/// [`uncancel`](crate::TaskHandle::uncancel), so that the scopes around it know.
///
/// # Cancel safety
/// As the future's own.
///
/// # Errors
/// [`Cancelled`] if a request unwound to here: the task's, or that of a scope around this one.
///
/// # Examples
/// ```
/// use bowerbird::{catch_cancel, sleep, spawn, yield_now};
/// use std::time::Duration;
///
/// async fn work() -> &'static str {
///     match catch_cancel(sleep(Duration::from_secs(60))).await {
///         Ok(()) => "done",
///         Err(cancelled) => {
///             println!("put away: {cancelled}");
///             cancelled.resume().await
///         }
///     }
/// }
///
/// bowerbird::run(async {
///     let task = spawn(work());
///     yield_now().await;
///     task.cancel_with("closing time");
///     assert!(task.await.unwrap_err().is_cancelled());
/// });
/// ```
#[track_caller]
pub fn catch_cancel<F: Future>(future: F) -> CatchCancel<F> {
    CatchCancel { scope: Scope::new(future), site: CallSite::new("catch_cancel") }
}

pin_project! {
    /// The future of [`catch_cancel`].
    #[must_use = "futures do nothing unless awaited"]
    pub struct CatchCancel<F: Future> {
        #[pin]
        scope: Scope<F>,
        site: CallSite,
    }
}

impl<F: Future> Future for CatchCancel<F> {
    type Output = Result<F::Output, Cancelled>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.site.polled();
        let polled = this.scope.poll_catching(cx, false, |_| false);
        polled.map(|result| {
            result.map_err(|cut| match cut {
                Cut::Outer(request) => Cancelled(request),
                Cut::Own => unreachable!("this scope makes no request of its own"),
            })
        })
    }
}

impl<F: Future> fmt::Debug for CatchCancel<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchCancel").finish_non_exhaustive()
    }
}

/// A request to cancel that [`catch_cancel`] caught.
///
/// asyncio: `CancelledError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cancelled(Request);

impl Cancelled {
    /// Returns the message given to [`cancel_with`](crate::TaskHandle::cancel_with), if there was one.
    pub fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Passes the request on outwards: the await never ends, and the scopes around it unwind.
    ///
    /// asyncio: `raise`.
    ///
    /// # Cancel safety
    /// Nothing is left to be lost.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{catch_cancel, current_task, sleep};
    /// use std::time::Duration;
    /// let mut runner = bowerbird::Runner::new().unwrap();
    /// let outcome = runner.run(async {
    ///     current_task().unwrap().cancel();
    ///     let slept = catch_cancel(sleep(Duration::from_secs(60))).await;
    ///     slept.unwrap_err().resume::<()>().await;
    /// });
    /// assert!(outcome.is_err());
    /// ```
    #[track_caller]
    pub fn resume<T>(self) -> Resume<T> {
        let site = CallSite::new("Cancelled::resume");
        Resume { request: self.0, output: PhantomData, site }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.message {
            None => f.write_str("cancelled"),
            Some(message) => write!(f, "cancelled: {message}"),
        }
    }
}

impl Error for Cancelled {}

/// The future of [`Cancelled::resume`].
#[must_use = "the request goes on when this is awaited"]
pub struct Resume<T> {
    request: Request,
    output: PhantomData<fn() -> T>,
    site: CallSite,
}

impl<T> Future for Resume<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.site.polled();
        poll_context::raise(self.request.clone());
        poll_context::yield_now(cx);
        Poll::Pending
    }
}

impl<T> fmt::Debug for Resume<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resume").field("request", &self.request).finish_non_exhaustive()
    }
}
