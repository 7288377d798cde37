//! Groups of tasks that end together, and the errors that they end with.
//!
//! asyncio: `TaskGroup` and `ExceptionGroup`.

// The errors of several tasks in one value.
mod exception_group;
mod task_failure;

pub use exception_group::ExceptionGroup;
pub use task_failure::{BoxError, TaskFailure};
