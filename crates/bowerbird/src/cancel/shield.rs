//! `shield`: a task that goes on when its awaiter is cancelled.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use bowerbird_core::{Task, TaskError};

/// Awaits a task without handing it a cancellation of the awaiter.
///
/// asyncio: `shield`. The awaiter is cancelled as ever; the task runs on, and what it gives then is dropped
/// (a panic is reported); whoever wants it later keeps a [`SharedTask`](crate::tasks::SharedTask). asyncio takes
/// coroutines too and makes tasks of them: here, [`spawn`](crate::spawn) first. To keep requests away from a
/// region of the awaiter itself, see [`CancelScope::set_shield`](crate::CancelScope::set_shield).
///
/// # Cancel safety
/// The task runs on, and its output is lost.
///
/// # Errors
/// [`TaskError`] if the task itself was cancelled or panicked.
///
/// # Examples
/// ```
/// use bowerbird::{shield, sleep, spawn, timeout};
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let commit = spawn(async { sleep(Duration::from_millis(20)).await; "committed" });
///     let handle = commit.handle();
///     assert!(timeout(Duration::from_millis(1), shield(commit)).await.is_err());
///     handle.wait().await;
///     assert!(!handle.cancelled());
/// });
/// ```
pub fn shield<T>(task: Task<T>) -> Shield<T> {
    Shield { task, is_suspended: false }
}

/// The future of [`shield`].
#[must_use = "futures do nothing unless awaited"]
pub struct Shield<T> {
    task: Task<T>,
    is_suspended: bool,
}

impl<T> Future for Shield<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Rule 1: an offered request beats readiness. It unwinds from here, and never reaches the task.
        if self.is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let offered = if poll_context::is_offered() { poll_context::take_request() } else { None };
        let polled = Pin::new(&mut self.task).poll(cx);
        if let Some((request, _)) = offered {
            poll_context::offer(request);
        }
        self.is_suspended = polled.is_pending();
        polled
    }
}

impl<T> fmt::Debug for Shield<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shield").field(&self.task).finish()
    }
}
