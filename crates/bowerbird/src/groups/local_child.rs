//! A child of a group inside one task, and its handle.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::poll_context::{self, Request};
use bowerbird_core::TaskError;
use pin_project_lite::pin_project;

use super::BoxError;
use super::local_children::{LocalFuture, Shared};
use crate::scope::{Cut, Scope};

/// A child of a [`local_task_group`](crate::local_task_group); awaiting it gives its output.
///
/// asyncio: the task that `TaskGroup.create_task` returns. It may be dropped: the group waits for the child.
/// Whoever awaits it and is cancelled cancels the child, waits for its end, and then unwinds.
///
/// # Cancel safety
/// Await `&mut child` where the await may be dropped.
///
/// # Errors
/// [`TaskError`] if the child was cancelled or has failed; the error itself is the group's.
pub struct LocalChild<'a, T> {
    slot: Rc<Slot<T>>,
    group: Rc<Shared<'a>>,
    index: usize,
    turn: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Fresh,
    Suspended,
    /// The child was handed the awaiter's request.
    Forwarded(Request),
    /// The request is passed on, at each poll again.
    Passed(Request),
}

/// Where the child leaves its result for its handle.
struct Slot<T> {
    result: RefCell<Option<Result<T, TaskError>>>,
    waker: RefCell<Option<Waker>>,
    is_done: Cell<bool>,
}

impl<T> Slot<T> {
    fn new() -> Rc<Self> {
        let result = RefCell::new(None);
        Rc::new(Self { result, waker: RefCell::new(None), is_done: Cell::new(false) })
    }

    fn set(&self, result: Result<T, TaskError>) {
        *self.result.borrow_mut() = Some(result);
        self.is_done.set(true);
        let waker = self.waker.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<'a, T: 'a> LocalChild<'a, T> {
    #[track_caller]
    pub(super) fn spawn<F: Future + 'a>(
        group: Rc<Shared<'a>>,
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
    ) -> Self {
        let slot = Slot::new();
        let running = Running {
            scope: Scope::new(future),
            into_result,
            slot: slot.clone(),
            location: Location::caller(),
            has_begun: false,
        };
        let (index, turn) = group.insert(Box::pin(running));
        Self { slot, group, index, turn, stage: Stage::Fresh }
    }

    pub(super) fn refused(group: Rc<Shared<'a>>, message: String) -> Self {
        let slot = Slot::new();
        slot.set(Err(TaskError::cancelled(Some(message.into()))));
        Self { slot, group, index: usize::MAX, turn: 0, stage: Stage::Fresh }
    }
}

impl<T> LocalChild<'_, T> {
    /// Asks the child to end; returns `false` if it has ended already.
    ///
    /// asyncio: `Task.cancel`.
    pub fn cancel(&self) -> bool {
        if self.done() {
            return false;
        }
        self.group.cancel(self.index, self.turn);
        true
    }

    /// Returns whether the child has ended.
    ///
    /// asyncio: `Task.done`.
    pub fn done(&self) -> bool {
        self.slot.is_done.get()
    }

    /// Gives the output if the child has ended; otherwise gives the handle back.
    ///
    /// asyncio: `Task.result`.
    ///
    /// # Errors
    /// The child itself, if it has not ended, or its output was taken by an await.
    pub fn try_join(self) -> Result<Result<T, TaskError>, Self> {
        let result = self.slot.result.borrow_mut().take();
        result.ok_or(self)
    }
}

impl<T> LocalChild<'_, T> {
    /// Rule 3: the offered request becomes the child's. `false`: that has ended, or its own end waits for whoever
    /// awaits it; the request is left where it is.
    #[cold]
    fn forward(&mut self) -> bool {
        if self.done() || !self.group.cancel_for_awaiter(self.index, self.turn) {
            return false;
        }
        let Some((request, _)) = poll_context::take_request() else { return true };
        let mut outermost = match std::mem::replace(&mut self.stage, Stage::Suspended) {
            Stage::Forwarded(request) => Some(request),
            Stage::Fresh | Stage::Suspended | Stage::Passed(_) => None,
        };
        request.merge_into(&mut outermost);
        self.stage = outermost.map_or(Stage::Suspended, Stage::Forwarded);
        true
    }
}

impl<T> Future for LocalChild<'_, T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Passed(request) = &self.stage {
            poll_context::raise(request.clone());
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let is_fresh = matches!(self.stage, Stage::Fresh);
        if !is_fresh && poll_context::is_offered() && !self.forward() {
            // Rule 1: it beats readiness, and unwinds from here.
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let result = self.slot.result.borrow_mut().take();
        let Some(result) = result else {
            assert!(!self.done(), "the child of a group was polled after its end");
            if is_fresh {
                self.stage = Stage::Suspended;
                // Readiness was looked at first; a request that is about already is the child's all the same.
                if poll_context::is_offered() && !self.forward() {
                    poll_context::yield_now(cx);
                }
            }
            let before = self.slot.waker.replace(Some(cx.waker().clone()));
            drop(before);
            poll_context::note_wait("child of a task group", 0, None);
            return Poll::Pending;
        };
        match (std::mem::replace(&mut self.stage, Stage::Suspended), result) {
            (Stage::Forwarded(request), Err(error)) if error.is_cancelled() => {
                poll_context::raise(request.clone());
                poll_context::yield_now(cx);
                self.stage = Stage::Passed(request);
                Poll::Pending
            }
            (_, result) => Poll::Ready(result),
        }
    }
}

impl<T> Unpin for LocalChild<'_, T> {}

impl<T> fmt::Debug for LocalChild<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalChild").field("done", &self.done()).finish_non_exhaustive()
    }
}

pin_project! {
    /// A child that runs.
    struct Running<F: Future, T> {
        #[pin]
        scope: Scope<F>,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        slot: Rc<Slot<T>>,
        location: &'static Location<'static>,
        has_begun: bool,
    }
}

impl<F: Future, T> LocalFuture for Running<F, T> {
    fn poll_child(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        is_cancelled: bool,
    ) -> Poll<Result<(), BoxError>> {
        let this = self.project();
        if is_cancelled && !*this.has_begun {
            this.slot.set(Err(TaskError::cancelled(None)));
            return Poll::Ready(Ok(()));
        }
        *this.has_begun = true;
        let scope = this.scope;
        let polled =
            catch_unwind(AssertUnwindSafe(|| scope.poll_catching(cx, false, |_| is_cancelled)));
        let failed = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => match (this.into_result)(output) {
                Ok(value) => {
                    this.slot.set(Ok(value));
                    return Poll::Ready(Ok(()));
                }
                Err(error) => error,
            },
            // A child that was cancelled, by the group or by itself, is no error.
            Ok(Poll::Ready(Err(cut))) => {
                let message = match cut {
                    Cut::Own => None,
                    Cut::Outer(request) => request.message,
                };
                this.slot.set(Err(TaskError::cancelled(message)));
                return Poll::Ready(Ok(()));
            }
            Err(payload) => TaskError::panicked(payload).into(),
        };
        let message: Arc<str> = format!("the task failed: {failed}").into();
        this.slot.set(Err(TaskError::cancelled(Some(message))));
        Poll::Ready(Err(failed))
    }

    fn spawned_at(&self) -> &'static Location<'static> {
        self.location
    }
}
