//! The event loop: callbacks, timers, and a loop that is run by hand.
//!
//! asyncio: the event loop object. Most programs need none: [`run`](crate::run) makes a runtime, and what there
//! is to call back is a task. A [`LoopHandle`] gives the loop's methods inside any runtime; an [`EventLoop`] is
//! for code that is written for asyncio's, or that runs a loop by hand: `run_forever`, `stop`,
//! [`turn`](EventLoop::turn). In the loop of another framework, a GUI's, it is a guest: [`start_guest_run`](crate::start_guest_run).
//!
//! # Examples
//! ```
//! use bowerbird::EventLoop;
//! use std::time::Duration;
//!
//! let mut event_loop = EventLoop::new().unwrap();
//! let handle = event_loop.handle();
//! event_loop.call_later(Duration::from_millis(1), move || {
//!     println!("Hello World");
//!     handle.stop();
//! });
//! event_loop.run_forever().unwrap();
//! event_loop.close();
//! ```

mod callback;
mod strand;
mod timers;
mod state;
mod handle;
mod running;
#[cfg(unix)]
mod watch;
#[cfg(unix)]
mod descriptors;
#[cfg(all(unix, feature = "signal"))]
mod signals;
mod executor;
pub(crate) mod guest;
mod thread_pool;
pub(crate) mod threadsafe;

pub use callback::{CallbackHandle, TimerHandle};
pub use executor::{Executor, ExecutorError, Job, RunInExecutor};
pub use guest::HostCallback;
pub use handle::{LoopClosed, LoopHandle};
pub(crate) use state::LoopState;
pub use thread_pool::ThreadPoolExecutor;
pub(crate) use threadsafe::wait_for;
pub use threadsafe::{BlockingError, BlockingTask};

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::run::{RunError, Runner};
use crate::runtime::Builder;
use running::{RunForever, RunUntilComplete, Turn};

/// A loop that is run by hand, in turns.
///
/// asyncio: `asyncio.new_event_loop()`. It is a [`Runner`] with one worker, the thread that runs it, unless it
/// is built with more; between two runs nothing happens then. It dereferences to [`LoopHandle`], which has the
/// methods that need no turn: `call_soon`, `call_later`, `create_task`, `stop`, ... It stays on its thread; the
/// handle may go to others.
///
/// Dropping it closes it.
///
/// # Examples
/// ```
/// let mut event_loop = bowerbird::EventLoop::new().unwrap();
/// assert_eq!(event_loop.run_until_complete(async { 1 + 1 }).unwrap(), 2);
/// ```
pub struct EventLoop {
    /// `None` when it is closed.
    runner: Option<Runner>,
    handle: LoopHandle,
}

impl EventLoop {
    /// Makes a loop with one worker.
    ///
    /// asyncio: `asyncio.new_event_loop()`.
    ///
    /// # Errors
    /// If the system gives no descriptors.
    pub fn new() -> std::io::Result<Self> {
        Self::builder().build()
    }

    /// Returns a builder for a loop with other settings.
    ///
    /// Those of the end of a program are not among them: `sigint`, `sigterm`, `graceful`, `abort_after`. A
    /// loop leaves signals to the program, as asyncio's does; and it is run many times, in turns even, between
    /// which nobody would answer. A [`Runner`] has them. For a loop, give `add_signal_handler` a closure that
    /// stops it or cancels a task.
    ///
    /// ```compile_fail,E0599
    /// bowerbird::EventLoop::builder().graceful(std::time::Duration::from_secs(30));
    /// ```
    pub fn builder() -> Builder<Self> {
        Builder::new().worker_threads(1)
    }

    pub(crate) fn from_runner(runner: Runner, handle: LoopHandle) -> Self {
        handle.0.set_run_by_hand();
        Self { runner: Some(runner), handle }
    }

    /// Returns a handle of this loop for other threads, and for callbacks.
    pub fn handle(&self) -> LoopHandle {
        self.handle.clone()
    }

    /// Runs until a future is done, and gives its output.
    ///
    /// asyncio: `loop.run_until_complete`. A future given by value that is not done when the loop is stopped is
    /// dropped, and its cleanups are run; a task goes on in the next run, and `&mut task` keeps its handle.
    ///
    /// # Errors
    /// The future was cancelled; the loop was stopped before it was done; the loop is closed.
    ///
    /// # Panics
    /// If the future panics, with its panic; inside a task.
    #[track_caller]
    pub fn run_until_complete<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        let future = RunUntilComplete::new(self.handle.0.clone(), future);
        self.run(future)?.ok_or(RunError::Stopped)
    }

    /// Runs until [`stop`](LoopHandle::stop) is called.
    ///
    /// asyncio: `loop.run_forever`.
    ///
    /// # Errors
    /// The loop is closed.
    ///
    /// # Panics
    /// Inside a task.
    #[track_caller]
    pub fn run_forever(&mut self) -> Result<(), RunError> {
        let future = RunForever::new(self.handle.0.clone());
        self.run(future)
    }

    /// Makes one turn: waits for at most `timeout` until something is there to do, does what is ready, and
    /// returns. `None` waits without a limit.
    ///
    /// asyncio: one `_run_once`; in 3.16 `poll_events`, `process_events` and `process_ready`. It is for a loop
    /// that is called with a timeout of zero now and then, say once a frame. In the loop of another framework
    /// that sleeps while nothing happens, [`start_guest_run`](Self::start_guest_run) makes the turns when they are needed.
    ///
    /// # Errors
    /// The loop is closed.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// let mut event_loop = bowerbird::EventLoop::new().unwrap();
    /// let task = event_loop.create_task(async { bowerbird::sleep(Duration::from_millis(2)).await });
    /// while !task.done() {
    ///     // Draw a frame here.
    ///     event_loop.turn(Some(Duration::from_millis(1))).unwrap();
    /// }
    /// # drop(task);
    /// ```
    #[track_caller]
    pub fn turn(&mut self, timeout: Option<Duration>) -> Result<(), RunError> {
        let future = Turn::new(self.handle.0.clone(), timeout);
        self.run(future)
    }

    #[track_caller]
    fn run<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        let Some(runner) = &mut self.runner else { return Err(RunError::Closed) };
        let run = self.handle.0.begin_run();
        // Each run has a copy of the caller's context, as a task has.
        let result = runner.run_in(&mut crate::context::copy_context(), future);
        drop(run);
        result
    }

    /// Closes the loop: tasks that are left are cancelled and awaited, callbacks that are left are dropped.
    /// Closing it again does nothing.
    ///
    /// asyncio: `loop.close`, which leaves tasks pending and says so.
    ///
    /// # Examples
    /// ```
    /// let mut event_loop = bowerbird::EventLoop::new().unwrap();
    /// event_loop.close();
    /// event_loop.close();
    /// assert!(event_loop.is_closed());
    /// assert!(event_loop.call_soon_threadsafe(|| ()).is_err());
    /// ```
    pub fn close(&mut self) {
        drop(self.runner.take());
        self.handle.0.close();
    }
}

impl Drop for EventLoop {
    fn drop(&mut self) {
        self.close();
    }
}

impl Deref for EventLoop {
    type Target = LoopHandle;
    fn deref(&self) -> &LoopHandle {
        &self.handle
    }
}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .finish()
    }
}
