//! `defer`: one future to be run when a guard goes.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;

use super::leave;

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Registers a future that is run when the guard is dropped, however that comes about.
///
/// asyncio: `AsyncExitStack.push_async_callback`, or the body of a `finally`. The future owns what it needs.
/// It is run, shielded, by the nearest scope around (the task, if there is none), which does not end before
/// it; several run in the order in which their guards were dropped, one after the other. What it panics with,
/// or an overrun of the grace deadline, is reported to the exception handler.
///
/// # Examples
/// ```
/// use bowerbird::{defer, sleep, spawn};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let task = spawn(async {
///         let _cleanup = defer(async {
///             sleep(Duration::from_millis(1)).await;
///             println!("the lock file is gone");
///         });
///         "value"
///     });
///     assert_eq!(task.await.unwrap(), "value"); // the task was done only after the cleanup
/// });
/// ```
#[track_caller]
#[must_use = "the cleanup runs when the guard is dropped; bind it to a name"]
pub fn defer(cleanup: impl Future<Output = ()> + Send + 'static) -> Defer {
    Defer { cleanup: Some(Box::pin(cleanup)), location: Location::caller() }
}

/// The guard of [`defer`].
pub struct Defer {
    cleanup: Option<BoxFuture>,
    location: &'static Location<'static>,
}

impl Defer {
    /// Takes the cleanup back: it is dropped and does not run.
    pub fn disarm(mut self) {
        drop(self.cleanup.take());
    }

    /// Runs the cleanup now, in the place of the caller.
    ///
    /// # Cancel safety
    /// Dropped before its end, the cleanup is dropped half-way; `drop` the guard to have it run to its end.
    pub async fn run(mut self) {
        if let Some(cleanup) = self.cleanup.take() {
            cleanup.await;
        }
    }
}

impl Drop for Defer {
    fn drop(&mut self) {
        if let Some(cleanup) = self.cleanup.take() {
            leave(cleanup, self.location, "a deferred cleanup", None);
        }
    }
}

impl fmt::Debug for Defer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Defer").field("registered_at", &self.location).finish_non_exhaustive()
    }
}
