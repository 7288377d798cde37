//! `wait_for`: asyncio's word for `timeout` around something that is awaited.
//!
//! One future serves both. A [`timeout`](crate::timeout) does for a task that it holds by value what asyncio's
//! `wait_for` does: when the time is over the task is cancelled, and the error is given when it has really
//! ended; if it ended with a value instead, the value wins; a cancellation from outside goes to the task too.

use std::time::Duration;

use bowerbird_timer::Call;

use crate::run::outside_a_runtime;
use crate::tasks::timeout::{Timeout, timeout_for};

/// Waits for a task or another future, for at most `duration`.
///
/// asyncio: `wait_for`. It is [`timeout`](crate::timeout) with asyncio's order of arguments. When the time is
/// over, a task that was passed by value is cancelled and awaited: [`TimeoutError`](crate::TimeoutError) comes
/// after it has really ended, and if it ended with a value or a panic, that is the result. Whoever waits and is
/// cancelled cancels the task. A task passed as `&mut task` stays, and is cancelled all the same, as in asyncio;
/// to only stop waiting, use [`wait`](crate::wait) with a timeout. With no time at all, a future is polled once,
/// where asyncio does not start a coroutine.
///
/// # Cancel safety
/// As the future's own.
///
/// # Errors
/// [`TimeoutError`](crate::TimeoutError) if the time was over.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use std::time::Duration;
/// bowerbird::run(async {
///     let task = bowerbird::spawn(std::future::pending::<()>());
///     let handle = task.handle();
///     assert!(bowerbird::wait_for(task, Duration::from_millis(5)).await.is_err());
///     assert!(handle.cancelled());
/// });
/// ```
#[track_caller]
pub fn wait_for<F: IntoFuture>(future: F, duration: Duration) -> Timeout<F::IntoFuture> {
    if !bowerbird_timer::is_inside() {
        outside_a_runtime("wait_for");
    }
    timeout_for(Call::WaitFor, duration, future.into_future())
}
