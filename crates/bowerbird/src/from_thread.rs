//! From a blocking thread back into the runtime: for closures of [`to_thread`](crate::to_thread()).
//!
//! asyncio: no counterpart but `run_coroutine_threadsafe`; trio and anyio have it as `from_thread`.
//!
//! # Examples
//! ```
//! use bowerbird::{from_thread, to_thread};
//!
//! async fn ask() -> u32 {
//!     bowerbird::yield_now().await;
//!     42
//! }
//! bowerbird::run(async {
//!     let answer = to_thread(|| from_thread::run(ask()).unwrap() + 1).await;
//!     assert_eq!(answer, 43);
//! });
//! ```

use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bowerbird_base::sync::Mutex;
use bowerbird_core::{Handle, TaskError, TaskHandle, check_may_block, current_task};

use crate::event_loop::wait_for;

thread_local! {
    static CALLER: RefCell<Option<Arc<Caller>>> = const { RefCell::new(None) };
}

/// Whoever awaits a closure of `to_thread`: tells the closure when it is cancelled.
#[derive(Default)]
pub(crate) struct Caller(Mutex<CallerState>);

#[derive(Default)]
struct CallerState {
    is_cancelled: bool,
    message: Option<Arc<str>>,
    has_begun: bool,
    /// What the closure waits for in `run`.
    running: Option<TaskHandle>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("cancelled", &self.0.lock().is_cancelled).finish()
    }
}

impl Caller {
    /// Calls a closure as this caller's; one that was cancelled before is not called.
    pub(crate) fn call<R>(self: &Arc<Self>, f: impl FnOnce() -> R) -> Option<R> {
        {
            let mut state = self.0.lock();
            if state.is_cancelled {
                return None;
            }
            state.has_begun = true;
        }
        struct Back(Option<Arc<Caller>>);
        impl Drop for Back {
            fn drop(&mut self) {
                CALLER.replace(self.0.take());
            }
        }
        let _back = Back(CALLER.replace(Some(self.clone())));
        Some(f())
    }

    /// The awaiter was cancelled, or is gone. Returns whether the closure has begun.
    pub(crate) fn cancel(&self, message: Option<Arc<str>>) -> bool {
        let (running, has_begun) = {
            let mut state = self.0.lock();
            if !state.is_cancelled {
                state.is_cancelled = true;
                state.message = message.clone();
            }
            (state.running.clone(), state.has_begun)
        };
        if let Some(running) = running {
            cancel(&running, message);
        }
        has_begun
    }

    fn is_cancelled(&self) -> bool {
        self.0.lock().is_cancelled
    }

    /// Notes what the closure waits for; it is cancelled at once if the caller is.
    fn set_running(&self, task: Option<TaskHandle>) {
        let (before, cancelled) = {
            let mut state = self.0.lock();
            let before = std::mem::replace(&mut state.running, task);
            let running = if state.is_cancelled { state.running.clone() } else { None };
            (before, running.map(|running| (running, state.message.clone())))
        };
        drop(before);
        if let Some((running, message)) = cancelled {
            cancel(&running, message);
        }
    }
}

fn cancel(task: &TaskHandle, message: Option<Arc<str>>) {
    match message {
        Some(message) => task.cancel_with(message),
        None => task.cancel(),
    };
}

/// Runs a future as a task of this thread's runtime, and blocks until it has ended.
///
/// trio: `trio.from_thread.run`. If whoever awaits the closure in [`to_thread`](crate::to_thread()) is
/// cancelled, the task is cancelled too; one that comes after that is dropped unpolled.
///
/// # Errors
/// If the task was cancelled or panicked.
///
/// # Panics
/// On a worker, which it would block; on a thread that belongs to no runtime.
///
/// # Examples
/// ```
/// use bowerbird::{from_thread, to_thread};
/// bowerbird::run(async {
///     let value = to_thread(|| from_thread::run(async { 7 }).unwrap()).await;
///     assert_eq!(value, 7);
/// });
/// ```
#[track_caller]
pub fn run<F>(future: F) -> Result<F::Output, TaskError>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let runtime = expect_thread("from_thread::run");
    let caller = CALLER.with_borrow(Clone::clone);
    let mut task = if caller.as_ref().is_some_and(|caller| caller.is_cancelled()) {
        // It is cancelled below, unpolled.
        drop(future);
        runtime.spawn(std::future::pending())
    } else {
        runtime.spawn(future)
    };
    if let Some(caller) = &caller {
        caller.set_running(Some(task.handle()));
    }
    let output = wait_for(&mut task, None);
    if let Some(caller) = &caller {
        caller.set_running(None);
    }
    output.unwrap_or_else(|| unreachable!("there is no deadline"))
}

/// Calls a closure on a worker of this thread's runtime, and blocks until it has returned.
///
/// trio: `trio.from_thread.run_sync`. It must not block.
///
/// # Errors
/// If it panicked, or the runtime has ended.
///
/// # Panics
/// As [`run`].
///
/// # Examples
/// ```
/// use bowerbird::{from_thread, to_thread};
/// bowerbird::run(async {
///     let count = to_thread(|| from_thread::run_sync(|| bowerbird::all_tasks().len()).unwrap()).await;
///     assert_eq!(count, 2); // main, and the task that calls the closure
/// });
/// ```
#[track_caller]
pub fn run_sync<T: Send + 'static>(f: impl FnOnce() -> T + Send + 'static) -> Result<T, TaskError> {
    run(async move { f() })
}

/// Returns an error if whoever awaits this closure was cancelled, or has given it up.
///
/// trio: `trio.from_thread.check_cancelled`. A long closure of [`to_thread`](crate::to_thread()) or
/// [`spawn_blocking`](crate::spawn_blocking) calls it now and then, and ends early.
///
/// # Errors
/// If so.
///
/// # Panics
/// On a worker; on a thread that belongs to no runtime.
///
/// # Examples
/// ```
/// use bowerbird::{from_thread, spawn_blocking};
/// bowerbird::run(async {
///     let task = spawn_blocking(|| {
///         while from_thread::check_cancelled().is_ok() {
///             std::thread::yield_now(); // a step of the work
///         }
///         "ended early"
///     });
///     bowerbird::sleep(std::time::Duration::from_millis(1)).await;
///     task.cancel();
///     # drop(task);
/// });
/// ```
#[track_caller]
pub fn check_cancelled() -> Result<(), CallerCancelled> {
    let _runtime = expect_thread("from_thread::check_cancelled");
    let caller = CALLER.with_borrow(Clone::clone);
    let is_caller_cancelled = caller.is_some_and(|caller| caller.is_cancelled());
    // The closure's own task: `spawn_blocking` gives a handle of it.
    if is_caller_cancelled || current_task().is_some_and(|task| task.cancelling() > 0) {
        return Err(CallerCancelled(()));
    }
    Ok(())
}

/// Whoever awaits the closure was cancelled.
///
/// trio: `trio.Cancelled`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerCancelled(());

impl fmt::Display for CallerCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whoever awaits this closure was cancelled")
    }
}

impl Error for CallerCancelled {}

/// The runtime of this thread, which must run no tasks.
#[track_caller]
fn expect_thread(call: &str) -> Handle {
    if check_may_block().is_err() {
        panic!("{call}() was called on a worker, in a task; await the future there instead");
    }
    match Handle::try_current() {
        Some(runtime) => runtime,
        None => panic!(
            "{call}() was called on a thread that belongs to no runtime; call it in a closure given to \
             `to_thread` or `spawn_blocking`, or use `run_coroutine_threadsafe` with a handle"
        ),
    }
}
