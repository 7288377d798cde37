//! `task_group`: a body and its children, which end together.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::crew::Spawned;
use super::members::Members;
use super::running::RunGroup;
use super::{BoxError, Group};

/// Runs a body and the children that it spawns, and ends when all of them have ended.
///
/// asyncio: `async with TaskGroup() as tg:`. The body is given the group's handle and spawns children with it;
/// they may spawn more. When one fails, the others and the body are cancelled, and the group gives all errors
/// as an [`ExceptionGroup`](crate::ExceptionGroup), in the order in which they came, the body's own last.
/// A child that is cancelled is no error. The children never outlive the group, however it ends.
///
/// The body gives `Result<T, BoxError>`, so `?` takes any error. A child that failed while the body awaits it
/// is in the group once: the `TaskError` that the body sees then is not added. A panic of the body goes on in
/// the awaiter; the children are cancelled and awaited before the task ends.
///
/// Whoever awaits the group and is cancelled cancels the body, then the children, waits for their ends, and
/// unwinds, unless there were errors: these are given, and the request is offered again at the next
/// suspension.
///
/// [`TaskGroup`] has a name, a limit, another policy; inside code that is generic over the body and must be
/// `Send`, see [`task_group_send`].
///
/// # Cancel safety
/// Dropped half-way, it cancels the children, and the task that drops it does not end before they have.
///
/// # Errors
/// The errors of the children and of the body; [`GroupCancelled`] alone if `Group::cancel` ended the body
/// before it had a value (see `until_cancelled` of [`RunGroup`]).
///
/// # Panics
/// Outside a task, when it is polled first.
///
/// # Examples
/// ```
/// use bowerbird::task_group;
///
/// async fn parse(text: &'static str) -> Result<u32, std::num::ParseIntError> {
///     text.parse()
/// }
///
/// let sum = bowerbird::run(task_group(async |group| {
///     let numbers = ["1", "2"].map(|text| group.spawn(parse(text)));
///     let mut sum = 0;
///     for number in numbers {
///         sum += number.await?;
///     }
///     Ok(sum)
/// }));
/// assert_eq!(sum.unwrap(), 3);
///
/// let error = bowerbird::run(task_group(async |group| {
///     group.spawn(parse("x"));
///     Ok(())
/// }))
/// .unwrap_err();
/// assert_eq!(error.to_string(), "unhandled errors in a TaskGroup (1 sub-exception)");
/// assert!(error.find::<std::num::ParseIntError>().is_some());
/// ```
#[track_caller]
pub fn task_group<T, F>(
    body: F,
) -> RunGroup<T, impl Future<Output = Result<T, BoxError>> + use<T, F>>
where
    F: AsyncFnOnce(Group) -> Result<T, BoxError>,
{
    TaskGroup::new().run(body)
}

/// [`task_group`] for code that is generic over the body and needs a `Send` future.
///
/// asyncio: as `task_group`. The future of an `AsyncFnOnce` cannot be bounded by `Send` on stable Rust, so this
/// one takes a function that returns a future.
///
/// # Cancel safety
/// As [`task_group`].
///
/// # Errors
/// As [`task_group`].
///
/// # Panics
/// As [`task_group`].
///
/// # Examples
/// ```
/// use bowerbird::{BoxError, ExceptionGroup, Group, spawn, task_group_send};
///
/// async fn in_a_task<F, Fut>(body: F) -> Result<u32, ExceptionGroup>
/// where
///     F: FnOnce(Group) -> Fut + Send + 'static,
///     Fut: Future<Output = Result<u32, BoxError>> + Send + 'static,
/// {
///     spawn(async move { task_group_send(body).await }).await.unwrap()
/// }
/// assert_eq!(bowerbird::run(in_a_task(|_group| async { Ok(1) })).unwrap(), 1);
/// ```
#[track_caller]
pub fn task_group_send<T, F, Fut>(body: F) -> RunGroup<T, Fut>
where
    F: FnOnce(Group) -> Fut + Send,
    Fut: Future<Output = Result<T, BoxError>> + Send,
{
    TaskGroup::new().run_send(body)
}

/// What a failure of a child does to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Policy {
    /// The first failure cancels the siblings and the body.
    ///
    /// asyncio: the only one.
    #[default]
    FailFast,
    /// A failure leaves the siblings and the body alone; all errors are given at the end. An error of the body
    /// cancels the children.
    Supervisor,
}

/// A group before it runs: its name, its policy, its limit.
///
/// asyncio: `TaskGroup()`, which has none of these settings.
///
/// # Examples
/// ```
/// use bowerbird::{Policy, TaskGroup};
///
/// let group = TaskGroup::new().name("downloads").limit(2).policy(Policy::Supervisor);
/// let error = bowerbird::run(group.run(async |group| {
///     for page in 0..10 {
///         group.spawn(async move { if page % 4 == 0 { Err("gone") } else { Ok(()) } });
///     }
///     Ok(())
/// }))
/// .unwrap_err();
/// assert_eq!(error.to_string(), "unhandled errors in the TaskGroup `downloads` (3 sub-exceptions)");
/// ```
#[must_use = "call run() to run the group"]
pub struct TaskGroup {
    members: Arc<Members>,
}

impl TaskGroup {
    /// Makes a group that fails fast, without a limit.
    #[track_caller]
    pub fn new() -> Self {
        Self { members: Members::new(Location::caller()) }
    }

    /// Gives the group a name, for its errors.
    pub fn name(self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.members.set(|ledger| ledger.name = Some(name));
        self
    }

    /// Says what a failure of a child does to the others.
    pub fn policy(self, policy: Policy) -> Self {
        self.members.set(|ledger| ledger.policy = policy);
        self
    }

    /// Lets no more than `count` children run at a time; the others wait, in the order in which they were
    /// spawned, and are not polled before.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn limit(self, count: usize) -> Self {
        assert!(count > 0, "TaskGroup::limit(0) would let no child run; give at least 1");
        self.members.set(|ledger| ledger.turns.set_limit(count));
        self
    }

    /// Returns a handle of the group, to cancel it from elsewhere, even before it runs.
    ///
    /// asyncio: the `TaskGroup` object itself. It takes no children before [`run`](Self::run).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::TaskGroup;
    ///
    /// let group = TaskGroup::new();
    /// group.handle().cancel();
    /// let ended = bowerbird::run(group.run(async |_| Ok(std::future::pending::<()>().await)).until_cancelled());
    /// assert_eq!(ended.unwrap(), None);
    /// ```
    pub fn handle(&self) -> Group {
        Group(self.members.clone())
    }

    /// Runs the group; see [`task_group`].
    ///
    /// # Cancel safety
    /// As [`task_group`].
    ///
    /// # Errors
    /// As [`task_group`].
    ///
    /// # Panics
    /// As [`task_group`].
    pub fn run<T, F>(
        self,
        body: F,
    ) -> RunGroup<T, impl Future<Output = Result<T, BoxError>> + use<T, F>>
    where
        F: AsyncFnOnce(Group) -> Result<T, BoxError>,
    {
        let handle = self.handle();
        self.members.enter();
        RunGroup::new(Spawned::new(self.members), body(handle))
    }

    /// Runs the group in code that is generic over the body; see [`task_group_send`].
    ///
    /// # Cancel safety
    /// As [`task_group`].
    ///
    /// # Errors
    /// As [`task_group`].
    ///
    /// # Panics
    /// As [`task_group`].
    pub fn run_send<T, F, Fut>(self, body: F) -> RunGroup<T, Fut>
    where
        F: FnOnce(Group) -> Fut + Send,
        Fut: Future<Output = Result<T, BoxError>> + Send,
    {
        let handle = self.handle();
        self.members.enter();
        RunGroup::new(Spawned::new(self.members), body(handle))
    }
}

impl Default for TaskGroup {
    #[track_caller]
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle().fmt(f)
    }
}

/// `Group::cancel` ended the body of a group before it had a value.
///
/// asyncio: no counterpart; a block that is left early has no value there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupCancelled(pub(super) ());

impl fmt::Display for GroupCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancel() ended the body of the group before it had a value")
    }
}

impl Error for GroupCancelled {}
