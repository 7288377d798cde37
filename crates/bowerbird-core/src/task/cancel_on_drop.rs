//! A task that does not outlive its handle.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::error::TaskError;
use super::join::Task;

impl<T> Task<T> {
    /// Lets the task be cancelled when this handle is dropped.
    ///
    /// asyncio: no counterpart; there a task whose last reference goes may vanish, here it runs on unless this
    /// is asked for. The drop asks, and does not wait for the task's end; a task group does.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let task = bowerbird::spawn(std::future::pending::<()>()).cancel_on_drop();
    ///     let handle = task.handle();
    ///     drop(task);
    ///     handle.wait().await;
    ///     assert!(handle.cancelled());
    /// });
    /// ```
    pub fn cancel_on_drop(self) -> CancelOnDrop<T> {
        CancelOnDrop { task: Some(self) }
    }
}

/// A task that is cancelled when this handle is dropped; see [`Task::cancel_on_drop`].
///
/// It is awaited and looked at as the task itself.
///
/// # Cancel safety
/// Dropped in flight, it cancels the task; await `&mut task` where the await may be dropped.
///
/// # Errors
/// [`TaskError`] if the task was cancelled or panicked.
#[must_use = "the task is cancelled when its handle is dropped; await it, or let it run on with detach()"]
pub struct CancelOnDrop<T> {
    /// Taken by `detach` alone.
    task: Option<Task<T>>,
}

impl<T> CancelOnDrop<T> {
    /// Gives the task back, which runs on when its handle is dropped.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let task = bowerbird::spawn(async { 1 }).cancel_on_drop();
    ///     assert_eq!(task.detach().await.unwrap(), 1);
    /// });
    /// ```
    pub fn detach(mut self) -> Task<T> {
        self.task.take().expect("only this takes it")
    }
}

impl<T> Deref for CancelOnDrop<T> {
    type Target = Task<T>;
    fn deref(&self) -> &Task<T> {
        self.task.as_ref().expect("only detach() takes it")
    }
}

impl<T> DerefMut for CancelOnDrop<T> {
    fn deref_mut(&mut self) -> &mut Task<T> {
        self.task.as_mut().expect("only detach() takes it")
    }
}

impl<T> Future for CancelOnDrop<T> {
    type Output = Result<T, TaskError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut **self).poll(cx)
    }
}

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.cancel();
        }
    }
}

impl<T> fmt::Debug for CancelOnDrop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
