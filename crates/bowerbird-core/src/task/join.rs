//! The typed handle of a task: awaited for the output.
//!
//! ```text
//!   FRESH -- pending --> SUSPENDED -- an offered request: cancel the task --> FORWARDED
//!     |                      |                                                   | the task ended
//!     '------ done ----------'-- done --> DONE <-- with a value or a panic ------|
//!                                                                                '-- cancelled --> PASSED
//!   PASSED raises the request again at each poll and never ends.
//! ```
//! Rule 3 of the protocol: the request is the awaited task's; if that ends cancelled by it, the request
//! goes on outwards, and if it answers with a value or a panic, that is what the await gives.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, MaybeUninit};
use std::ops::Deref;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};

use super::error::TaskError;
use super::forward::{forget_forwarded, forward_offered};
use super::handle::TaskHandle;
use super::header::Header;
use super::state::{self, LeaveJoin};
use crate::current;
use crate::poll::{report_never_retrieved, report_unretrieved};
use crate::report::{drop_caught, report_panic_text};
use crate::unhandled::UnhandledKind;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Suspended,
    Forwarded,
    Passed,
    Done,
}

/// A spawned task; awaiting it gives its output.
///
/// asyncio: `asyncio.Task`. It runs whether or not it is awaited, and dropping the handle lets it run on.
/// It dereferences to [`TaskHandle`], which has everything that does not concern the output: `name`,
/// `cancel`, `done`, `add_done_callback`, ... For several waiters see `shared()`.
///
/// # Cancellation
/// Whoever awaits a task and is cancelled cancels that task, waits for its end, and then unwinds.
///
/// # Cancel safety
/// Await `&mut task` where the await may be dropped: the output of a task that was awaited by value is
/// lost with the await (the task itself runs on).
///
/// # Errors
/// [`TaskError`] if the task was cancelled or panicked.
#[must_use = "the task runs on when its handle is dropped; await it, or drop it on purpose with `drop(task)`"]
pub struct Task<T> {
    /// Not dropped where leaving has given its reference back.
    handle: ManuallyDrop<TaskHandle>,
    stage: Stage,
    request: Option<Box<Request>>,
    /// Somebody has looked at the output: it need not be reported.
    is_seen: bool,
    output: PhantomData<fn() -> T>,
}

// SAFETY: the handle moves the output out of the cell, so it may change threads if the output may; the
// rest of it is a `TaskHandle`.
unsafe impl<T: Send> Send for Task<T> {}
// SAFETY: a shared reference gives nothing of the output.
unsafe impl<T: Send> Sync for Task<T> {}

impl<T> Unpin for Task<T> {}

impl<T> Task<T> {
    /// Takes over the reference and the interest that the state was made with.
    ///
    /// # Safety
    /// The output of the task is a `Result<T, TaskError>`.
    pub(crate) unsafe fn new(header: NonNull<Header>) -> Self {
        Self {
            handle: ManuallyDrop::new(TaskHandle::from_counted(header)),
            stage: Stage::Fresh,
            request: None,
            is_seen: false,
            output: PhantomData,
        }
    }

    /// Returns an untyped handle of the same task.
    pub fn handle(&self) -> TaskHandle {
        TaskHandle::clone(&self.handle)
    }

    /// Gives the output if the task has ended; otherwise gives the handle back.
    ///
    /// # Errors
    /// The task itself, if it has not ended.
    pub fn try_join(mut self) -> Result<Result<T, TaskError>, Self> {
        match self.stage {
            // The output was taken when the request was passed on: it was a cancellation.
            Stage::Passed => {
                self.stage = Stage::Done;
                Ok(Err(TaskError::cancelled(self.request.take().and_then(|it| it.message))))
            }
            Stage::Fresh | Stage::Suspended | Stage::Forwarded if self.done() => {
                Ok(self.take_output())
            }
            _ => Err(self),
        }
    }

    /// Looks at the output, if the task has ended; `None` if it has not, or if its output was taken.
    ///
    /// asyncio: `Task.result()` and `Task.exception()`, whose `InvalidStateError` is the `None` here. The output
    /// stays: awaiting the task gives it. What was looked at is not reported as never retrieved.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let mut task = bowerbird::spawn(async { vec![1, 2] });
    ///     assert!(task.try_result().is_none());
    ///     task.wait().await;
    ///     assert_eq!(task.try_result().unwrap().unwrap().len(), 2);
    ///     assert_eq!(task.await.unwrap(), [1, 2]);
    /// });
    /// ```
    pub fn try_result(&mut self) -> Option<Result<&T, &TaskError>> {
        if matches!(self.stage, Stage::Passed | Stage::Done) || !self.done() {
            return None;
        }
        self.is_seen = true;
        // SAFETY: the task is done (DONE was seen with Acquire), it was made with an interest, and the stage
        // says that the output was not taken.
        let output = unsafe { (self.handle.header_ref().vtable.peek_output)(self.handle.header()) };
        // SAFETY: it is a `Result<T, TaskError>`, by the contract of `new`; only this handle takes or drops it,
        // and it is borrowed exclusively as long as the reference lives.
        unsafe { output.cast::<Result<T, TaskError>>().as_ref() }.as_ref().into()
    }

    fn take_output(&mut self) -> Result<T, TaskError> {
        debug_assert!(self.stage != Stage::Done);
        self.stage = Stage::Done;
        let mut output = MaybeUninit::<Result<T, TaskError>>::uninit();
        // SAFETY: the task is done (the caller has seen DONE with Acquire), it was made with an interest,
        // and the stage says that the output was not taken before.
        unsafe {
            (self.handle.header_ref().vtable.take_output)(
                self.handle.header(),
                output.as_mut_ptr().cast(),
            )
        };
        // SAFETY: the call filled it.
        unsafe { output.assume_init() }
    }

    /// Nobody has looked at the output of the task, which is done.
    #[cold]
    fn drop_output(&mut self) {
        let header = self.handle.header();
        if !self.is_seen {
            if self.handle.panicked() {
                report_never_retrieved(header);
            }
            // SAFETY: the task is done with an interest, and the output was not taken: it is this handle's.
            unsafe { report_unretrieved(header) };
        }
        // SAFETY: the task is done with an interest, and the output was not taken: it is this handle's.
        let panic = unsafe { (self.handle.header_ref().vtable.drop_output)(header) };
        if let Some(payload) = panic {
            report_panic_text(
                UnhandledKind::Destructor,
                "the destructor of a task's output panicked",
                payload,
            );
        }
    }

    /// `false`: the task cannot answer the offered request, which is left where it is.
    #[cold]
    fn forward(&mut self) -> bool {
        let was_accepted = forward_offered(&self.handle, &mut self.request);
        if was_accepted {
            self.stage = Stage::Forwarded;
        }
        was_accepted
    }

    #[cold]
    fn pass_on(&mut self, cx: &mut Context<'_>) {
        self.stage = Stage::Passed;
        if let Some(request) = &self.request {
            poll_context::raise(Request::clone(request));
        }
        poll_context::yield_now(cx);
    }
}

impl<T, E: fmt::Display> Task<Result<T, E>> {
    /// From now on, an `Err` that the task ends with and that nobody retrieves is reported to the exception
    /// handler, as a panic always is.
    ///
    /// asyncio: "Task exception was never retrieved", which it says of every task. `spawn` takes futures of any
    /// output and cannot know that it is a `Result` whose error can be shown, so here it is asked for; task
    /// groups look at the errors of their children without that.
    ///
    /// # Examples
    /// ```
    /// # async fn serve() -> std::io::Result<()> { Ok(()) }
    /// bowerbird::run(async {
    ///     drop(bowerbird::spawn(serve()).report_errors()); // runs on by itself, and does not fail in silence
    /// });
    /// ```
    pub fn report_errors(self) -> Self {
        /// # Safety
        /// See [`ErrorText`](super::header::ErrorText).
        unsafe fn text<T, E: fmt::Display>(output: NonNull<()>) -> Option<String> {
            // SAFETY: the contract: such an output is there, and nobody changes it now.
            match unsafe { output.cast::<Result<Result<T, E>, TaskError>>().as_ref() } {
                Ok(Err(error)) => Some(error.to_string()),
                Ok(Ok(_)) | Err(_) => None,
            }
        }
        let header = self.handle.header_ref();
        let reporter = current::runtime().map(|runtime| runtime.reporter.clone());
        {
            let mut cold = header.cold_or_new().0.lock();
            cold.error_text = Some(text::<T, E>);
            if cold.reporter.is_none() {
                cold.reporter = reporter;
            }
        }
        // The completer looks into the cold part if the handle is gone by then.
        header.state.set(state::COLD_JOIN);
        self
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stage = self.stage;
        match stage {
            Stage::Passed => {
                self.pass_on(cx);
                return Poll::Pending;
            }
            Stage::Done => panic!(
                "a task was polled after it had given its output; await it once, or use shared()"
            ),
            Stage::Suspended | Stage::Forwarded
                if poll_context::is_offered() && !self.forward() =>
            {
                // Rule 1: it beats readiness, and unwinds from here.
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
            Stage::Fresh | Stage::Suspended | Stage::Forwarded => {}
        }
        let Poll::Ready(proceed) = poll_context::poll_proceed(cx) else { return Poll::Pending };
        if !poll_done(self.handle.header_ref(), cx.waker()) {
            if self.stage == Stage::Fresh {
                self.stage = Stage::Suspended;
                // Readiness was looked at first; a request that is about already is the task's all the same.
                if poll_context::is_offered() && !self.forward() {
                    poll_context::yield_now(cx);
                }
            }
            poll_context::note_wait(
                "task",
                self.handle.id().get(),
                Some(std::panic::Location::caller()),
            );
            return Poll::Pending;
        }
        proceed.made_progress();
        let was_forwarded = self.stage == Stage::Forwarded;
        if was_forwarded {
            forget_forwarded(&self.handle);
        }
        let output = self.take_output();
        if was_forwarded && matches!(&output, Err(error) if error.is_cancelled()) {
            if let (Some(request), Err(error)) = (&mut self.request, &output) {
                request.message = error.cancel_message();
            }
            self.pass_on(cx);
            return Poll::Pending;
        }
        Poll::Ready(output)
    }
}

/// Edge 7: returns whether the task is done; if not, `waker` is woken when it is.
#[inline]
pub(crate) fn poll_done(header: &Header, waker: &Waker) -> bool {
    let bits = header.state.load();
    if bits.is_done() {
        return true;
    }
    let mut old = None;
    if bits.has_join_waker() {
        // SAFETY: this handle has set JOIN_WAKER, so the cell is filled; the completer may read it at the
        // same time, and nobody writes it. Of the waker only the two pointers are compared.
        let is_same =
            header.join_waker.with(|cell| unsafe { &*cell.cast::<Waker>() }.will_wake(waker));
        if is_same {
            return false;
        }
        if !header.state.unset_join_waker() {
            return true;
        }
        // SAFETY: JOIN_WAKER was set and is clear now: what fills the cell is the handle's again.
        old = Some(header.join_waker.with(|cell| unsafe { cell.cast::<Waker>().read() }));
    }
    let fresh = waker.clone();
    // SAFETY: JOIN_WAKER is clear and only this handle sets it: the cell is the handle's.
    header.join_waker.with_mut(|cell| unsafe { cell.cast::<Waker>().write(fresh) });
    let is_done = !header.state.set_join_waker();
    if is_done {
        // SAFETY: JOIN_WAKER is clear and the task is done: the completer does not look at the cell.
        drop(header.join_waker.with(|cell| unsafe { cell.cast::<Waker>().read() }));
    }
    drop(old);
    is_done
}

impl<T> Deref for Task<T> {
    type Target = TaskHandle;
    fn deref(&self) -> &TaskHandle {
        &self.handle
    }
}

impl<T> AsRef<TaskHandle> for Task<T> {
    fn as_ref(&self) -> &TaskHandle {
        &self.handle
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.stage == Stage::Forwarded {
            forget_forwarded(&self.handle);
        }
        match self.handle.header_ref().state.leave_join() {
            // The reference is given back already.
            LeaveJoin::Left => return,
            LeaveJoin::LeftWaker => {
                let cell = &self.handle.header_ref().join_waker;
                // SAFETY: the bit was taken away before the task was done: what fills the cell is the
                // handle's again.
                let waker = cell.with(|cell| unsafe { cell.cast::<Waker>().read() });
                drop_caught(waker, "the destructor of a waker panicked");
            }
            LeaveJoin::Done if !matches!(self.stage, Stage::Done | Stage::Passed) => {
                self.drop_output()
            }
            LeaveJoin::Done => {}
        }
        // SAFETY: this is the end of the `Task`; the handle is not used again.
        unsafe { ManuallyDrop::drop(&mut self.handle) };
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle.fmt(f)
    }
}

#[cfg(test)]
mod tests;
