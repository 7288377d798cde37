//! `run`: a program's main future, from its first poll to the end of everything that it started.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bowerbird_core::{Patience, SpawnError, TaskError};

use crate::runtime::{Builder, Handle, output_of_main};

/// Runs a future to its end, and then everything that it has spawned.
///
/// asyncio: `asyncio.run`. A new runtime is made; the thread that calls is one of its workers and polls
/// the future, which need not be `Send`. When it has ended, the tasks that are left are cancelled and
/// awaited, the blocking pool is joined, and only then `run` returns: no task, thread or descriptor stays.
///
/// # Panics
/// If the future panics, with its panic; if it is cancelled; inside a task; if `BOWERBIRD_WORKERS` is not a
/// number of workers. [`Runner`] gives errors instead of the last three.
///
/// # Examples
/// ```
/// async fn func() -> u32 {
///     10
/// }
/// assert_eq!(bowerbird::run(func()), 10);
/// ```
#[track_caller]
pub fn run<F: Future>(future: F) -> F::Output {
    if let Err(error) = bowerbird_core::check_may_block() {
        let bowerbird_core::InsideRuntime = error;
        panic!("run() was called inside a task of a running runtime; await the future instead");
    }
    let runner = match Runner::new() {
        Ok(runner) => runner,
        Err(error) => panic!("run() could not start a runtime: {error}"),
    };
    let output = runner.core.run(future);
    drop(runner);
    output_of_main(output, "run")
}

/// Why [`Runner::run`], or a run of an [`EventLoop`](crate::EventLoop), gave no output.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RunError {
    /// The main future was cancelled; the message of the request, if it had one.
    Cancelled(Option<String>),
    /// The loop was stopped before the future was done.
    Stopped,
    /// The loop is closed.
    Closed,
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(None) => f.write_str("the main future was cancelled"),
            Self::Cancelled(Some(message)) => write!(f, "the main future was cancelled: {message}"),
            Self::Stopped => f.write_str("the event loop was stopped before the future was done"),
            Self::Closed => f.write_str("the event loop is closed"),
        }
    }
}

impl std::error::Error for RunError {}

/// Runs several main futures, one after the other, on one runtime.
///
/// asyncio: `asyncio.Runner`. Tasks that one run leaves behind go on in the next; dropping the runner
/// cancels and awaits what is left. It stays on its thread, as a loop does.
///
/// # Examples
/// ```
/// let mut runner = bowerbird::Runner::new().unwrap();
/// let task = runner.run(async { bowerbird::spawn(async { 1 }) }).unwrap();
/// assert_eq!(runner.run(async { task.await.unwrap() + 1 }).unwrap(), 2);
/// ```
pub struct Runner {
    core: Arc<bowerbird_core::Runtime>,
    /// Local tasks may be left between two runs, so it stays on its thread.
    _not_send: PhantomData<*const ()>,
}

impl Runner {
    /// Makes a runner with the default settings.
    ///
    /// # Errors
    /// If `BOWERBIRD_WORKERS` is not a number of workers, or the system gives no threads or descriptors.
    pub fn new() -> std::io::Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder for a runner with other settings.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    pub(crate) fn from_core(core: Arc<bowerbird_core::Runtime>) -> Self {
        Self { core, _not_send: PhantomData }
    }

    /// Runs a future to its end.
    ///
    /// asyncio: `Runner.run`.
    ///
    /// # Errors
    /// If the future was cancelled.
    ///
    /// # Panics
    /// If the future panics, with its panic; inside a task.
    #[track_caller]
    pub fn run<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        self.core.run(future).map_err(|error| match TaskError::try_into_panic(error) {
            Ok(payload) => std::panic::resume_unwind(payload),
            Err(cancelled) => RunError::Cancelled(cancelled.message().map(str::to_owned)),
        })
    }

    /// Returns a handle that spawns on this runner's runtime from any thread.
    ///
    /// asyncio: `Runner.get_loop`.
    pub fn handle(&self) -> Handle {
        Handle::new(&self.core)
    }

    /// Cancels what is left, awaits it, and joins the threads: what dropping the runner does.
    ///
    /// asyncio: `Runner.close`.
    pub fn close(self) {
        drop(self);
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.core.shut_down(Patience::Complete);
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// The panic of a call that needs a runtime.
#[track_caller]
pub(crate) fn outside_a_runtime(call: &str) -> ! {
    SpawnError::NoRuntime.panic(call)
}
