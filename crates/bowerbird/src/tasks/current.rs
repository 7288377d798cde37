//! Who am I, and who else is there.

use bowerbird_core::TaskHandle;

/// Returns the task that calls it; `None` outside a task.
///
/// asyncio: `current_task()`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let me = bowerbird::current_task().unwrap();
///     assert!(!me.done());
/// });
/// assert!(bowerbird::current_task().is_none());
/// ```
pub fn current_task() -> Option<TaskHandle> {
    bowerbird_core::current_task()
}

/// Returns the tasks of this thread's runtime that have not ended, the oldest first; none outside a runtime.
///
/// asyncio: `all_tasks()`. The main future is one of them; work of [`to_thread`](crate::to_thread) is not.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::spawn(std::future::pending::<()>());
///     assert_eq!(bowerbird::all_tasks().len(), 2);
///     task.cancel();
/// });
/// ```
pub fn all_tasks() -> Vec<TaskHandle> {
    bowerbird_core::all_tasks()
}
