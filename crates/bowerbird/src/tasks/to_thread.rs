//! Blocking work, off the workers.

use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::debug;
use bowerbird_base::poll_context::{self, Request};
use bowerbird_core::{SpawnOptions, Task, TaskError};

use crate::from_thread::Caller;
use crate::run::outside_a_runtime;
use crate::scope::offer_again;

/// Runs a blocking closure on a thread of the blocking pool and waits for its result.
///
/// asyncio: `to_thread`. Context variables are carried along. A closure that has begun runs to its end even
/// if nobody waits for it any more; one that is still queued is dropped when the wait is. It may ask whether
/// somebody still waits, with [`from_thread::check_cancelled`](crate::from_thread::check_cancelled), and run
/// futures, with [`from_thread::run`](crate::from_thread::run()). See
/// [`abandon_on_cancel`](ToThread::abandon_on_cancel) for an awaiter that waits though it was cancelled.
///
/// # Cancel safety
/// Dropping the future gives up the result.
///
/// # Panics
/// Outside a runtime. If the closure panics, the panic goes on in the awaiter; if the runtime ends before
/// the closure was called, the awaiter panics: [`spawn_blocking`] gives an error instead.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let sum = bowerbird::to_thread(|| (1..=100).sum::<u32>()).await;
///     assert_eq!(sum, 5_050);
/// });
/// ```
#[track_caller]
pub fn to_thread<F, T>(f: F) -> ToThread<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let caller = Arc::<Caller>::default();
    let called_for = caller.clone();
    let call = move || called_for.call(f);
    match bowerbird_core::spawn_blocking(call, &SpawnOptions::default(), Location::caller()) {
        Ok(task) => {
            ToThread { task, caller, is_suspended: false, abandons: true, stage: Stage::Waiting }
        }
        Err(_) => outside_a_runtime("to_thread"),
    }
}

/// Runs a blocking closure on a thread of the blocking pool, and gives a task for it.
///
/// asyncio: `loop.run_in_executor(None, f)`. The task has a name and can be cancelled while it is queued;
/// once the closure has begun it runs to its end.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::spawn_blocking(|| std::thread::current().id());
///     assert_ne!(task.await.unwrap(), std::thread::current().id());
/// });
/// ```
#[track_caller]
pub fn spawn_blocking<F, T>(f: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    match bowerbird_core::spawn_blocking(f, &SpawnOptions::default(), Location::caller()) {
        Ok(task) => task,
        Err(_) => outside_a_runtime("spawn_blocking"),
    }
}

/// The future of [`to_thread`].
#[derive(Debug)]
#[must_use = "the closure runs, but its result is lost; use spawn_blocking() where that is meant"]
pub struct ToThread<T> {
    /// Gives `None` if its awaiter was cancelled before the closure was called.
    task: Task<Option<T>>,
    caller: Arc<Caller>,
    is_suspended: bool,
    /// Whether a cancelled awaiter leaves the closure to itself.
    abandons: bool,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Waiting,
    /// The awaiter was cancelled, and waits for the closure all the same.
    Told(Request),
    /// The closure was not called: the request goes on outwards.
    Passed(Request),
}

impl<T> ToThread<T> {
    /// Says what happens when the awaiter is cancelled: it leaves the closure to itself (`true`, unless set
    /// otherwise), or waits for its end (`false`).
    ///
    /// asyncio: always `true`. trio: `abandon_on_cancel=`, there `false` unless set otherwise. Either way the
    /// closure is told, see [`from_thread::check_cancelled`](crate::from_thread::check_cancelled). An awaiter that
    /// waits gets the closure's result (one that has not begun is not called any more); the request to cancel is kept for its next suspension. One that is
    /// dropped, as by a lost `select!`, cannot wait.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{from_thread, timeout, to_thread};
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (begin, begun) = bowerbird::sync::oneshot::channel();
    ///     let work = to_thread(|| {
    ///         begin.send(()).unwrap();
    ///         while from_thread::check_cancelled().is_ok() {
    ///             std::thread::yield_now();
    ///         }
    ///         "told"
    ///     });
    ///     begun.await.unwrap();
    ///     let told = timeout(Duration::from_millis(1), work.abandon_on_cancel(false)).await;
    ///     assert_eq!(told, Ok("told"));
    /// });
    /// ```
    pub fn abandon_on_cancel(mut self, abandons: bool) -> Self {
        self.abandons = abandons;
        self
    }

    /// The awaiter is cancelled: tells the closure, and keeps the request.
    #[cold]
    fn tell(&mut self) {
        let Some((request, _)) = poll_context::take_request() else { return };
        // The output of a closure that runs would be lost if its own task were cancelled.
        if !self.caller.cancel(request.message.clone()) {
            self.task.cancel();
        }
        if matches!(self.stage, Stage::Waiting) {
            self.stage = Stage::Told(request);
        }
    }

    #[cold]
    fn pass_on(&mut self, request: Request, cx: &mut Context<'_>) -> Poll<T> {
        self.stage = Stage::Passed(request.clone());
        poll_context::raise(request);
        poll_context::yield_now(cx);
        Poll::Pending
    }
}

impl<T> Future for ToThread<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if let Stage::Passed(request) = &self.stage {
            let request = request.clone();
            return self.pass_on(request, cx);
        }
        if self.is_suspended && poll_context::is_offered() {
            if self.abandons {
                // A leaf, not a join: a closure that runs cannot be cancelled, and asyncio does not wait for it.
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
            self.tell();
        }
        self.is_suspended = true;
        let Poll::Ready(output) = Pin::new(&mut self.task).poll(cx) else { return Poll::Pending };
        let request = match std::mem::replace(&mut self.stage, Stage::Waiting) {
            Stage::Told(request) => Some(request),
            Stage::Waiting | Stage::Passed(_) => None,
        };
        let why = match output {
            Ok(Some(value)) => {
                // Rule 7 of the protocol of cancellation: it is offered again, at the next suspension.
                request.into_iter().for_each(offer_again);
                return Poll::Ready(value);
            }
            Ok(None) => String::from("its awaiter was cancelled"),
            Err(error) => match TaskError::try_into_panic(error) {
                Ok(payload) => {
                    request.into_iter().for_each(offer_again);
                    std::panic::resume_unwind(payload)
                }
                Err(error) => error.to_string(),
            },
        };
        match request {
            Some(request) => self.pass_on(request, cx),
            None => panic!("the closure given to to_thread() was not run: {why}"),
        }
    }
}

impl<T> Drop for ToThread<T> {
    fn drop(&mut self) {
        if !self.is_suspended && debug::is_on() {
            debug::report_never_awaited("to_thread", self.task.handle().spawn_location());
        }
        self.caller.cancel(None);
        self.task.cancel();
    }
}
