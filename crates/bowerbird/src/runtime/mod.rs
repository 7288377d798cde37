//! Runtimes that a program holds, how they are set up, and how they are shut down.
//!
//! asyncio: the event loop object and its policy. [`Runner`](crate::Runner) and [`run`](crate::run), for programs
//! that are asynchronous as a whole, stand at the root; their settings are those of the [`Builder`] here.

mod builder;
pub(crate) mod driver;
mod enter;
pub(crate) mod shutdown;

pub use crate::run::{OnSignal, Shutdown, ShutdownCause, ShutdownPhase};
pub use bowerbird_core::{
    EnterGuard, Handle, PanicPolicy, ShutdownRequested, Unhandled, UnhandledKind,
    call_exception_handler, default_exception_handler,
};
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
    /// Somebody else ends it already: dropping it waits for nothing.
    is_ending: bool,
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
        Self { core, is_ending: false }
    }

    /// Returns a handle that spawns on this runtime from any thread.
    ///
    /// asyncio: the loop that `run_coroutine_threadsafe` takes.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let handle = runtime.handle();
    /// let task = std::thread::spawn(move || handle.spawn(async { 7 })).join().unwrap();
    /// assert_eq!(runtime.block_on(task).unwrap(), 7);
    /// ```
    pub fn handle(&self) -> Handle {
        Handle::new(&self.core)
    }

    /// Spawns a task on this runtime, from any thread.
    ///
    /// asyncio: `run_coroutine_threadsafe`.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let (sender, receiver) = bowerbird::sync::oneshot::channel();
    /// drop(runtime.spawn(async { sender.send("in the background") }));
    /// assert_eq!(receiver.blocking_recv(), Ok("in the background"));
    /// ```
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> crate::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle().spawn(future)
    }

    /// Runs a blocking closure on the blocking pool of this runtime.
    ///
    /// asyncio: `loop.run_in_executor(None, f)`.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let task = runtime.spawn_blocking(|| 6 * 7);
    /// assert_eq!(runtime.block_on(task).unwrap(), 42);
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> crate::Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.handle().spawn_blocking(f)
    }

    /// Waits on this thread for a future, and works as one of the runtime's workers meanwhile if one of
    /// them is idle.
    ///
    /// asyncio: `loop.run_until_complete`.
    ///
    /// # Panics
    /// If the future panics, with its panic; if it is cancelled; inside a task.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let borrowed = String::from("neither Send nor 'static");
    /// assert_eq!(runtime.block_on(async { borrowed.len() }), 24);
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        output_of_main(self.core.block_on(future), "block_on")
    }

    /// Makes this thread one of this runtime's until the guard is dropped.
    ///
    /// asyncio: `asyncio.set_event_loop`, taken back by the guard.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let guard = runtime.enter();
    /// let task = bowerbird::spawn(async { 1 }); // would panic without the guard
    /// drop(guard);
    /// assert_eq!(runtime.block_on(task).unwrap(), 1);
    /// ```
    pub fn enter(&self) -> EnterGuard {
        self.handle().enter()
    }

    /// Ends the runtime: cancels what is left and awaits it for at most `timeout`; what has not ended then
    /// is reported and left behind.
    ///
    /// asyncio: `loop.shutdown_default_executor(timeout)`, for tasks too.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let task = runtime.spawn(std::future::pending::<()>()).handle();
    /// runtime.shutdown_timeout(std::time::Duration::from_secs(60));
    /// assert!(task.cancelled());
    /// ```
    pub fn shutdown_timeout(self, timeout: Duration) {
        self.core.shut_down(Patience::Timeout(timeout));
    }

    /// Ends the runtime on a thread of its own, and does not wait for it.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let (sender, receiver) = bowerbird::sync::oneshot::channel::<()>();
    /// let task = runtime.spawn(async move {
    ///     let _dropped_when_cancelled = sender;
    ///     std::future::pending::<()>().await;
    /// });
    /// runtime.shutdown_background();
    /// assert!(receiver.blocking_recv().is_err());
    /// # drop(task);
    /// ```
    pub fn shutdown_background(mut self) {
        self.is_ending = true;
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
        if !self.is_ending {
            self.core.shut_down(Patience::Complete);
        }
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}
