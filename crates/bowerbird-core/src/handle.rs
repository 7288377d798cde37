//! A runtime seen from anywhere.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::poll_context;

use crate::call_graph::CallGraph;
use crate::current;
use crate::report::ExceptionHandler;
use crate::runtime::{Entered, Flags, Runtime};
use crate::shutdown_request::ShutdownRequested;
use crate::spawn::{SpawnError, SpawnOptions};
use crate::task::error::TaskError;
use crate::task::handle::TaskHandle;
use crate::task::header::Header;
use crate::task::join::Task;
use crate::unhandled::Unhandled;

/// A handle of a runtime: spawns on it from any thread.
///
/// asyncio: what `run_coroutine_threadsafe` takes the loop for.
#[derive(Clone)]
pub struct Handle(Arc<Runtime>);

impl Handle {
    /// Makes a handle of a runtime.
    pub fn new(runtime: &Arc<Runtime>) -> Self {
        Self(runtime.clone())
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.0
    }

    /// Returns the runtime of this thread, if it belongs to one.
    pub fn try_current() -> Option<Self> {
        current::runtime().map(Self)
    }

    /// Returns the runtime of this thread.
    ///
    /// asyncio: `get_running_loop()`.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn current() -> Self {
        // No closure: it would not point at the caller.
        match Self::try_current() {
            Some(handle) => handle,
            None => SpawnError::NoRuntime.panic("Handle::current"),
        }
    }

    /// Spawns a task on this runtime, from any thread.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(future, &SpawnOptions::default())
    }

    /// Runs a closure on the blocking pool of this runtime.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.0.spawn_blocking(f, &SpawnOptions::default(), Location::caller())
    }

    /// Waits on this thread for a future, which may use everything of this runtime.
    ///
    /// # Errors
    /// If the future was cancelled or has panicked.
    ///
    /// # Panics
    /// Inside a task: await the future instead.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, TaskError> {
        self.0.block_on(future)
    }

    /// Makes this thread one of this runtime's until the guard is dropped: `spawn`, `sleep` and sockets
    /// then work on it.
    #[must_use = "the runtime is left when the guard is dropped"]
    pub fn enter(&self) -> EnterGuard {
        EnterGuard { _entered: Entered::new(&self.0, None), _not_send: PhantomData }
    }

    /// Returns the tasks of this runtime that have not ended.
    pub fn all_tasks(&self) -> Vec<TaskHandle> {
        let mut tasks = Vec::new();
        self.0.for_each_task(|task| {
            if !task.is_hidden() {
                tasks.push(task);
            }
        });
        tasks.sort_by_key(TaskHandle::id);
        tasks
    }

    /// Sets who hears what nobody retrieved: panics of detached tasks, failing callbacks, work left behind.
    ///
    /// asyncio: `loop.set_exception_handler`; for `None` give [`default_exception_handler`]. The
    /// handler is called on the thread where the thing happens, and must not block.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let handle = bowerbird::runtime::Handle::current();
    ///     handle.set_exception_handler(|unhandled| eprintln!("[{:?}] {unhandled}", unhandled.kind));
    /// });
    /// ```
    ///
    /// [`default_exception_handler`]: crate::default_exception_handler
    pub fn set_exception_handler(&self, handler: impl Fn(&Unhandled) + Send + Sync + 'static) {
        self.0.reporter.set_handler(Arc::new(handler));
    }

    /// Returns the handler that is set.
    ///
    /// asyncio: `loop.get_exception_handler`.
    pub fn exception_handler(&self) -> ExceptionHandler {
        self.0.reporter.handler()
    }

    /// Tells the handler of this runtime, from any thread.
    ///
    /// asyncio: `loop.call_exception_handler`.
    pub fn call_exception_handler(&self, unhandled: &Unhandled) {
        self.0.reporter.report(unhandled);
    }

    /// Switches debug mode on or off, for the tasks that there are too.
    ///
    /// asyncio: `loop.set_debug`. `BOWERBIRD_DEBUG=1` and the builder switch it on at the start. Debug mode reports
    /// to the exception handler:
    ///
    /// - polls and callbacks that take longer than [`slow_callback_duration`](Self::slow_callback_duration), after
    ///   the fact;
    /// - futures of this library that are dropped before their first poll, with the name of the call, the line that
    ///   made them, and the task that drops them ("coroutine ... was never awaited");
    /// - a `TcpStream` that was written to and is dropped without `shutdown()`, and one that is dropped with input
    ///   that nobody has read, which resets the connection ("unclosed transport").
    ///
    /// Tasks that are spawned in it know [from where](TaskHandle::spawn_backtrace), which reports and `{:#?}` show;
    /// and what tasks wait for is kept for the call graph.
    ///
    /// # What counts as never awaited
    /// A future that nobody could have awaited is not reported, nor what it holds: what a task or a scope had in hand
    /// when it was cancelled, timed out or panicked (asyncio reports such coroutines when they are collected); a
    /// task that is cancelled before its first poll, as in asyncio; the losers of `race`, `select!` and
    /// `staggered_race`, what `try_join` has left when a branch fails, a branch of `select!` that is disabled. Of
    /// futures inside one another the outermost is reported, where asyncio reports each. A combinator of another
    /// crate that drops what it has not polled is reported, and so is a future whose `&mut` was lent to a contest that
    /// ended before it came to its turn.
    ///
    /// Known are the futures that keep the line which made them: those of functions that are no `async fn`. Not known
    /// are `yield_now`, `Interval::tick`, `TcpStream::flush`, `time::advance`, the `next` of streams, sets, queues and
    /// results, [`TaskHandle::wait`], `TaskSet::join_all` and `shutdown`, `Defer::run`, `Results::all` and `first_ok`,
    /// `EventLoop::shutdown_default_executor`; the compiler warns of those that are dropped on the spot. An `async`
    /// block of the program's own is not known either, but what of ours it has taken with it is. Tasks, the ends of
    /// channels and the futures of a `Promise` are objects, which need not be awaited.
    ///
    /// Whether a future is looked at is decided when it is made. Where a thread without a runtime drops it, standard
    /// error is told; a runtime that is not in debug mode says nothing while another one is.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     bowerbird::runtime::Handle::current().set_debug(true);
    ///     let task = bowerbird::spawn(async {});
    ///     assert!(task.spawn_backtrace().is_some());
    /// });
    /// ```
    pub fn set_debug(&self, is_on: bool) {
        self.0.set_watching(Flags::DEBUG, is_on);
    }

    /// Returns whether debug mode is on.
    ///
    /// asyncio: `loop.get_debug`.
    pub fn get_debug(&self) -> bool {
        self.0.flags().is_debug()
    }

    /// Says whether each task keeps what it waits for, which the call graph shows. Debug mode does so too.
    ///
    /// asyncio: no counterpart; a suspended coroutine has its frames. A task that is kept so costs a lock
    /// and a few writes a poll, and memory for what it waits for.
    pub fn set_track_waits(&self, is_on: bool) {
        self.0.set_watching(Flags::TRACK, is_on);
    }

    /// Returns whether each task keeps what it waits for.
    pub fn get_track_waits(&self) -> bool {
        self.0.flags().is_watching()
    }

    /// Sets from when on debug mode reports a poll or a callback; 100 milliseconds unless set.
    ///
    /// asyncio: `loop.slow_callback_duration`.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.0.set_slow_callback_duration(duration);
    }

    /// Returns from when on debug mode reports a poll or a callback.
    pub fn slow_callback_duration(&self) -> Duration {
        self.0.slow_callback_duration()
    }

    /// Asks the runtime to end: [`shutdown_requested`](Self::shutdown_requested) is done everywhere in it. In
    /// a `Runner` with `graceful` the phases of the shutdown begin. Asking again does nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let server = bowerbird::spawn(bowerbird::shutdown_requested());
    ///     bowerbird::runtime::Handle::current().request_shutdown();
    ///     server.await.unwrap();
    /// });
    /// ```
    pub fn request_shutdown(&self) {
        self.0.shutdown_request.make();
    }

    /// Returns whether the runtime was asked to end, or is ending.
    ///
    /// asyncio: no counterpart.
    pub fn is_shutting_down(&self) -> bool {
        self.0.shutdown_request.is_made()
    }

    /// Waits until this runtime is asked to end, from any thread.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn shutdown_requested(&self) -> ShutdownRequested {
        self.0.shutdown_request.wait()
    }

    /// Captures who awaits a task of this runtime, from any thread; see
    /// [`capture_call_graph`](crate::capture_call_graph).
    pub fn capture_call_graph(&self, task: &TaskHandle) -> CallGraph {
        self.0.call_graph_of(task.clone())
    }

    /// Returns how many workers the runtime has.
    pub fn worker_count(&self) -> usize {
        self.0.seats.len()
    }

    /// Returns how many workers sleep at the moment.
    pub fn sleeping_worker_count(&self) -> usize {
        self.0.idle.sleeping_count()
    }

    /// Returns how many polls the workers have begun so far.
    pub fn poll_count(&self) -> u64 {
        self.0.seats.iter().map(|seat| seat.polls()).sum()
    }

    /// Returns how many threads the blocking pool has, how many of them are idle, and how much is queued.
    pub fn blocking_figures(&self) -> (usize, usize, usize) {
        self.0.blocking.figures()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// This thread belongs to a runtime until the guard is dropped. It stays on its thread.
pub struct EnterGuard {
    _entered: Entered,
    _not_send: PhantomData<*const ()>,
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

/// Returns the task that is being polled in this thread.
///
/// asyncio: `current_task()`; `None` outside a task, and in a callback.
pub fn current_task() -> Option<TaskHandle> {
    // What calls back (done callbacks, `call_soon`) is no task of the user's.
    polled_task().filter(|task| !task.is_hidden())
}

/// The task that this thread polls, also one that nobody sees.
pub(crate) fn polled_task() -> Option<TaskHandle> {
    let address = poll_context::current_task().cast::<Header>().cast_mut();
    NonNull::new(address).map(TaskHandle::retain)
}

/// Returns the tasks of this thread's runtime that have not ended, the oldest first.
///
/// asyncio: `all_tasks()`; empty outside a runtime.
pub fn all_tasks() -> Vec<TaskHandle> {
    Handle::try_current().map(|handle| handle.all_tasks()).unwrap_or_default()
}
