//! Runtimes that a program holds, and how they are set up.

mod builder;
pub(crate) mod driver;
mod enter;

pub use bowerbird_core::{EnterGuard, Handle};
pub use builder::Builder;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bowerbird_core::{Patience, TaskError};

/// A runtime that a synchronous program holds: its tasks run on threads of its own.
///
/// asyncio: no counterpart; a loop runs in a thread of its own with `run_forever`. Where the whole program
/// is asynchronous, [`run`](crate::run) is simpler and faster.
///
/// Dropping it cancels what is left, awaits it, and joins the threads. Inside one of its own tasks it
/// cannot wait, so a thread of its own ends it in the background.
///
/// # Examples
/// ```
/// let runtime = bowerbird::Runtime::new().unwrap();
/// let task = runtime.spawn(async { 6 * 7 });
/// assert_eq!(runtime.block_on(task).unwrap(), 42);
/// ```
pub struct Runtime {
    core: Arc<bowerbird_core::Runtime>,
}

impl Runtime {
    /// Makes a runtime with the default settings.
    ///
    /// # Errors
    /// If `BOWERBIRD_WORKERS` is not a number of workers, or the system gives no threads or descriptors.
    pub fn new() -> std::io::Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder for a runtime with other settings.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    pub(crate) fn from_core(core: Arc<bowerbird_core::Runtime>) -> Self {
        Self { core }
    }

    /// Returns a handle that spawns on this runtime from any thread.
    pub fn handle(&self) -> Handle {
        Handle::new(&self.core)
    }

    /// Spawns a task on this runtime.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> crate::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().spawn(future)
    }

    /// Waits on this thread for a future, and works as one of the runtime's workers meanwhile if one of
    /// them is idle.
    ///
    /// asyncio: `loop.run_until_complete`.
    ///
    /// # Panics
    /// If the future panics, with its panic; if it is cancelled; inside a task.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        output_of_main(self.core.block_on(future), "block_on")
    }

    /// Makes this thread one of this runtime's until the guard is dropped.
    pub fn enter(&self) -> EnterGuard {
        self.handle().enter()
    }

    /// Ends the runtime: cancels what is left and awaits it for at most `timeout`; what has not ended then
    /// is reported and left behind.
    pub fn shutdown_timeout(self, timeout: Duration) {
        self.core.shut_down(Patience::Timeout(timeout));
    }

    /// Ends the runtime on a thread of its own, and does not wait for it.
    pub fn shutdown_background(self) {
        self.core.shut_down_in_background();
    }
}

/// The output of a main future; its panic goes on, and a cancellation becomes one.
#[track_caller]
pub(crate) fn output_of_main<T>(output: Result<T, TaskError>, call: &str) -> T {
    match output.map_err(TaskError::try_into_panic) {
        Ok(output) => output,
        Err(Ok(payload)) => std::panic::resume_unwind(payload),
        Err(Err(cancelled)) => panic!("the future given to {call}() was cancelled: {cancelled}"),
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.core.shut_down(Patience::Complete);
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
