//! A child of a group: the user's future, and what its end means to the group.
//!
//! A failed child hands its error to the group and ends cancelled: the error cannot be in two places. A child
//! that is dropped half-way has been cancelled, which is no error.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, Request};
use bowerbird_core::{TaskError, current_task};
use pin_project_lite::pin_project;

use super::members::{Members, Membership};
use super::{BoxError, TaskFailure};

/// What a child of a group may end with: `()`, or a `Result` whose `Err` fails the group.
///
/// Any error that converts to [`BoxError`] will do, and so will text. Children with other outputs are spawned
/// with `spawn_value`. Implement it for a type of your own to say which of its values are failures.
#[diagnostic::on_unimplemented(
    message = "a child of a group ends with `()` or with `Result<T, E>`, not with `{Self}`",
    note = "a child that cannot fail and gives a value is spawned with `spawn_value`",
    note = "`E` is anything that converts to `Box<dyn Error + Send + Sync>`"
)]
pub trait ChildOutput {
    /// What the child's task gives if it does not fail.
    type Value;

    /// Says whether the child has failed.
    ///
    /// # Errors
    /// What fails the group.
    fn into_result(self) -> Result<Self::Value, BoxError>;
}

impl ChildOutput for () {
    type Value = ();
    fn into_result(self) -> Result<(), BoxError> {
        Ok(())
    }
}

impl<T, E: Into<BoxError>> ChildOutput for Result<T, E> {
    type Value = T;
    fn into_result(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
    }
}

/// Names the type of a child that never ends by itself (`async { loop { .. } }`), which has no name in stable
/// Rust.
#[doc(hidden)]
pub trait Returns {
    type Output;
}

impl<T> Returns for fn() -> T {
    type Output = T;
}

impl ChildOutput for <fn() -> ! as Returns>::Output {
    type Value = Infallible;
    fn into_result(self) -> Result<Infallible, BoxError> {
        self
    }
}

pin_project! {
    /// The future of a child's task.
    pub(super) struct Child<F: Future, T> {
        #[pin]
        future: Option<F>,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        // After the future: its place is given up when that is gone.
        membership: Membership,
    }

    impl<F: Future, T> PinnedDrop for Child<F, T> {
        /// A destructor of the user's that panics is a failure like another.
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                let dropped = catch_unwind(AssertUnwindSafe(|| this.future.set(None)));
                if let Err(payload) = dropped {
                    fail(this.membership.members(), TaskError::panicked(payload).into());
                }
            }
        }
    }
}

impl<F: Future, T> Child<F, T> {
    pub(super) fn new(
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        membership: Membership,
    ) -> Self {
        Self { future: Some(future), into_result, membership }
    }
}

impl<F: Future, T> Future for Child<F, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        if this.membership.poll_turn(cx).is_pending() {
            // An offered request is left where it is, and unwinds from here.
            return Poll::Pending;
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("the child of a group was polled after its end");
        };
        match poll_caught(future, *this.into_result, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(value)) => Poll::Ready(value),
            Poll::Ready(Err(error)) => {
                let message = format!("the task failed: {error}");
                fail(this.membership.members(), error);
                end_cancelled(message);
                Poll::Pending
            }
        }
    }
}

/// Polls the user's future; a panic is an error like another. The future is not polled again after it.
pub(super) fn poll_caught<F: Future, T>(
    future: Pin<&mut F>,
    into_result: fn(F::Output) -> Result<T, BoxError>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, BoxError>> {
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(polled) => polled.map(into_result),
        Err(payload) => Poll::Ready(Err(TaskError::panicked(payload).into())),
    }
}

/// Hands the error of the child that is polled or dropped in this thread to the group.
#[cold]
fn fail(members: &Members, error: BoxError) {
    members.fail(failure_of_this_task(error));
}

/// Notes the task that is polled in this thread at its error.
pub(super) fn failure_of_this_task(error: BoxError) -> TaskFailure {
    match current_task() {
        Some(task) => TaskFailure::of_task(error, &task),
        None => TaskFailure::new(error),
    }
}

/// The request unwinds from here to the root, where the task ends cancelled.
fn end_cancelled(message: String) {
    poll_context::raise(Request::of_task(Some(message.into())));
}

/// The future of a task that came too late: it ends cancelled, and gives nothing.
pub(super) async fn refused<T>(message: String) -> T {
    let mut message = Some(message);
    std::future::poll_fn(move |_| {
        message.take().into_iter().for_each(end_cancelled);
        Poll::Pending
    })
    .await
}
