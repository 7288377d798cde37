//! `TaskSet`: a set of tasks that belong together, joined as they end.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_core::{SpawnOptions, Task, TaskError, TaskHandle};
use futures_core::Stream;

use super::ready_set::ReadySet;
use crate::CancelSafe;
use crate::cleanup::leave_wait;

/// A set of tasks that grows and shrinks, whose results come as they end.
///
/// asyncio: the `set` of background tasks that its documentation advises to keep. Tokio's `JoinSet`. Dropped,
/// it cancels its tasks, and the task that drops it does not end before they have;
/// [`detach_all`](TaskSet::detach_all) lets them run on. For tasks that must not outlive a block, and for errors
/// that cancel the others, use a task group.
///
/// | Tokio's `JoinSet` | here |
/// |---|---|
/// | `spawn`, `spawn_local` | the same; give a [`TaskHandle`] |
/// | `spawn_on` | [`add`](TaskSet::add) takes any [`Task`] |
/// | `join_next`, `try_join_next`, `len`, `is_empty`, `detach_all`, `shutdown` | the same |
/// | `join_next_with_id` | [`join_next_with_handle`](TaskSet::join_next_with_handle) |
/// | `join_all` | the same; gives a `Result` for each |
/// | `abort_all` | [`cancel_all`](TaskSet::cancel_all): cleanups are run |
/// | dropping it | also waits for the end of its tasks |
///
/// # Examples
/// ```
/// use bowerbird::TaskSet;
///
/// bowerbird::run(async {
///     let mut tasks = TaskSet::new();
///     for n in 0..3 {
///         tasks.spawn(async move { n * n });
///     }
///     let mut sum = 0;
///     while let Some(square) = tasks.join_next().await {
///         sum += square.unwrap();
///     }
///     assert_eq!(sum, 5);
/// });
/// ```
pub struct TaskSet<T> {
    set: ReadySet<Member<T>>,
    location: &'static Location<'static>,
}

/// A task that tells who it was when it has ended.
struct Member<T>(Task<T>);

impl<T> Future for Member<T> {
    type Output = (TaskHandle, Result<T, TaskError>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|result| (self.0.handle(), result))
    }
}

impl<T> AsRef<TaskHandle> for Member<T> {
    fn as_ref(&self) -> &TaskHandle {
        &self.0
    }
}

impl<T> Unpin for TaskSet<T> {}

impl<T> TaskSet<T> {
    /// Makes an empty set.
    #[track_caller]
    pub fn new() -> Self {
        Self { set: ReadySet::new(), location: Location::caller() }
    }

    /// Returns how many tasks are in the set: those whose results were not taken.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Returns whether there is nothing left to join.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a task into the set.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> TaskHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        match bowerbird_core::spawn(future) {
            Ok(task) => self.add(task),
            Err(error) => error.panic("TaskSet::spawn"),
        }
    }

    /// Spawns a task that stays on this thread into the set; see [`spawn_local`](crate::spawn_local).
    ///
    /// # Panics
    /// Outside a task.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> TaskHandle
    where
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        match bowerbird_core::spawn_local(future, &SpawnOptions::default(), Location::caller()) {
            Ok(task) => self.add(task),
            Err(error) => error.panic("TaskSet::spawn_local"),
        }
    }

    /// Takes a task into the set that runs already, of whatever runtime, builder or thread.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let mut tasks = bowerbird::TaskSet::new();
    ///     let handle = tasks.add(bowerbird::spawn_blocking(|| 5));
    ///     let (ended, result) = tasks.join_next_with_handle().await.unwrap();
    ///     assert_eq!((ended, result.unwrap()), (handle, 5));
    /// });
    /// ```
    pub fn add(&mut self, task: Task<T>) -> TaskHandle {
        let handle = task.handle();
        self.set.add(Member(task));
        handle
    }

    /// Waits for the next task that ends and takes its result out of the set; `None` if the set is empty.
    ///
    /// Whoever waits and is cancelled does not cancel the tasks; dropping the set does.
    ///
    /// # Cancel safety
    /// Nothing is lost: what has ended stays in the set.
    pub fn join_next(&mut self) -> JoinNext<'_, T> {
        JoinNext(self.join_next_with_handle())
    }

    /// The same, with the handle of the task.
    ///
    /// # Cancel safety
    /// Nothing is lost: what has ended stays in the set.
    pub fn join_next_with_handle(&mut self) -> JoinNextWithHandle<'_, T> {
        self.set.is_suspended = false;
        JoinNextWithHandle(self)
    }

    /// Takes the result of a task that has ended, if there is one.
    pub fn try_join_next(&mut self) -> Option<Result<T, TaskError>> {
        self.set.try_next().map(|(_, (_, result))| result)
    }

    /// Waits for all tasks and gives their results in the order in which they ended.
    ///
    /// # Cancel safety
    /// The results are lost, and the tasks that have not ended are cancelled.
    pub async fn join_all(mut self) -> Vec<Result<T, TaskError>> {
        let mut results = Vec::with_capacity(self.len());
        while let Some(result) = self.join_next().await {
            results.push(result);
        }
        results
    }

    /// Asks all tasks to end. They stay in the set until they are joined.
    pub fn cancel_all(&self) {
        for member in self.set.children() {
            member.0.cancel();
        }
    }

    /// Cancels all tasks and waits until they have ended; their results are dropped.
    ///
    /// # Cancel safety
    /// The tasks were asked to end; call it again to wait for them.
    pub async fn shutdown(&mut self) {
        self.cancel_all();
        while self.join_next().await.is_some() {}
    }

    /// Lets all tasks run on without the set, which is empty then.
    pub fn detach_all(&mut self) {
        drop(self.set.drain());
    }

    /// Gives the handles of the tasks that have not ended.
    pub fn handles(&self) -> impl Iterator<Item = TaskHandle> {
        self.set.children().map(|member| member.0.handle())
    }

    fn poll_join(&mut self, cx: &mut Context<'_>) -> Poll<Option<Joined<T>>> {
        let polled = self.set.poll_wait(cx, "task set", self.location);
        polled.map(|ended| ended.map(|(_, joined)| joined))
    }
}

type Joined<T> = (TaskHandle, Result<T, TaskError>);

impl<T> Default for TaskSet<T> {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

/// The results as they come; it ends when the set is empty.
impl<T> Stream for TaskSet<T> {
    type Item = Result<T, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_join(cx).map(|joined| joined.map(|(_, result)| result))
    }
}

impl<T, F> FromIterator<F> for TaskSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = Self::new();
        for future in futures {
            set.spawn(future);
        }
        set
    }
}

impl<T> Drop for TaskSet<T> {
    fn drop(&mut self) {
        let is_cancelled = |handle: &TaskHandle| handle.cancel();
        leave_wait(self.handles().filter(is_cancelled).collect(), self.location);
    }
}

impl<T> fmt::Debug for TaskSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// The future of [`TaskSet::join_next`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNext<'a, T>(JoinNextWithHandle<'a, T>);

impl<T> CancelSafe for JoinNext<'_, T> {}

impl<T> Future for JoinNext<'_, T> {
    type Output = Option<Result<T, TaskError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.map(|(_, result)| result))
    }
}

/// The future of [`TaskSet::join_next_with_handle`].
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct JoinNextWithHandle<'a, T>(&'a mut TaskSet<T>);

impl<T> CancelSafe for JoinNextWithHandle<'_, T> {}

impl<T> Future for JoinNextWithHandle<'_, T> {
    type Output = Option<(TaskHandle, Result<T, TaskError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll_join(cx)
    }
}
