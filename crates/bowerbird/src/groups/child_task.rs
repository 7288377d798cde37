//! The handle of a child, which need not be kept.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_core::{Task, TaskError};

/// A child of a group; awaiting it gives its output.
///
/// asyncio: the task that `TaskGroup.create_task` returns. It is a [`Task`], but for one thing: the group waits
/// for it, so it may be dropped without a word. It dereferences to the task, and so to
/// [`TaskHandle`](crate::TaskHandle).
///
/// # Cancellation
/// As [`Task`]'s: whoever awaits it and is cancelled cancels the child.
///
/// # Cancel safety
/// As [`Task`]'s: await `&mut child` where the await may be dropped.
///
/// # Errors
/// [`TaskError`] if the child was cancelled or has failed; the error itself is in the group's
/// [`ExceptionGroup`](crate::ExceptionGroup).
///
/// # Examples
/// ```
/// let name = bowerbird::run(bowerbird::task_group(async |group| {
///     let child = group.spawn_value(async { 1 });
///     child.set_name("adder");
///     let name = child.name();
///     assert_eq!(child.await?, 1);
///     Ok(name)
/// }));
/// assert_eq!(&*name.unwrap(), "adder");
/// ```
pub struct ChildTask<T>(Task<T>);

impl<T> ChildTask<T> {
    pub(super) fn new(task: Task<T>) -> Self {
        Self(task)
    }

    /// Gives the task itself, for what takes tasks: `wait`, `shared`, ...
    pub fn into_task(self) -> Task<T> {
        self.0
    }

    /// Gives the output if the child has ended; otherwise gives the handle back.
    ///
    /// asyncio: `Task.result`.
    ///
    /// # Errors
    /// The child itself, if it has not ended.
    pub fn try_join(self) -> Result<Result<T, TaskError>, Self> {
        self.0.try_join().map_err(Self)
    }
}

impl<T> Future for ChildTask<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Deref for ChildTask<T> {
    type Target = Task<T>;
    fn deref(&self) -> &Task<T> {
        &self.0
    }
}

impl<T> From<ChildTask<T>> for Task<T> {
    fn from(child: ChildTask<T>) -> Self {
        child.0
    }
}

impl<T> fmt::Debug for ChildTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
