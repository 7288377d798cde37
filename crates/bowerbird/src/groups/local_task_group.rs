//! `local_task_group`: a group inside one task, whose children may borrow and need not be `Send`.

use std::fmt;
use std::panic::Location;
use std::rc::Rc;

use super::child::ChildOutput;
use super::local_child::LocalChild;
use super::local_children::{LocalCrew, Shared};
use super::running::RunGroup;
use super::{BoxError, GroupClosed, GroupState};

/// Runs a body and children that are polled in the same task, and ends when all of them have ended.
///
/// asyncio: `TaskGroup`; all children there are of one thread. The rules are those of
/// [`task_group`](crate::task_group): the first failure cancels siblings and body, all errors are given. The
/// children may borrow from what lives longer than the group, and need not be `Send`; they run one at a time,
/// and are polled only when they were woken. They are no tasks: `current_task` is the one that all of them
/// share. Dropped half-way, the group drops its children where they stand.
///
/// # Cancel safety
/// As [`task_group`](crate::task_group), but for the drop.
///
/// # Errors
/// As [`task_group`](crate::task_group).
///
/// # Panics
/// As [`task_group`](crate::task_group).
///
/// # Examples
/// ```
/// use bowerbird::{local_task_group, sleep};
/// use std::cell::Cell;
/// use std::time::Duration;
///
/// bowerbird::run(async {
///     let names = vec![String::from("a"), String::from("bc")];
///     let length = Cell::new(0);
///     let ended = local_task_group(async |group| {
///         for name in &names {
///             group.spawn(async {
///                 sleep(Duration::from_millis(1)).await;
///                 length.set(length.get() + name.len());
///             });
///         }
///         Ok(())
///     });
///     ended.await.unwrap();
///     assert_eq!(length.get(), 3);
/// });
/// ```
#[track_caller]
pub fn local_task_group<'a, T, F>(
    body: F,
) -> RunGroup<T, impl Future<Output = Result<T, BoxError>> + use<'a, T, F>, LocalCrew<'a>>
where
    F: AsyncFnOnce(LocalGroup<'a>) -> Result<T, BoxError>,
{
    let shared = Shared::new(Location::caller());
    RunGroup::new(LocalCrew::new(shared.clone()), body(LocalGroup(shared)))
}

/// The handle of a group inside one task: spawns its children and cancels them.
///
/// asyncio: the `tg` of `async with TaskGroup() as tg`. It stays in its task.
#[derive(Clone)]
pub struct LocalGroup<'a>(Rc<Shared<'a>>);

impl<'a> LocalGroup<'a> {
    /// Spawns a child of the group, which may fail; see [`Group::spawn`](crate::Group::spawn).
    ///
    /// asyncio: `TaskGroup.create_task`. In a group that is shutting down the future is dropped unpolled.
    ///
    /// # Panics
    /// If the group is finished.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> LocalChild<'a, <F::Output as ChildOutput>::Value>
    where
        F: Future<Output: ChildOutput> + 'a,
        <F::Output as ChildOutput>::Value: 'a,
    {
        self.spawn_or_refuse(future, ChildOutput::into_result)
    }

    /// Spawns a child of the group, unless the group takes no more.
    ///
    /// asyncio: `TaskGroup.create_task`, with its `RuntimeError` as a value.
    ///
    /// # Errors
    /// The state of the group, if it is not open. The future is dropped unpolled.
    #[track_caller]
    pub fn try_spawn<F>(
        &self,
        future: F,
    ) -> Result<LocalChild<'a, <F::Output as ChildOutput>::Value>, GroupClosed>
    where
        F: Future<Output: ChildOutput> + 'a,
        <F::Output as ChildOutput>::Value: 'a,
    {
        match self.state() {
            GroupState::Open => Ok(self.spawn(future)),
            state => Err(GroupClosed::new(state, None)),
        }
    }

    /// Spawns a child that gives a value and cannot fail, but by a panic.
    ///
    /// asyncio: `TaskGroup.create_task`.
    ///
    /// # Panics
    /// If the group is finished.
    #[track_caller]
    pub fn spawn_value<F>(&self, future: F) -> LocalChild<'a, F::Output>
    where
        F: Future + 'a,
        F::Output: 'a,
    {
        self.spawn_or_refuse(future, Ok)
    }

    /// Cancels all children and the body; the group ends without an error.
    ///
    /// asyncio: `TaskGroup.cancel`.
    pub fn cancel(&self) {
        self.0.shut_down();
    }

    /// Returns the state of the group at the moment.
    pub fn state(&self) -> GroupState {
        self.0.state()
    }

    /// Returns how many children have not ended.
    pub fn len(&self) -> usize {
        self.0.live()
    }

    /// Returns whether no child is left at the moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[track_caller]
    fn spawn_or_refuse<F, T>(
        &self,
        future: F,
        into_result: fn(F::Output) -> Result<T, BoxError>,
    ) -> LocalChild<'a, T>
    where
        F: Future + 'a,
        T: 'a,
    {
        let state = self.state();
        let closed = GroupClosed::new(state, None);
        match state {
            GroupState::Open => LocalChild::spawn(self.0.clone(), future, into_result),
            GroupState::ShuttingDown => {
                drop(future);
                LocalChild::refused(self.0.clone(), closed.to_string())
            }
            GroupState::NotEntered | GroupState::Finished => {
                panic!("spawn() was called on a group that takes no children: {closed}")
            }
        }
    }
}

impl fmt::Debug for LocalGroup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<LocalTaskGroup tasks={} {:?}>", self.len(), self.state())
    }
}
