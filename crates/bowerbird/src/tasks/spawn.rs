//! `spawn`: a future becomes a task.

use std::panic::Location;
use std::sync::Arc;

use bowerbird_core::{Context, SpawnError, SpawnOptions, Task};

use crate::run::outside_a_runtime;

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
        Err(error) => cannot_spawn("spawn", error),
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
        Err(error) => cannot_spawn("create_task", error),
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
        Err(error) => cannot_spawn("spawn_local", error),
    }
}

#[track_caller]
#[cold]
fn cannot_spawn(call: &str, error: SpawnError) -> ! {
    match error {
        SpawnError::NoSeat => panic!(
            "{call}() was called on a thread that polls no tasks. Call it inside a task or inside the future given \
             to `bowerbird::run` or `block_on`; on other threads use `bowerbird::spawn` with a `Send` future"
        ),
        _ => outside_a_runtime(call),
    }
}

/// Sets up a task before it is spawned.
///
/// asyncio: the keyword arguments of `create_task`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::TaskBuilder::new().name("adder").spawn(async { 1 + 1 });
///     assert_eq!(&*task.name(), "adder");
///     assert_eq!(task.await.unwrap(), 2);
/// });
/// ```
#[derive(Debug, Clone, Default)]
#[must_use = "call spawn() to start the task"]
pub struct TaskBuilder {
    options: SpawnOptions,
}

impl TaskBuilder {
    /// Makes a builder with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the task a name, in place of `Task-N`.
    ///
    /// asyncio: `name=`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.options.name = Some(name.into());
        self
    }

    /// Polls the task once before `spawn` returns; one that ends in this poll is never queued.
    ///
    /// asyncio: `eager_start=`.
    pub fn eager(mut self, is_eager: bool) -> Self {
        self.options.is_eager = is_eager;
        self
    }

    /// Gives the task its own context variables, in place of a copy of the spawner's.
    ///
    /// asyncio: `context=`.
    pub fn context(mut self, context: Context) -> Self {
        self.options.context = Some(context);
        self
    }

    /// Spawns the task; see [`spawn`].
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match bowerbird_core::spawn_with(future, &self.options, Location::caller()) {
            Ok(task) => task,
            Err(error) => cannot_spawn("spawn", error),
        }
    }

    /// Spawns a task that stays on this thread; see [`spawn_local`].
    ///
    /// # Panics
    /// On a thread that polls no tasks.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match bowerbird_core::spawn_local(future, &self.options, Location::caller()) {
            Ok(task) => task,
            Err(error) => cannot_spawn("spawn_local", error),
        }
    }
}
