//! `run_coroutine_threadsafe`: a future on a loop, waited for by a thread that runs none.

use std::error::Error;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use bowerbird_base::clock::system_now;
use bowerbird_base::poll_context;
use bowerbird_core::{Handle, SpawnOptions, Task, TaskError, TaskHandle, check_may_block};

use super::handle::{LoopHandle, closed};

/// Runs a future on a loop, from any thread, and gives a handle that a thread can wait on.
///
/// asyncio: `run_coroutine_threadsafe`. The loop is a [`LoopHandle`], or a [`Handle`] of a runtime. To await it in
/// another runtime, take [`into_task`](BlockingTask::into_task).
///
/// # Panics
/// If the loop is closed.
///
/// # Examples
/// ```
/// use bowerbird::{Runtime, run_coroutine_threadsafe};
/// use std::time::Duration;
///
/// let runtime = Runtime::new().unwrap();
/// let mut answer = run_coroutine_threadsafe(async { 6 * 7 }, &runtime.handle());
/// assert_eq!(answer.result(Some(Duration::from_secs(60))).unwrap(), 42);
/// ```
#[track_caller]
pub fn run_coroutine_threadsafe<F>(
    future: F,
    event_loop: impl Into<LoopHandle>,
) -> BlockingTask<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match event_loop.into().0.runtime() {
        Some(runtime) => {
            let task = runtime.spawn(future, &SpawnOptions::default());
            BlockingTask { handle: task.handle(), task: Some(task) }
        }
        None => closed("run_coroutine_threadsafe"),
    }
}

impl From<&LoopHandle> for LoopHandle {
    fn from(event_loop: &LoopHandle) -> Self {
        event_loop.clone()
    }
}

impl From<&Handle> for LoopHandle {
    /// The loop of a runtime.
    fn from(runtime: &Handle) -> Self {
        let _entered = runtime.enter();
        Self::current()
    }
}

/// A task that a thread can wait on.
///
/// asyncio: the `concurrent.futures.Future` that `run_coroutine_threadsafe` gives. It dereferences to
/// [`TaskHandle`], which has `done`, `cancel`, `add_done_callback`, ... Dropping it lets the task run on.
#[must_use = "the task runs on when its handle is dropped; wait for it, or drop it on purpose"]
pub struct BlockingTask<T> {
    handle: TaskHandle,
    /// `None` when the output was given.
    task: Option<Task<T>>,
}

impl<T> BlockingTask<T> {
    /// Blocks this thread until the task has ended, and gives its output; `None` waits without a limit.
    ///
    /// asyncio: `concurrent.futures.Future.result(timeout)`. When the time is over the task runs on, and this may
    /// be called again. The output is given once.
    ///
    /// # Errors
    /// [`BlockingError::TimedOut`]; that of the task, if it was cancelled or panicked.
    ///
    /// # Panics
    /// On a thread that runs tasks, where it would keep the worker from running this one; if the output was
    /// given before.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::event_loop::BlockingError;
    /// use bowerbird::{Runtime, run_coroutine_threadsafe};
    /// use std::time::Duration;
    ///
    /// let runtime = Runtime::new().unwrap();
    /// let mut never = run_coroutine_threadsafe(std::future::pending::<()>(), &runtime.handle());
    /// let result = never.result(Some(Duration::from_millis(1)));
    /// assert!(matches!(result, Err(BlockingError::TimedOut)));
    /// never.cancel();
    /// assert!(matches!(never.result(None), Err(BlockingError::Task(error)) if error.is_cancelled()));
    /// ```
    #[track_caller]
    pub fn result(&mut self, timeout: Option<Duration>) -> Result<T, BlockingError> {
        if check_may_block().is_err() {
            panic!(
                "result() was called inside a task, and would block the worker that runs it; await \
                 `into_task()` instead, or call it in `to_thread`"
            );
        }
        let Some(task) = &mut self.task else {
            panic!("result() was called again after it had given the output; keep the first one");
        };
        let deadline = timeout.and_then(|timeout| system_now().checked_add(timeout));
        let output = wait_for(task, deadline).ok_or(BlockingError::TimedOut)?;
        self.task = None;
        output.map_err(BlockingError::Task)
    }

    /// Gives the task itself, to be awaited.
    ///
    /// asyncio: `asyncio.wrap_future`.
    ///
    /// # Panics
    /// If [`result`](Self::result) has given the output.
    #[track_caller]
    pub fn into_task(self) -> Task<T> {
        match self.task {
            Some(task) => task,
            None => panic!("into_task() was called after result() had given the output"),
        }
    }
}

/// Parks this thread until the task has ended, or until the deadline.
pub(crate) fn wait_for<T>(
    task: &mut Task<T>,
    deadline: Option<Instant>,
) -> Option<Result<T, TaskError>> {
    /// Wakes the thread that made it.
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    // In a closure of the blocking pool: its own poll has nothing to do with this one.
    let _outer = poll_context::set_aside();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = Pin::new(&mut *task).poll(&mut cx) {
            return Some(output);
        }
        let Some(deadline) = deadline else {
            thread::park();
            continue;
        };
        let left = deadline.saturating_duration_since(system_now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

impl<T> Deref for BlockingTask<T> {
    type Target = TaskHandle;
    fn deref(&self) -> &TaskHandle {
        &self.handle
    }
}

impl<T> fmt::Debug for BlockingTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

/// Why [`BlockingTask::result`] gave no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum BlockingError {
    /// The time was over; the task runs on.
    TimedOut,
    /// The task was cancelled or panicked.
    Task(TaskError),
}

impl fmt::Display for BlockingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the time was over before the task had ended"),
            Self::Task(error) => error.fmt(f),
        }
    }
}

impl Error for BlockingError {}
