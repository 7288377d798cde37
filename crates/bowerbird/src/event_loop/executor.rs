//! `run_in_executor`: blocking work on threads that the program chooses.

use std::error::Error;
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_base::sync::Mutex;
use bowerbird_core::SpawnOptions;
use bowerbird_sync::Event;
use bowerbird_sync::oneshot::{self, Receiver};

use super::handle::LoopHandle;
use crate::context;
use crate::{TimeoutError, timeout};

/// Blocking work.
pub type Job = Box<dyn FnOnce() + Send>;

/// Something that calls closures, on threads of its own.
///
/// asyncio: `concurrent.futures.Executor`.
pub trait Executor: Send + Sync + 'static {
    /// Takes a job, to be called once.
    ///
    /// # Errors
    /// The job, if the executor takes no more.
    fn submit(&self, job: Job) -> Result<(), Job>;

    /// Takes no more jobs; those that it has are called. It does not wait.
    fn shutdown(&self) {}
}

impl<E: Executor + ?Sized> Executor for Arc<E> {
    fn submit(&self, job: Job) -> Result<(), Job> {
        (**self).submit(job)
    }

    fn shutdown(&self) {
        (**self).shutdown();
    }
}

/// The default executor of a loop, and what it has to do.
pub(crate) struct Executors {
    state: Mutex<State>,
    /// Set when the last job has ended; cleared by whoever waits for that.
    has_ended: Event,
}

struct State {
    /// `None` is the blocking pool of the runtime.
    default: Option<Arc<dyn Executor>>,
    is_shut_down: bool,
    job_count: usize,
}

impl Executors {
    pub(crate) fn new() -> Arc<Self> {
        let state = State { default: None, is_shut_down: false, job_count: 0 };
        Arc::new(Self { state: Mutex::new(state), has_ended: Event::new() })
    }

    fn default(&self) -> Option<Arc<dyn Executor>> {
        self.state.lock().default.clone()
    }

    /// Counts a job of the default executor, until the guard is dropped.
    fn begin(self: &Arc<Self>) -> Result<InHand, ExecutorError> {
        let mut state = self.state.lock();
        if state.is_shut_down {
            return Err(ExecutorError::ShutDown);
        }
        state.job_count += 1;
        drop(state);
        Ok(InHand(self.clone()))
    }

    /// Waits until no job is left; after [`close`](Self::close) none comes.
    async fn wait_until_idle(&self) {
        loop {
            {
                let state = self.state.lock();
                if state.job_count == 0 {
                    return;
                }
                // Under the lock: the last job is counted off under it, and sets the event after that.
                self.has_ended.clear();
            }
            self.has_ended.wait().await;
        }
    }

    /// Shuts the default executor down without waiting.
    pub(crate) fn close(&self) {
        let default = {
            let mut state = self.state.lock();
            state.is_shut_down = true;
            state.default.take()
        };
        if let Some(default) = default {
            default.shutdown();
        }
    }
}

/// A job that the default executor has.
struct InHand(Arc<Executors>);

impl Drop for InHand {
    fn drop(&mut self) {
        let is_last = {
            let mut state = self.0.state.lock();
            state.job_count -= 1;
            state.job_count == 0
        };
        if is_last {
            self.0.has_ended.set();
        }
    }
}

impl LoopHandle {
    /// Calls a closure on an executor; `None` is the default one.
    ///
    /// asyncio: `loop.run_in_executor`. Unless [`set_default_executor`](Self::set_default_executor) was
    /// called, the default is the blocking pool of the runtime. Context variables are **not** carried along, as
    /// in asyncio; [`to_thread`](crate::to_thread()) does that.
    ///
    /// # Cancel safety
    /// Dropping the future gives up the result. A closure that has not begun is not called then.
    ///
    /// # Errors
    /// The executor takes no more; it has dropped the closure uncalled.
    ///
    /// # Panics
    /// If the closure panics, the panic goes on in the awaiter.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::event_loop::{LoopHandle, ThreadPoolExecutor};
    ///
    /// bowerbird::run(async {
    ///     let event_loop = LoopHandle::current();
    ///     assert_eq!(event_loop.run_in_executor(None, || 1 + 1).await, Ok(2));
    ///     let pool = ThreadPoolExecutor::new(1);
    ///     assert_eq!(event_loop.run_in_executor(Some(&pool), || 2 + 2).await, Ok(4));
    /// });
    /// ```
    #[track_caller]
    pub fn run_in_executor<F, T>(&self, executor: Option<&dyn Executor>, f: F) -> RunInExecutor<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let mut in_hand = None;
        if executor.is_none() {
            match self.0.executors.begin() {
                Ok(begun) => in_hand = Some(begun),
                Err(error) => return RunInExecutor(Err(error)),
            }
        }
        let job: Job = Box::new(move || {
            let _in_hand = in_hand;
            if !sender.is_closed() {
                let result = catch_unwind(AssertUnwindSafe(f));
                // Nobody waits for it any more.
                let _lost = sender.send(result);
            }
        });
        let submitted = match (executor, self.0.executors.default()) {
            (Some(executor), _) => executor.submit(job),
            (None, Some(default)) => default.submit(job),
            (None, None) => self.submit_to_pool(job, Location::caller()),
        };
        match submitted {
            Ok(()) => RunInExecutor(Ok(receiver)),
            Err(job) => {
                drop(job);
                RunInExecutor(Err(ExecutorError::ShutDown))
            }
        }
    }

    fn submit_to_pool(&self, job: Job, location: &'static Location<'static>) -> Result<(), Job> {
        let Some(runtime) = self.0.runtime() else { return Err(job) };
        let mut options = SpawnOptions::default();
        options.context = Some(context::Context::new());
        drop(runtime.spawn_blocking(job, &options, location));
        Ok(())
    }

    /// Sets the executor that `run_in_executor(None, ..)` uses from now on.
    ///
    /// asyncio: `loop.set_default_executor`. The one before takes no more, and ends when its jobs are done. The end
    /// of the runtime does not wait for the jobs of an executor, as it does for the blocking pool; await
    /// [`shutdown_default_executor`](Self::shutdown_default_executor) for that.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::event_loop::{LoopHandle, ThreadPoolExecutor};
    ///
    /// bowerbird::run(async {
    ///     let event_loop = LoopHandle::current();
    ///     event_loop.set_default_executor(ThreadPoolExecutor::with_name(2, "disk"));
    ///     let name = event_loop.run_in_executor(None, || std::thread::current().name().map(String::from));
    ///     assert_eq!(name.await.unwrap().unwrap(), "disk-0");
    /// });
    /// ```
    pub fn set_default_executor(&self, executor: impl Executor) {
        let before = self.0.executors.state.lock().default.replace(Arc::new(executor));
        if let Some(before) = before {
            before.shutdown();
        }
    }

    /// Lets the default executor take no more, and waits until its jobs are done.
    ///
    /// asyncio: `loop.shutdown_default_executor(timeout)`, which `asyncio.run` calls at its end. `run_in_executor(None, ..)` gives an error from now
    /// on. `None` waits without a limit.
    ///
    /// # Cancel safety
    /// The executor stays shut down.
    ///
    /// # Errors
    /// If the time was over; what runs is left to itself.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::event_loop::{ExecutorError, LoopHandle};
    ///
    /// bowerbird::run(async {
    ///     let event_loop = LoopHandle::current();
    ///     event_loop.shutdown_default_executor(None).await.unwrap();
    ///     assert_eq!(event_loop.run_in_executor(None, || ()).await, Err(ExecutorError::ShutDown));
    /// });
    /// ```
    pub async fn shutdown_default_executor(
        &self,
        limit: Option<Duration>,
    ) -> Result<(), TimeoutError> {
        self.0.executors.close();
        let idle = self.0.executors.wait_until_idle();
        match limit {
            None => {
                idle.await;
                Ok(())
            }
            Some(limit) => timeout(limit, idle).await,
        }
    }
}

/// Why a closure given to an executor was not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExecutorError {
    /// The executor takes no more.
    ShutDown,
    /// The executor took the closure, and dropped it uncalled.
    Dropped,
}

impl fmt::Display for ExecutorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShutDown => "the executor was shut down, and takes no more closures",
            Self::Dropped => "the executor dropped the closure, and did not call it",
        })
    }
}

impl Error for ExecutorError {}

/// The future of [`LoopHandle::run_in_executor`].
#[derive(Debug)]
#[must_use = "the closure is not called if its future is dropped before it has begun"]
pub struct RunInExecutor<T>(Result<Receiver<std::thread::Result<T>>, ExecutorError>);

impl<T> Future for RunInExecutor<T> {
    type Output = Result<T, ExecutorError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Err(error) => Poll::Ready(Err(*error)),
            Ok(receiver) => Pin::new(receiver).poll(cx).map(|received| match received {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(payload)) => resume_unwind(payload),
                Err(_) => Err(ExecutorError::Dropped),
            }),
        }
    }
}
