//! The rarer types of groups: what their methods return, their errors, and their futures.
//!
//! asyncio: `TaskGroup` and `ExceptionGroup`. What a program names daily stands at the root:
//! [`task_group`](crate::task_group()), [`TaskGroup`](crate::TaskGroup), [`Group`], their local forms,
//! [`Policy`], [`ExceptionGroup`] and [`BoxError`].
//!
//! # Examples
//! ```
//! use bowerbird::groups::Started;
//! use bowerbird::{BoxError, task_group};
//!
//! async fn serve(started: Started<u16>) -> Result<(), BoxError> {
//!     started.ready(8080);
//!     Ok(())
//! }
//!
//! let port = bowerbird::run(task_group(async |group| Ok(group.start(serve).await?)));
//! assert_eq!(port.unwrap(), 8080);
//! ```

// The journey of a group: made, running, its handle, its children.
pub(crate) mod task_group;
mod running;
mod crew;
pub(crate) mod group;
mod child_task;
mod child;
mod members;
mod turns;
mod closed;
// Children that are waited for in other ways.
mod start;
mod results;
// A group inside one task.
pub(crate) mod local_task_group;
mod local_children;
mod local_child;
// The errors of several tasks in one value.
pub(crate) mod exception_group;
pub(crate) mod task_failure;

pub use child::ChildOutput;
pub use child_task::ChildTask;
pub use closed::{GroupClosed, GroupState};
pub use crew::{Crew, Spawned};
pub use local_child::LocalChild;
pub use local_children::LocalCrew;
pub use results::{NextResult, Results};
pub use running::{RunGroup, UntilCancelled};
pub use start::{Start, StartError, Started};
pub use task_failure::TaskFailure;
pub use task_group::GroupCancelled;

use exception_group::ExceptionGroup;
use group::Group;
use task_failure::BoxError;
use task_group::Policy;
