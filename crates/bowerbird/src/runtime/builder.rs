//! The settings of a runtime.

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bowerbird_base::clock::Clock;
use bowerbird_core::{Config, MAX_WORKERS, PanicPolicy, TaskHandle, Threads, Unhandled};

use super::Runtime;
use super::driver::Driver;
use crate::cleanup::GRACE;
use crate::event_loop::{EventLoop, LoopHandle};
use crate::run::Runner;
use crate::run::settings::{Ending, OnSignal};

/// A change of the defaults.
type Setting = Box<dyn FnOnce(&mut Config) + Send>;

/// Sets up a [`Runtime`], a [`Runner`] or an [`EventLoop`].
///
/// # Examples
/// ```
/// let runtime = bowerbird::Runtime::builder().worker_threads(2).thread_name("worker").build().unwrap();
/// assert_eq!(runtime.handle().worker_count(), 2);
/// ```
#[must_use = "call build() to start the threads"]
pub struct Builder<R = Runtime> {
    worker_threads: Option<usize>,
    io_pollers: Option<usize>,
    start_paused: bool,
    is_debug: Option<bool>,
    cleanup_grace: Duration,
    settings: Vec<Setting>,
    ending: Ending,
    _makes: PhantomData<fn() -> R>,
}

impl<R> Builder<R> {
    pub(crate) fn new() -> Self {
        Self {
            worker_threads: None,
            io_pollers: None,
            start_paused: false,
            is_debug: None,
            cleanup_grace: GRACE,
            settings: Vec::new(),
            ending: Ending::default(),
            _makes: PhantomData,
        }
    }

    fn set(mut self, set: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        self.settings.push(Box::new(set));
        self
    }

    /// Sets the number of workers; the thread that calls `run` is one of them.
    ///
    /// Without it: `BOWERBIRD_WORKERS`, else one for each CPU that the process may use.
    pub fn worker_threads(mut self, count: usize) -> Self {
        self.worker_threads = Some(count);
        self
    }

    /// Sets the largest number of threads of the blocking pool; 512 unless set.
    pub fn max_blocking_threads(self, count: usize) -> Self {
        self.set(move |config| config.max_blocking_threads = count)
    }

    /// Sets how long an idle thread of the blocking pool stays; 10 seconds unless set.
    pub fn thread_keep_alive(self, time: Duration) -> Self {
        self.set(move |config| config.thread_keep_alive = time)
    }

    /// Sets the name of the threads: `name-0`, `name-1`, ...
    pub fn thread_name(self, name: impl Into<String>) -> Self {
        let name = name.into();
        self.thread_name_fn(move |index| format!("{name}-{index}"))
    }

    /// Sets the name of the threads by a function of their index.
    pub fn thread_name_fn(self, name: impl Fn(usize) -> String + Send + Sync + 'static) -> Self {
        self.set(move |config| config.thread_name = Arc::new(name))
    }

    /// Sets the stack size of the threads, in bytes.
    pub fn thread_stack_size(self, bytes: usize) -> Self {
        self.set(move |config| config.thread_stack_size = Some(bytes))
    }

    /// Sets what each thread of the runtime calls when it begins.
    pub fn on_thread_start(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.set(move |config| config.on_thread_start = Some(Arc::new(hook)))
    }

    /// Sets what each thread of the runtime calls before it ends.
    pub fn on_thread_stop(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.set(move |config| config.on_thread_stop = Some(Arc::new(hook)))
    }

    /// Sets what a worker calls before it sleeps.
    pub fn on_thread_park(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.set(move |config| config.on_thread_park = Some(Arc::new(hook)))
    }

    /// Sets what a worker calls after it slept.
    pub fn on_thread_unpark(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        self.set(move |config| config.on_thread_unpark = Some(Arc::new(hook)))
    }

    /// Sets what is called when a task was made, by the thread that spawns it, before the task's first poll.
    ///
    /// asyncio: `loop.set_task_factory`, for what factories are used for: counting, naming, tracing. A hook is
    /// told of tasks and of main, not of blocking calls; it may name the task or cancel it. Runtimes with hooks
    /// pay for them at each task; the others pay nothing. What a hook panics with is reported.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    ///
    /// let (spawned, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    /// let (spawns, ends) = (spawned.clone(), ended.clone());
    /// let runner = bowerbird::Runner::builder()
    ///     .on_task_spawn(move |_task| drop(spawns.fetch_add(1, Ordering::Relaxed)))
    ///     .on_task_terminate(move |_task| drop(ends.fetch_add(1, Ordering::Relaxed)))
    ///     .build();
    /// runner.unwrap().run(async { bowerbird::gather((async {}, async {})).await }).unwrap();
    /// // Main and its two children.
    /// assert_eq!((spawned.load(Ordering::Relaxed), ended.load(Ordering::Relaxed)), (3, 3));
    /// ```
    pub fn on_task_spawn(self, hook: impl Fn(&TaskHandle) + Send + Sync + 'static) -> Self {
        self.set(move |config| config.task_hooks.spawn = Some(Arc::new(hook)))
    }

    /// Sets what is called when a task has ended, and its cleanups too; see [`on_task_spawn`](Self::on_task_spawn).
    pub fn on_task_terminate(self, hook: impl Fn(&TaskHandle) + Send + Sync + 'static) -> Self {
        self.set(move |config| config.task_hooks.terminate = Some(Arc::new(hook)))
    }

    /// Sets what is called before each poll of a task; see [`on_task_spawn`](Self::on_task_spawn).
    pub fn on_before_task_poll(self, hook: impl Fn(&TaskHandle) + Send + Sync + 'static) -> Self {
        self.set(move |config| config.task_hooks.before_poll = Some(Arc::new(hook)))
    }

    /// Sets what is called after each poll of a task; see [`on_task_spawn`](Self::on_task_spawn).
    pub fn on_after_task_poll(self, hook: impl Fn(&TaskHandle) + Send + Sync + 'static) -> Self {
        self.set(move |config| config.task_hooks.after_poll = Some(Arc::new(hook)))
    }

    /// Sets what happens when a task panics and nobody awaits it.
    pub fn panic_policy(self, policy: PanicPolicy) -> Self {
        self.set(move |config| config.panic_policy = policy)
    }

    /// Sets who hears what nobody retrieved: panics of detached tasks, work left behind at the end. Unless
    /// set, a line on standard error. It is called with the context variables of the task or callback that
    /// failed.
    ///
    /// asyncio: `loop.set_exception_handler`.
    pub fn exception_handler(self, handler: impl Fn(&Unhandled) + Send + Sync + 'static) -> Self {
        self.set(move |config| config.exception_handler = Arc::new(handler))
    }

    /// Sets how long the end of the runtime waits for blocking calls that are going on; 300 seconds
    /// (asyncio's figure) unless set.
    pub fn blocking_shutdown_timeout(self, timeout: Duration) -> Self {
        self.set(move |config| config.blocking_shutdown_timeout = timeout)
    }

    /// Sets how long a scope waits for the cleanups that one drop left behind; 10 seconds unless set. What
    /// overruns is reported and dropped.
    pub fn cleanup_grace(mut self, grace: Duration) -> Self {
        self.cleanup_grace = grace;
        self
    }

    /// Switches debug mode on or off; see [`Handle::set_debug`](crate::runtime::Handle::set_debug). Unless set,
    /// `BOWERBIRD_DEBUG` says.
    ///
    /// asyncio: `asyncio.run(.., debug=True)`, `PYTHONASYNCIODEBUG`.
    pub fn debug(mut self, is_on: bool) -> Self {
        self.is_debug = Some(is_on);
        self
    }

    /// Says whether each task keeps what it waits for, for the call graph; off unless set. Debug mode does so
    /// too.
    pub fn track_waits(self, is_on: bool) -> Self {
        self.set(move |config| config.tracks_waits = is_on)
    }

    /// Sets from when on debug mode reports a poll or a callback; 100 milliseconds unless set.
    ///
    /// asyncio: `loop.slow_callback_duration`.
    pub fn slow_callback_duration(self, duration: Duration) -> Self {
        self.set(move |config| config.slow_callback_duration = duration)
    }

    /// Sets the seed of the choices that workers make when they steal, and that fair races and selections make.
    ///
    /// With one worker, the same seed gives the same choices.
    pub fn seed(self, seed: u64) -> Self {
        self.set(move |config| config.seed = seed)
    }

    /// Starts with a paused clock; see [`time::pause`](crate::time::pause).
    pub fn start_paused(mut self, is_paused: bool) -> Self {
        self.start_paused = is_paused;
        self
    }

    /// Sets the number of pollers that wait for events: one for up to eight workers unless set.
    pub fn io_pollers(mut self, count: usize) -> Self {
        self.io_pollers = Some(count);
        self
    }

    fn start(
        self,
        threads: Threads,
        has_turns: bool,
    ) -> io::Result<(Arc<bowerbird_core::Runtime>, Arc<Driver>)> {
        let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
        let mut config = match self.worker_threads {
            None => Config::from_environment().map_err(invalid)?,
            Some(count) if (1..=MAX_WORKERS).contains(&count) => Config::with_workers(count),
            Some(count) => {
                let text = format!(
                    "worker_threads({count}) is not a number of workers; give one from 1 to {MAX_WORKERS}"
                );
                return Err(invalid(text));
            }
        };
        config.is_debug =
            self.is_debug.map_or_else(Config::debug_from_environment, Ok).map_err(invalid)?;
        self.settings.into_iter().for_each(|set| set(&mut config));
        let clock = Arc::new(Clock::new());
        if self.start_paused {
            clock.pause();
        }
        let workers = config.worker_threads;
        let pollers = self.io_pollers.unwrap_or(workers.div_ceil(8)).clamp(1, workers.max(1));
        let driver = Driver::new(workers, pollers, clock, self.cleanup_grace)?;
        if has_turns {
            // A turn that waits for something to do ends when its worker has slept.
            let (event_loop, hook) = (driver.event_loop().clone(), config.on_thread_unpark.take());
            config.on_thread_unpark = Some(Arc::new(move || {
                event_loop.worker_woke();
                if let Some(hook) = &hook {
                    hook();
                }
            }));
        }
        let runtime = bowerbird_core::Runtime::start(config, driver.clone(), threads)?;
        driver.set_runtime(&runtime);
        Ok((runtime, driver))
    }
}

impl Builder<EventLoop> {
    /// Makes the loop and starts its threads, if it has more than one worker.
    ///
    /// # Errors
    /// A bad number of workers; no threads or descriptors to be had.
    pub fn build(self) -> io::Result<EventLoop> {
        let (core, driver) = self.start(Threads::AllButFirst, true)?;
        // As asyncio's: a loop leaves signals to the program.
        let (sigint, sigterm) = (OnSignal::Default, OnSignal::Default);
        let runner =
            Runner::from_parts(core, driver, Ending { sigint, sigterm, ..Ending::default() });
        let handle = {
            let _entered = runner.handle().enter();
            LoopHandle::current()
        };
        Ok(EventLoop::from_runner(runner, handle))
    }
}

impl Builder<Runtime> {
    /// Makes the runtime and starts its threads.
    ///
    /// # Errors
    /// A bad number of workers, here or in `BOWERBIRD_WORKERS`; a bad `BOWERBIRD_DEBUG`; no threads or
    /// descriptors to be had.
    pub fn build(self) -> io::Result<Runtime> {
        self.start(Threads::All, false).map(|(core, _)| Runtime::from_core(core))
    }
}

impl Builder<Runner> {
    /// Makes the runner and starts its threads.
    ///
    /// # Errors
    /// A bad number of workers, here or in `BOWERBIRD_WORKERS`; a bad `BOWERBIRD_DEBUG`; no threads or
    /// descriptors to be had.
    pub fn build(self) -> io::Result<Runner> {
        let ending = self.ending.clone();
        let (core, driver) = self.start(Threads::AllButFirst, false)?;
        Ok(Runner::from_parts(core, driver, ending))
    }

    /// Sets what Ctrl-C (`SIGINT`) does during a run on the main thread; [`OnSignal::CancelMain`] unless set.
    ///
    /// asyncio: no counterpart; `Runner.run` always takes it.
    pub fn sigint(mut self, reaction: OnSignal) -> Self {
        self.ending.sigint = reaction;
        self
    }

    /// Sets what `SIGTERM` does during a run on the main thread; [`OnSignal::CancelMain`] unless set.
    ///
    /// asyncio: no counterpart; it leaves `SIGTERM` alone, as [`OnSignal::Default`] does.
    pub fn sigterm(mut self, reaction: OnSignal) -> Self {
        self.ending.sigterm = reaction;
        self
    }

    /// Lets the program end in phases when it is asked to, by `SIGINT`, `SIGTERM` or
    /// [`Handle::request_shutdown`](crate::runtime::Handle::request_shutdown).
    ///
    /// asyncio: no counterpart.
    ///
    /// 1. *Stop accepting.* [`shutdown_requested`](crate::shutdown_requested) is done everywhere.
    /// 2. *Drain.* The main future goes on until it ends, for at most `grace`. If it ends, the run gives its
    ///    output as ever; what it has spawned and not awaited is cancelled when the runner is closed, as ever, so
    ///    a server awaits its connections.
    /// 3. *Cancel.* The main future is cancelled; cleanups run. The run ends with an error that says why.
    /// 4. *Abort.* What has not ended [some time](Self::abort_after) later is reported by name. If the main
    ///    future is among it, the process exits, with the code of the signal, or 1; otherwise the rest is
    ///    left behind.
    ///
    /// Each further signal begins the next phase at once; the third of a run ends the process whatever its threads
    /// do. From phase 3 on the exception
    /// handler hears what is done, and which tasks had not ended; [`Runner::last_shutdown`] tells it too.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use bowerbird::runtime::ShutdownPhase;
    /// use bowerbird::runtime::Handle;
    /// use bowerbird::{RunError, Runner};
    ///
    /// let mut runner = Runner::builder().graceful(Duration::from_millis(1)).build().unwrap();
    /// let ended = runner.run(async {
    ///     Handle::current().request_shutdown();
    ///     std::future::pending::<()>().await // does not care
    /// });
    /// assert!(matches!(ended, Err(RunError::Cancelled(_))));
    /// assert_eq!(runner.last_shutdown().unwrap().phase, ShutdownPhase::Cancel);
    /// ```
    pub fn graceful(mut self, grace: Duration) -> Self {
        self.ending.grace = Some(grace);
        self
    }

    /// Sets how long what a [`graceful`](Self::graceful) shutdown has cancelled may take; 10 seconds unless set.
    ///
    /// asyncio: no counterpart.
    pub fn abort_after(mut self, time: Duration) -> Self {
        self.ending.abort_after = time;
        self
    }
}

impl<R> fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("worker_threads", &self.worker_threads)
            .finish_non_exhaustive()
    }
}
