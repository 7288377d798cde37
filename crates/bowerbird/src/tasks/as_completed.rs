//! `as_completed`: the ends of several tasks, in the order of time.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_base::poll_context;
use bowerbird_core::{Task, TaskError};
use bowerbird_timer::Sleep;
use bowerbird_timer::part::sleep;
use futures_core::Stream;

use super::ready_set::ReadySet;
use super::timeout::TimeoutError;
use crate::CancelSafe;
use crate::run::outside_a_runtime;

/// Gives the ends of several tasks as they come: a stream of `(index, result)`.
///
/// asyncio: `as_completed`. The index is the task's place among the arguments; asyncio gives the task itself,
/// for which see [`wait`](crate::wait). Futures are spawned first: `as_completed(futures.map(spawn))`. Whoever
/// waits for the next one and is cancelled does not cancel the tasks. Dropped, it lets them run on;
/// [`into_pending`](AsCompleted::into_pending) gives them back.
///
/// # Examples
/// ```
/// use bowerbird::{as_completed, sleep, spawn};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let nap = |ms| async move {
///         sleep(Duration::from_millis(ms)).await;
///         ms
///     };
///     let mut ends = as_completed([30, 1].map(|ms| spawn(nap(ms))));
///     while let Some((index, result)) = ends.next().await {
///         assert_eq!(result.unwrap(), [30, 1][index]);
///     }
/// });
/// ```
#[track_caller]
pub fn as_completed<I, T>(tasks: I) -> AsCompleted<T>
where
    I: IntoIterator<Item = Task<T>>,
{
    let mut set = ReadySet::new();
    tasks.into_iter().for_each(|task| set.add(task));
    AsCompleted { set, location: Location::caller() }
}

/// The stream of [`as_completed`].
#[must_use = "the tasks run, but their outputs are lost; call next() or into_pending()"]
pub struct AsCompleted<T> {
    set: ReadySet<Task<T>>,
    location: &'static Location<'static>,
}

impl<T> Unpin for AsCompleted<T> {}

impl<T> AsCompleted<T> {
    /// Waits for the next end; `None` after the last.
    ///
    /// asyncio: `async for`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what has ended comes with the next call.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have for it")]
    pub fn next(&mut self) -> NextCompleted<'_, T> {
        self.set.is_suspended = false;
        NextCompleted { ends: self }
    }

    /// Gives an error when `duration`, counted from this call, is over before all ends have come.
    ///
    /// asyncio: `as_completed(.., timeout=)`. The other tasks are not cancelled. What has ended by then comes
    /// before the error, and nothing comes after it.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{as_completed, spawn};
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let tasks = [spawn(async { 1 }), spawn(std::future::pending())];
    ///     let mut ends = as_completed(tasks).timeout(Duration::from_millis(5));
    ///     let (index, result) = ends.next().await.unwrap().unwrap();
    ///     assert_eq!((index, result.unwrap()), (0, 1));
    ///     assert!(ends.next().await.unwrap().is_err());
    ///     assert!(ends.next().await.is_none());
    ///     assert_eq!(ends.into_pending().len(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn timeout(self, duration: Duration) -> AsCompletedWithin<T> {
        if !bowerbird_timer::is_inside() {
            outside_a_runtime("timeout");
        }
        AsCompletedWithin { ends: self, sleep: Some(sleep(duration)) }
    }

    /// Returns how many ends have not been given.
    pub fn remaining(&self) -> usize {
        self.set.len()
    }

    /// Gives the tasks that have not ended, with their places among the arguments.
    ///
    /// What has ended and was not asked for is lost.
    pub fn into_pending(mut self) -> Vec<(usize, Task<T>)> {
        self.set.drain()
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ended<T>>> {
        self.set.poll_wait(cx, "as_completed", self.location)
    }
}

/// A task's place among the arguments, and its result.
type Ended<T> = (usize, Result<T, TaskError>);

impl<T> Stream for AsCompleted<T> {
    type Item = (usize, Result<T, TaskError>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_end(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.remaining(), Some(self.remaining()))
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("remaining", &self.remaining()).finish_non_exhaustive()
    }
}

/// The future of [`AsCompleted::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextCompleted<'a, T> {
    ends: &'a mut AsCompleted<T>,
}

impl<T> CancelSafe for NextCompleted<'_, T> {}

impl<T> Future for NextCompleted<'_, T> {
    type Output = Option<(usize, Result<T, TaskError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.ends.poll_end(cx)
    }
}

/// The stream of [`AsCompleted::timeout`].
#[must_use = "the tasks run, but their outputs are lost; call next() or into_pending()"]
pub struct AsCompletedWithin<T> {
    ends: AsCompleted<T>,
    /// Gone when the error was given.
    sleep: Option<Sleep>,
}

impl<T> Unpin for AsCompletedWithin<T> {}

impl<T> AsCompletedWithin<T> {
    /// Waits for the next end; `None` after the last, or after the error.
    ///
    /// # Cancel safety
    /// Nothing is lost: what has ended comes with the next call.
    ///
    /// # Errors
    /// [`TimeoutError`] if the time is over.
    #[allow(clippy::should_implement_trait, reason = "the name that streams have for it")]
    pub fn next(&mut self) -> NextWithin<'_, T> {
        self.ends.set.is_suspended = false;
        NextWithin { ends: self }
    }

    /// Returns how many ends have not been given.
    pub fn remaining(&self) -> usize {
        self.ends.remaining()
    }

    /// Gives the tasks that have not ended, as [`AsCompleted::into_pending`].
    pub fn into_pending(self) -> Vec<(usize, Task<T>)> {
        self.ends.into_pending()
    }
}

impl<T> Stream for AsCompletedWithin<T> {
    type Item = Result<(usize, Result<T, TaskError>), TimeoutError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(sleep) = &mut this.sleep else { return Poll::Ready(None) };
        let was_suspended = this.ends.set.is_suspended;
        if let Poll::Ready(end) = this.ends.poll_end(cx) {
            return Poll::Ready(end.map(Ok));
        }
        if (was_suspended && poll_context::is_offered()) || sleep.poll_elapsed(cx).is_pending() {
            return Poll::Pending;
        }
        this.sleep = None;
        Poll::Ready(Some(Err(TimeoutError::new())))
    }
}

impl<T> fmt::Debug for AsCompletedWithin<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompletedWithin")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

/// The future of [`AsCompletedWithin::next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct NextWithin<'a, T> {
    ends: &'a mut AsCompletedWithin<T>,
}

impl<T> CancelSafe for NextWithin<'_, T> {}

impl<T> Future for NextWithin<'_, T> {
    type Output = Option<Result<(usize, Result<T, TaskError>), TimeoutError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut *self.ends).poll_next(cx)
    }
}
