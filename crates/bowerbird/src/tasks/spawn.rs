//! `spawn`: a future becomes a task.

use std::panic::Location;

use bowerbird_core::{SpawnOptions, Task};

/// Spawns a task: the future runs on its own from now on.
///
/// asyncio: `create_task`. The task does not run before the spawner suspends or another worker takes it. It
/// runs whether or not its handle is kept; awaiting the handle gives its output.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::spawn(async { 1 + 1 });
///     assert_eq!(task.await.unwrap(), 2);
/// });
/// ```
#[inline]
#[track_caller]
pub fn spawn<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match bowerbird_core::spawn(future) {
        Ok(task) => task,
        Err(error) => error.panic("spawn"),
    }
}

/// Spawns a task; asyncio's word for [`spawn`].
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::create_task(async { "done" });
///     assert_eq!(task.await.unwrap(), "done");
/// });
/// ```
#[inline]
#[track_caller]
pub fn create_task<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match bowerbird_core::spawn(future) {
        Ok(task) => task,
        Err(error) => error.panic("create_task"),
    }
}

/// Spawns a task and polls it once before this returns; one that ends in this poll is never queued.
///
/// asyncio: `create_task(.., eager_start=True)`, `eager_task_factory`. Until its first suspension the task runs
/// here, as a task of its own: [`current_task`](crate::current_task) is the new one, and what it sets in
/// context variables stays its own. With a name or a context: `Task::builder().eager(true)`.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::spawn_eager(async { "cached" });
///     assert!(task.done());
///     assert_eq!(task.await.unwrap(), "cached");
/// });
/// ```
#[track_caller]
pub fn spawn_eager<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let mut options = SpawnOptions::default();
    options.is_eager = true;
    match bowerbird_core::spawn_with(future, &options, Location::caller()) {
        Ok(task) => task,
        Err(error) => error.panic("spawn_eager"),
    }
}

/// Spawns a task that stays on this thread, and so need not be `Send`.
///
/// asyncio: every task is one. Wake-ups from other threads reach it through this thread's inbox. When a
/// thread leaves [`Runtime::block_on`](crate::Runtime::block_on), its local tasks are cancelled and awaited.
///
/// # Panics
/// Outside a task: in a thread that has only entered a runtime, or in the blocking pool.
///
/// # Examples
/// ```
/// use std::rc::Rc;
/// bowerbird::run(async {
///     let name = Rc::new(String::from("local"));
///     let task = bowerbird::spawn_local(async move { name.len() });
///     assert_eq!(task.await.unwrap(), 5);
/// });
/// ```
#[track_caller]
pub fn spawn_local<F>(future: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: 'static,
{
    match bowerbird_core::spawn_local(future, &SpawnOptions::default(), Location::caller()) {
        Ok(task) => task,
        Err(error) => error.panic("spawn_local"),
    }
}
