//! Blocking work, off the workers.

use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use bowerbird_core::{SpawnOptions, Task, TaskError};

use crate::run::outside_a_runtime;

/// Runs a blocking closure on a thread of the blocking pool and waits for its result.
///
/// asyncio: `to_thread`. Context variables are carried along. A closure that has begun runs to its end even
/// if nobody waits for it any more; one that is still queued is dropped when the wait is.
///
/// # Cancel safety
/// Dropping the future gives up the result.
///
/// # Panics
/// Outside a runtime. If the closure panics, the panic goes on in the awaiter; if the runtime ends before
/// the closure was called, the awaiter panics: [`spawn_blocking`] gives an error instead.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let sum = bowerbird::to_thread(|| (1..=100).sum::<u32>()).await;
///     assert_eq!(sum, 5_050);
/// });
/// ```
#[track_caller]
pub fn to_thread<F, T>(f: F) -> ToThread<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match bowerbird_core::spawn_blocking(f, &SpawnOptions::default(), Location::caller()) {
        Ok(task) => ToThread { task, is_suspended: false },
        Err(_) => outside_a_runtime("to_thread"),
    }
}

/// Runs a blocking closure on a thread of the blocking pool, and gives a task for it.
///
/// asyncio: `loop.run_in_executor(None, f)`. The task has a name and can be cancelled while it is queued;
/// once the closure has begun it runs to its end.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::spawn_blocking(|| std::thread::current().id());
///     assert_ne!(task.await.unwrap(), std::thread::current().id());
/// });
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match bowerbird_core::spawn_blocking(f, &SpawnOptions::default(), Location::caller()) {
        Ok(task) => task,
        Err(_) => outside_a_runtime("spawn_blocking"),
    }
}

/// The future of [`to_thread`].
#[derive(Debug)]
#[must_use = "the closure runs, but its result is lost; use spawn_blocking() where that is meant"]
pub struct ToThread<T> {
    task: Task<T>,
    is_suspended: bool,
}

impl<T> Future for ToThread<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        // A leaf, not a join: a closure that runs cannot be cancelled, and asyncio does not wait for it.
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        self.is_suspended = true;
        match Pin::new(&mut self.task).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            Poll::Ready(Err(error)) => match TaskError::try_into_panic(error) {
                Ok(payload) => std::panic::resume_unwind(payload),
                Err(error) => panic!("the closure given to to_thread() was not run: {error}"),
            },
        }
    }
}

impl<T> Drop for ToThread<T> {
    fn drop(&mut self) {
        self.task.cancel();
    }
}
