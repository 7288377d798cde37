//! One error of a group, with the task that it came from.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use bowerbird_core::TaskHandle;

use super::ExceptionGroup;

/// Any error that can cross threads: what the bodies of groups and their children end with.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// One error of an [`ExceptionGroup`], with the task that it came from.
///
/// asyncio: an entry of `ExceptionGroup.exceptions`; the task stands in the traceback there. It shows as the
/// error itself. One that is put into another group, by `?` for instance, is not wrapped a second time.
///
/// # Examples
/// ```
/// use bowerbird::groups::TaskFailure;
///
/// let failure = TaskFailure::new(std::fmt::Error);
/// assert!(failure.error().is::<std::fmt::Error>());
/// assert_eq!(failure.task_name(), None);
/// ```
pub struct TaskFailure {
    error: BoxError,
    task: Option<Origin>,
}

/// The task that an error came from.
#[derive(Debug, Clone)]
struct Origin {
    name: Arc<str>,
    spawned_at: &'static Location<'static>,
}

impl TaskFailure {
    /// Takes an error in; one that is a `TaskFailure` already stays what it is.
    pub fn new(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(failure) => *failure,
            Err(error) => Self { error, task: None },
        }
    }

    /// Notes the task that the error came from. One that names a task already keeps it: that one is nearer.
    pub(crate) fn of_task(error: BoxError, task: &TaskHandle) -> Self {
        let mut failure = Self::new(error);
        failure
            .task
            .get_or_insert_with(|| Origin { name: task.name(), spawned_at: task.spawn_location() });
        failure
    }

    /// Notes a child that is no task: its task's name, and where the child was spawned.
    pub(super) fn of_local(
        error: BoxError,
        name: Arc<str>,
        spawned_at: &'static Location<'static>,
    ) -> Self {
        let mut failure = Self::new(error);
        failure.task.get_or_insert(Origin { name, spawned_at });
        failure
    }

    /// Returns the error.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.error
    }

    /// Gives the error.
    pub fn into_error(self) -> BoxError {
        self.error
    }

    /// Returns the name of the task that the error came from; `None` for the body of a group.
    pub fn task_name(&self) -> Option<&str> {
        self.task.as_ref().map(|task| &*task.name)
    }

    /// Returns where that task was spawned.
    pub fn spawned_at(&self) -> Option<&'static Location<'static>> {
        self.task.as_ref().map(|task| task.spawned_at)
    }

    /// Returns the error as a group, if it is one.
    pub fn as_group(&self) -> Option<&ExceptionGroup> {
        self.error.downcast_ref()
    }

    /// Takes an error that is a group apart: the group, and what makes a failure of the same task again.
    ///
    /// # Errors
    /// The failure itself, if its error is no group.
    pub(super) fn try_into_group(
        self,
    ) -> Result<(ExceptionGroup, impl Fn(ExceptionGroup) -> Self), Self> {
        let Self { error, task } = self;
        match error.downcast::<ExceptionGroup>() {
            Ok(group) => {
                let again = move |part| Self { error: Box::new(part), task: task.clone() };
                Ok((*group, again))
            }
            Err(error) => Err(Self { error, task }),
        }
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl fmt::Debug for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("TaskFailure");
        shown.field("error", &self.error);
        if let Some(task) = &self.task {
            shown.field("task", &task.name).field("spawned_at", &task.spawned_at);
        }
        shown.finish()
    }
}

impl Error for TaskFailure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}
