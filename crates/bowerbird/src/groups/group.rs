//! The handle of a group, through which its children are spawned.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bowerbird_core::{SpawnOptions, TaskBuilder, spawn_with};

use super::child::{Child, ChildOutput, refused};
use super::members::Members;
use super::{BoxError, ChildTask, GroupClosed, GroupState};

/// The handle of a group: spawns its children and cancels them.
///
/// asyncio: the `tg` of `async with TaskGroup() as tg`. The body of a group is given one. It is cloned and
/// given to children and other threads, and does not keep the group from ending: that is up to the body and
/// the children.
///
/// | | spawns | refused by a group that |
/// |---|---|---|
/// | [`spawn`](Self::spawn) | a child that may fail: it ends with `Result<T, E>` or `()` | shuts down: the task is cancelled; else panics |
/// | [`try_spawn`](Self::try_spawn) | the same | takes no children: `Err(GroupClosed)` |
/// | [`spawn_value`](Self::spawn_value) | a child that gives a value and cannot fail | as `spawn` |
/// | [`spawn_with`](Self::spawn_with) | as `spawn`, with a name, a context, eagerly | as `spawn` |
#[derive(Clone)]
pub struct Group(pub(super) Arc<Members>);

impl Group {
    /// Spawns a child of the group, which may fail.
    ///
    /// asyncio: `TaskGroup.create_task`. If the child ends with an `Err` or panics, the group fails: the
    /// siblings and the body are cancelled, and the error is in the group's [`ExceptionGroup`]; the child's
    /// own task then ends cancelled. A child that is cancelled is no error. The handle may be dropped: the
    /// group waits for the child in any case.
    ///
    /// In a group that is shutting down the future is dropped unpolled, and the task is cancelled: another
    /// thread may have failed the group between two lines of its body. (asyncio raises a `RuntimeError`;
    /// [`try_spawn`](Self::try_spawn) tells.)
    ///
    /// # Panics
    /// If the group has not been entered or is finished; outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{BoxError, task_group};
    ///
    /// async fn fetch(page: u32) -> Result<u32, std::io::Error> {
    ///     Ok(page * 10)
    /// }
    ///
    /// let sum = bowerbird::run(task_group(async |group| {
    ///     let (first, second) = (group.spawn(fetch(1)), group.spawn(fetch(2)));
    ///     Ok(first.await? + second.await?)
    /// }));
    /// assert_eq!(sum.unwrap(), 30);
    /// ```
    ///
    /// [`ExceptionGroup`]: crate::ExceptionGroup
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> ChildTask<<F::Output as ChildOutput>::Value>
    where
        F: Future<Output: ChildOutput<Value: Send + 'static> + Send + 'static> + Send + 'static,
    {
        self.spawn_or_refuse(future, ChildOutput::into_result, &SpawnOptions::default())
    }

    /// Spawns a child of the group, unless the group takes no more.
    ///
    /// asyncio: `TaskGroup.create_task`, with its `RuntimeError` as a value.
    ///
    /// # Errors
    /// The state of the group, if it is not open. The future is dropped unpolled.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn try_spawn<F>(
        &self,
        future: F,
    ) -> Result<ChildTask<<F::Output as ChildOutput>::Value>, GroupClosed>
    where
        F: Future<Output: ChildOutput<Value: Send + 'static> + Send + 'static> + Send + 'static,
    {
        self.spawn_child(future, ChildOutput::into_result, &SpawnOptions::default())
            .map_err(|refused| refused.1)
    }

    /// Spawns a child that gives a value and cannot fail, but by a panic.
    ///
    /// asyncio: `TaskGroup.create_task`. An `Err` that it gives is a value like any other.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    ///
    /// # Examples
    /// ```
    /// let sum = bowerbird::run(bowerbird::task_group(async |group| {
    ///     let (one, two) = (group.spawn_value(async { 1 }), group.spawn_value(async { 2 }));
    ///     Ok(one.await? + two.await?)
    /// }));
    /// assert_eq!(sum.unwrap(), 3);
    /// ```
    #[track_caller]
    pub fn spawn_value<F>(&self, future: F) -> ChildTask<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.spawn_or_refuse(future, Ok, &SpawnOptions::default())
    }

    /// Spawns a child with options: a name, context variables, eagerly.
    ///
    /// asyncio: the keyword arguments of `create_task`.
    ///
    /// # Panics
    /// As [`spawn`](Self::spawn).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{Task, task_group};
    ///
    /// let error = bowerbird::run(task_group(async |group| {
    ///     group.spawn_with(Task::builder().name("reader"), async { Err::<(), _>("no file") });
    ///     Ok(())
    /// }))
    /// .unwrap_err();
    /// assert_eq!(error.exceptions()[0].task_name(), Some("reader"));
    /// ```
    #[track_caller]
    pub fn spawn_with<F>(
        &self,
        options: TaskBuilder,
        future: F,
    ) -> ChildTask<<F::Output as ChildOutput>::Value>
    where
        F: Future<Output: ChildOutput<Value: Send + 'static> + Send + 'static> + Send + 'static,
    {
        self.spawn_or_refuse(future, ChildOutput::into_result, options.options())
    }

    /// Cancels all children and the body; the group ends without an error.
    ///
    /// asyncio: `TaskGroup.cancel`. Before the group is entered it takes effect when it is; the body is
    /// cancelled at its first suspension then. It may be called any number of times, from any thread, and
    /// does nothing once the group shuts down or is finished. Errors that came before stay errors.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{sleep, task_group};
    /// use std::time::Duration;
    ///
    /// let ended = bowerbird::run(task_group(async |group| {
    ///     group.spawn(async { sleep(Duration::from_secs(3600)).await });
    ///     group.cancel();
    ///     Ok("no error")
    /// }));
    /// assert_eq!(ended.unwrap(), "no error");
    /// ```
    pub fn cancel(&self) {
        self.0.cancel();
    }

    /// Returns the name of the group, if it was given one.
    pub fn name(&self) -> Option<Arc<str>> {
        self.0.name()
    }

    /// Returns the state of the group at the moment.
    pub fn state(&self) -> GroupState {
        self.0.state()
    }

    /// Returns how many children have not ended.
    pub fn len(&self) -> usize {
        self.0.figures().0
    }

    /// Returns whether no child is left at the moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[track_caller]
    pub(super) fn spawn_or_refuse<F, T>(
        &self,
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        options: &SpawnOptions,
    ) -> ChildTask<T>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        T: Send + 'static,
    {
        let (future, closed) = match self.spawn_child(future, into_result, options) {
            Ok(task) => return task,
            Err(refused) => refused,
        };
        if !closed.is_shutting_down() {
            panic!("spawn() was called on a group that takes no children: {closed}");
        }
        drop(future);
        match spawn_with(refused(closed.to_string()), options, Location::caller()) {
            Ok(task) => ChildTask::new(task),
            Err(error) => error.panic("spawn"),
        }
    }

    /// Spawns a child, or gives its future back.
    #[track_caller]
    pub(super) fn spawn_child<F, T>(
        &self,
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
        options: &SpawnOptions,
    ) -> Result<ChildTask<T>, (F, GroupClosed)>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
        T: Send + 'static,
    {
        let membership = match self.0.join() {
            Ok(membership) => membership,
            Err(closed) => return Err((future, closed)),
        };
        let spawning = membership.hold();
        let child = Child::new(future, into_result, membership);
        match spawn_with(child, options, Location::caller()) {
            Ok(task) => {
                self.0.add(task.handle());
                drop(spawning);
                Ok(ChildTask::new(task))
            }
            Err(error) => error.panic("spawn"),
        }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tasks, errors, state) = self.0.figures();
        f.write_str("<TaskGroup")?;
        if let Some(name) = self.0.name() {
            write!(f, " `{name}`")?;
        }
        if tasks > 0 {
            write!(f, " tasks={tasks}")?;
        }
        if errors > 0 {
            write!(f, " errors={errors}")?;
        }
        match state {
            GroupState::NotEntered => f.write_str(">"),
            GroupState::Open => f.write_str(" entered>"),
            GroupState::ShuttingDown => f.write_str(" cancelling>"),
            GroupState::Finished => f.write_str(" finished>"),
        }
    }
}
