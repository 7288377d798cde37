//! `run`: a program's main future, from its first poll to the end of everything that it started.

mod error;
pub(crate) mod session;
pub(crate) mod settings;
#[cfg(all(unix, feature = "signal"))]
mod signals;
#[cfg(not(all(unix, feature = "signal")))]
#[path = "run/no_signals.rs"]
mod signals;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bowerbird_core::{Patience, SpawnError, TaskError, Unhandled, UnhandledKind};

use crate::context::{Context, copy_context};
use crate::runtime::driver::Driver;
use crate::runtime::{Builder, Handle, output_of_main};

pub use error::RunError;
use session::Session;
use settings::Ending;
pub use settings::{OnSignal, Shutdown, ShutdownCause, ShutdownPhase};
use signals::SignalWatch;

/// Runs a future to its end, and then everything that it has spawned.
///
/// asyncio: `asyncio.run`. A new runtime is made; the thread that calls is one of its workers and polls
/// the future, which need not be `Send`. When it has ended, the tasks that are left are cancelled and
/// awaited, the blocking pool is joined, and only then `run` returns: no task, thread or descriptor stays.
///
/// # Signals
/// On the process's main thread, and where their default action is installed, Ctrl-C (`SIGINT`) and `SIGTERM`
/// are answered: the first one cancels the main future; cleanups run, what is left is cancelled and awaited,
/// and then the process exits with 130 (143 for `SIGTERM`). The second one ends the process at once, whatever
/// its threads do. While somebody listens for the signal (`bowerbird::signal`), it is theirs. asyncio raises
/// `KeyboardInterrupt`, and leaves `SIGTERM` alone. [`Runner`] has settings for this, and returns an error.
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
    check_may_start("run()");
    match Runner::new() {
        Ok(runner) => runner.run_and_close(future, "run"),
        Err(error) => panic!("run() could not start a runtime: {error}"),
    }
}

/// What `#[bowerbird::main]` with arguments calls: [`run`] with settings.
#[doc(hidden)]
#[track_caller]
pub fn run_main<F: Future>(builder: Builder<Runner>, future: F, name: &str) -> F::Output {
    match builder.build() {
        Ok(runner) => runner.run_and_close(future, name),
        Err(error) => panic!("the runtime of `{name}` could not be started: {error}"),
    }
}

/// What a panic carries.
type Payload = Box<dyn std::any::Any + Send>;

/// Runs several main futures, one after the other, on one runtime.
///
/// asyncio: `asyncio.Runner`. Tasks that one run leaves behind go on in the next, and the context variables
/// that one main future sets are there for the next; dropping the runner cancels and awaits what is left. It
/// stays on its thread, as a loop does.
///
/// # Examples
/// ```
/// let mut runner = bowerbird::Runner::new().unwrap();
/// let task = runner.run(async { bowerbird::spawn(async { 1 }) }).unwrap();
/// assert_eq!(runner.run(async { task.await.unwrap() + 1 }).unwrap(), 2);
/// ```
pub struct Runner {
    core: Arc<bowerbird_core::Runtime>,
    driver: Arc<Driver>,
    ending: Ending,
    /// Made by the first run, a copy of the thread's.
    context: Option<Context>,
    last_shutdown: Option<Shutdown>,
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

    pub(crate) fn from_parts(
        core: Arc<bowerbird_core::Runtime>,
        driver: Arc<Driver>,
        ending: Ending,
    ) -> Self {
        let (context, last_shutdown) = (None, None);
        Self { core, driver, ending, context, last_shutdown, _not_send: PhantomData }
    }

    /// Runs a future to its end.
    ///
    /// asyncio: `Runner.run`. All runs of one runner share a context, which is a copy of the thread's at the
    /// first run.
    ///
    /// # Signals
    /// As in [`run`](crate::run()), but the end of the main future is an error, and the process goes on. The
    /// handlers are those from before again when this returns.
    ///
    /// # Errors
    /// If the future was cancelled: by a signal, if it ended cancelled and nobody else had asked for that.
    ///
    /// # Panics
    /// If the future panics, with its panic; inside a task.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{RunError, Runner, current_task};
    ///
    /// let mut runner = Runner::new().unwrap();
    /// let ended = runner.run(async {
    ///     current_task().unwrap().cancel_with("no more");
    ///     std::future::pending::<()>().await
    /// });
    /// assert_eq!(ended, Err(RunError::Cancelled(Some("no more".into()))));
    /// ```
    #[track_caller]
    pub fn run<F: Future>(&mut self, future: F) -> Result<F::Output, RunError> {
        let mut context = self.context.take().unwrap_or_else(copy_context);
        let ended = self.run_watched(&mut context, future);
        self.context = Some(context);
        ended.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }

    /// Runs a future to its end in a context that the caller keeps: what the future sets is there afterwards.
    ///
    /// asyncio: `Runner.run(coro, context=context)`.
    ///
    /// # Errors
    /// As for [`run`](Self::run).
    ///
    /// # Panics
    /// As [`run`](Self::run).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::context::{Context, ContextVar};
    /// static USER: ContextVar<&str> = ContextVar::new("user");
    ///
    /// let mut context = Context::new();
    /// let mut runner = bowerbird::Runner::new().unwrap();
    /// runner.run_in(&mut context, async { drop(USER.set("ann")) }).unwrap();
    /// assert_eq!(context.get(&USER), Some("ann"));
    /// ```
    #[track_caller]
    pub fn run_in<F: Future>(
        &mut self,
        context: &mut Context,
        future: F,
    ) -> Result<F::Output, RunError> {
        let ended = self.run_watched(context, future);
        ended.unwrap_or_else(|payload| std::panic::resume_unwind(payload))
    }

    /// Runs a future; a panic is an error here, so that the caller can put things back first.
    #[track_caller]
    fn run_watched<F: Future>(
        &mut self,
        context: &mut Context,
        future: F,
    ) -> Result<Result<F::Output, RunError>, Payload> {
        let session = Session::new(self.handle(), &self.ending);
        let watch = self.watch_signals(&session);
        let output = self.core.run_main(future, Some(context), |main| {
            self.main_begins(&session, main);
        });
        self.core.set_shutdown_hook(None);
        let (output, error, shutdown) = session.judge(output);
        drop(watch);
        self.last_shutdown = shutdown;
        match (output.map_err(TaskError::try_into_panic), error) {
            (Ok(output), _) => Ok(Ok(output)),
            (Err(Ok(payload)), _) => Err(payload),
            (Err(Err(_)), Some(error)) => Ok(Err(error)),
            (Err(Err(cancelled)), None) => {
                Ok(Err(RunError::Cancelled(cancelled.message().map(str::to_owned))))
            }
        }
    }

    /// Runs the only main future of this runner and closes it; ends the process where a signal has asked for
    /// that.
    #[track_caller]
    fn run_and_close<F: Future>(self, future: F, call: &str) -> F::Output {
        let session = Session::new(self.handle(), &self.ending);
        let watch = self.watch_signals(&session);
        let output = self.core.run_main(future, None, |main| self.main_begins(&session, main));
        self.core.set_shutdown_hook(None);
        let (output, error, _) = session.judge(output);
        let count = || watch.as_ref().map_or(0, SignalWatch::count);
        let count_before = count();
        let has_grace = self.ending.grace.is_some();
        drop(self);
        let late = watch.as_ref().filter(|_| !has_grace && count() > count_before);
        let late = late.and_then(SignalWatch::first).map(|cause| cause.error(None));
        match late.or(error) {
            Some(error @ (RunError::Interrupted | RunError::Terminated)) => {
                std::process::exit(error.exit_code())
            }
            _ => output_of_main(output, call),
        }
    }

    pub(crate) fn core(&self) -> &Arc<bowerbird_core::Runtime> {
        &self.core
    }

    fn watch_signals(&self, session: &Arc<Session>) -> Option<SignalWatch> {
        SignalWatch::begin(session, &self.ending, self.driver.io()).unwrap_or_else(|error| {
            let message = "run() could not take signals over, and leaves them alone";
            let unhandled = Unhandled::new(UnhandledKind::Runtime, message).with_error(error);
            self.handle().call_exception_handler(&unhandled);
            None
        })
    }

    fn main_begins(&self, session: &Arc<Session>, main: &bowerbird_core::TaskHandle) {
        session.main_begins(main);
        if let Some(hook) = session.shutdown_hook() {
            if self.core.set_shutdown_hook(Some(hook)) {
                session.begin_shutdown();
            }
        }
    }

    /// Returns what the shutdown did that was asked for during the last run; `None` if none was, or without
    /// [`graceful`](Builder::graceful).
    ///
    /// asyncio: no counterpart.
    pub fn last_shutdown(&self) -> Option<Shutdown> {
        self.last_shutdown
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
        let patience = Session::patience(&self.handle(), &self.ending);
        self.core.shut_down(patience.map_or(Patience::Complete, Patience::Timeout));
    }
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

/// Refuses what runs a loop on a thread that polls a task.
#[track_caller]
pub(crate) fn check_may_start(what: &str) {
    if let Err(error) = bowerbird_core::check_may_block() {
        let bowerbird_core::InsideRuntime = error;
        panic!("{what} was called inside a task of a running runtime; await the future instead");
    }
}

/// The panic of a call that needs a runtime.
#[track_caller]
pub(crate) fn outside_a_runtime(call: &str) -> ! {
    SpawnError::NoRuntime.panic(call)
}
