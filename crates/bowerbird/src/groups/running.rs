//! A group that runs: its body, then the wait for its children.
//!
//! ```text
//!          the body has a value, an error, or was cancelled          no child is left
//!   BODY ------------------------------------------------> WAITING -------------------> DONE: value or errors
//!     |   an offered request goes to the body;                |                     '-> PASSED: the request
//!     |   shutting down is its scope's own request            | an offered request         unwinds, at each
//!     '-- dropped: the children are left as a cleanup         | cancels the children        poll again
//! ```
//! Rule 8 of the protocol: errors win over an outer request, which is then offered again; the body's error is
//! the last; a body that catches the outer request leaves the children running.
//!
//! A request that unwinds from the body is an outer one if one was offered to this group. If none was and the
//! group is shutting down, it is what the group itself has caused (its own request, or a cancelled child that
//! the body awaited), and ends here. Otherwise the body has raised it by itself, and it is passed on.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::debug;
use bowerbird_base::poll_context::{self, Delivery, Request};
use bowerbird_core::current_cancelling;
use pin_project_lite::pin_project;

use super::crew::{Crew, Spawned};
use super::members::is_consequence;
use super::task_group::GroupCancelled;
use super::{BoxError, ExceptionGroup, TaskFailure};
use crate::scope::{Cut, Outer, Scope, offer_again};

pin_project! {
    /// The future of [`task_group`](crate::task_group).
    #[must_use = "futures do nothing unless awaited"]
    pub struct RunGroup<T, F: Future, C: Crew = Spawned> {
        #[pin]
        body: Option<Scope<F>>,
        crew: C,
        stage: Stage,
        // How the body has ended.
        ended: Option<Ended<T>>,
        // The outer requests that were offered.
        outer: Option<Box<Outer>>,
        // What the task's `cancelling()` was at the first poll.
        cancelling_before: u32,
    }

    impl<T, F: Future, C: Crew> PinnedDrop for RunGroup<T, F, C> {
        /// What the body leaves behind comes first: it is inside the group.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if *this.stage == Stage::Fresh && debug::is_on() {
                debug::report_never_awaited(this.crew.call(), this.crew.location());
            }
            this.body.set(None);
            if matches!(this.stage, Stage::Fresh | Stage::Body | Stage::Waiting) {
                let error = match this.ended.take() {
                    Some(Ended::Failed(failure)) => Some(failure),
                    _ => None,
                };
                this.crew.leave(error);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Fresh,
    Body,
    Waiting,
    Passed,
    Done,
}

/// How the body of a group has ended.
enum Ended<T> {
    Value(T),
    Failed(TaskFailure),
    /// The group shut down before.
    CutOff,
    /// A request that is to be passed on unwound it.
    Unwound(Box<Request>),
}

impl<T, F, C> RunGroup<T, F, C>
where
    F: Future<Output = Result<T, BoxError>>,
    C: Crew,
{
    pub(super) fn new(crew: C, body: F) -> Self {
        Self {
            body: Some(Scope::new(body)),
            crew,
            stage: Stage::Fresh,
            ended: None,
            outer: None,
            cancelling_before: 0,
        }
    }

    /// Gives `None`, and not an error, if `Group::cancel` ends the body before it has a value.
    ///
    /// asyncio: what `TaskGroup.cancel` does to the block.
    ///
    /// # Cancel safety
    /// As [`task_group`](crate::task_group).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{sleep, task_group};
    /// use std::time::Duration;
    ///
    /// let ended = bowerbird::run(
    ///     task_group(async |group| {
    ///         let canceller = group.clone();
    ///         group.spawn(async move { canceller.cancel() });
    ///         sleep(Duration::from_secs(3600)).await;
    ///         Ok(())
    ///     })
    ///     .until_cancelled(),
    /// );
    /// assert_eq!(ended.unwrap(), None);
    /// ```
    pub fn until_cancelled(self) -> UntilCancelled<T, F, C> {
        UntilCancelled { group: self }
    }

    fn poll_group(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, ExceptionGroup>> {
        // Rule 5: a sibling's request that unwinds under a foreign combinator is set aside.
        let aside = match poll_context::delivery() {
            Delivery::Unwinding => poll_context::take_request(),
            _ => None,
        };
        let polled = self.as_mut().poll_stage(cx);
        match aside {
            Some((request, _)) if poll_context::delivery() == Delivery::None => {
                poll_context::raise(request);
            }
            _ => {}
        }
        polled
    }

    fn poll_stage(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, ExceptionGroup>> {
        match self.stage {
            Stage::Fresh => self.as_mut().begin(),
            Stage::Body | Stage::Waiting => {}
            Stage::Passed => return self.pass_on(cx),
            Stage::Done => panic!("a task group was polled after its end"),
        }
        self.as_mut().project().crew.register(cx.waker());
        if self.stage == Stage::Body {
            while !self.as_mut().poll_body(cx) {
                // A child in place that fails cancels the body in the same poll.
                if !self.as_mut().project().crew.poll_in_place(cx) {
                    self.crew.note_tasks();
                    return Poll::Pending;
                }
            }
            // The wait begins: its first look is at readiness.
            if self.as_mut().poll_children(cx).is_ready() {
                return self.finish(cx);
            }
        }
        self.as_mut().obey_request();
        if self.as_mut().poll_children(cx).is_ready() {
            return self.finish(cx);
        }
        poll_context::note_wait("task group", 0, Some(self.crew.location()));
        self.crew.note_tasks();
        Poll::Pending
    }

    fn begin(self: Pin<&mut Self>) {
        let this = self.project();
        if poll_context::current_task().is_null() {
            panic!(
                "the task group made at {} was polled outside a task, so it cannot cancel its body; await it in a task \
                 or in the future given to `bowerbird::run`",
                this.crew.location()
            );
        }
        *this.cancelling_before = current_cancelling();
        *this.stage = Stage::Body;
    }

    /// Polls the body. Returns whether it has ended.
    fn poll_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        self.as_mut().note_outer();
        let mut this = self.as_mut().project();
        let crew = &*this.crew;
        let body = this.body.as_mut().as_pin_mut().expect("it is there until it has ended");
        let polled = body.poll_catching(cx, false, |_| crew.is_shutting_down());
        let ended = match polled {
            Poll::Pending => return false,
            Poll::Ready(Ok(Ok(value))) => Ended::Value(value),
            Poll::Ready(Ok(Err(error))) => {
                let failure = TaskFailure::new(error);
                if crew.is_shutting_down() && is_consequence(&failure) {
                    Ended::CutOff
                } else {
                    Ended::Failed(failure)
                }
            }
            Poll::Ready(Err(Cut::Own)) => Ended::CutOff,
            Poll::Ready(Err(Cut::Outer(request))) => {
                if this.outer.as_ref().is_none_or(|outer| outer.is_empty())
                    && crew.is_shutting_down()
                {
                    Ended::CutOff
                } else {
                    Ended::Unwound(Box::new(request))
                }
            }
        };
        if !matches!(ended, Ended::Value(_)) {
            this.crew.abort();
        }
        this.body.set(None);
        *this.ended = Some(ended);
        *this.stage = Stage::Waiting;
        true
    }

    /// Looks at a request that is offered to the body, and leaves it there.
    fn note_outer(self: Pin<&mut Self>) {
        if let Some(request) = poll_context::offered() {
            let this = self.project();
            this.outer.get_or_insert_default().note(&request, *this.cancelling_before);
        }
    }

    /// A request that is offered while the children are waited for cancels them, and is passed on after.
    fn obey_request(self: Pin<&mut Self>) {
        if !poll_context::is_offered() {
            return;
        }
        let Some((request, _)) = poll_context::take_request() else { return };
        let this = self.project();
        this.outer.get_or_insert_default().note(&request, *this.cancelling_before);
        if !matches!(this.ended, Some(Ended::Failed(_) | Ended::Unwound(_))) {
            *this.ended = Some(Ended::Unwound(Box::new(request)));
        }
        this.crew.abort();
    }

    fn poll_children(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().crew.poll_ended(cx)
    }

    /// No child is left.
    fn finish(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, ExceptionGroup>> {
        let this = self.as_mut().project();
        let mut failures = this.crew.take_failures();
        let ended = this.ended.take().expect("the body has ended");
        let outer = this.outer.as_mut().and_then(|outer| outer.take());
        let value = match ended {
            Ended::Unwound(request) if failures.is_empty() => {
                let mut merged = outer;
                request.merge_into(&mut merged);
                *this.ended = merged.map(|request| Ended::Unwound(Box::new(request)));
                return self.pass_on(cx);
            }
            Ended::Failed(failure) => {
                failures.push(failure);
                None
            }
            Ended::Value(value) => Some(value),
            Ended::CutOff | Ended::Unwound(_) => None,
        };
        *this.stage = Stage::Done;
        if failures.is_empty() {
            return Poll::Ready(Ok(value));
        }
        outer.into_iter().for_each(offer_again);
        Poll::Ready(Err(ExceptionGroup::of(this.crew.message(), failures)))
    }

    #[cold]
    fn pass_on<O>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<O> {
        let this = self.project();
        *this.stage = Stage::Passed;
        if let Some(Ended::Unwound(request)) = this.ended {
            poll_context::raise(Request::clone(request));
        }
        poll_context::yield_now(cx);
        Poll::Pending
    }
}

impl<T, F, C> Future for RunGroup<T, F, C>
where
    F: Future<Output = Result<T, BoxError>>,
    C: Crew,
{
    type Output = Result<T, ExceptionGroup>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.as_mut().poll_group(cx).map(|ended| match ended? {
            Some(value) => Ok(value),
            None => Err(ExceptionGroup::of(
                self.crew.message(),
                vec![TaskFailure::new(GroupCancelled(()))],
            )),
        })
    }
}

impl<T, F: Future, C: Crew> fmt::Debug for RunGroup<T, F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunGroup").field("made_at", &self.crew.location()).finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`RunGroup::until_cancelled`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless awaited"]
    pub struct UntilCancelled<T, F: Future, C: Crew = Spawned> {
        #[pin]
        group: RunGroup<T, F, C>,
    }
}

impl<T, F, C> Future for UntilCancelled<T, F, C>
where
    F: Future<Output = Result<T, BoxError>>,
    C: Crew,
{
    type Output = Result<Option<T>, ExceptionGroup>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().group.poll_group(cx)
    }
}
