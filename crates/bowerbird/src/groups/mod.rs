//! Groups of tasks that end together, and the errors that they end with.
//!
//! asyncio: `TaskGroup` and `ExceptionGroup`.

// The journey of a group: made, running, its handle, its children.
mod task_group;
mod running;
mod crew;
mod group;
mod child_task;
mod child;
mod members;
mod turns;
mod closed;
// Children that are waited for in other ways.
mod start;
mod results;
// A group inside one task.
mod local_task_group;
mod local_children;
mod local_child;
// The errors of several tasks in one value.
mod exception_group;
mod task_failure;

pub use child::ChildOutput;
pub use child_task::ChildTask;
pub use closed::{GroupClosed, GroupState};
pub use crew::{Crew, Spawned};
pub use exception_group::ExceptionGroup;
pub use group::Group;
pub use local_child::LocalChild;
pub use local_children::LocalCrew;
pub use local_task_group::{LocalGroup, local_task_group};
pub use results::{NextResult, Results};
pub use running::{RunGroup, UntilCancelled};
pub use start::{Start, StartError, Started};
pub use task_failure::{BoxError, TaskFailure};
pub use task_group::{GroupCancelled, Policy, TaskGroup, task_group, task_group_send};
