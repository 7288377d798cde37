//! A task's settings, before it is spawned.

use std::panic::Location;
use std::sync::Arc;

use crate::blocking::spawn_blocking;
use crate::handle::Handle;
use crate::spawn::{SpawnError, SpawnOptions, spawn_local, spawn_with};
use crate::task::join::Task;
use crate::variables::Context;

impl Task<()> {
    /// Sets up a task before it is spawned.
    ///
    /// asyncio: the keyword arguments of `create_task`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let task = bowerbird::Task::builder().name("adder").eager(true).spawn(async { 1 + 1 });
    ///     assert!(task.done());
    ///     assert_eq!(task.await.unwrap(), 2);
    /// });
    /// ```
    pub fn builder() -> TaskBuilder {
        TaskBuilder::new()
    }
}

impl SpawnError {
    /// Panics with a message that names the call and the fix, at the caller's line.
    #[track_caller]
    #[cold]
    pub fn panic(self, call: &str) -> ! {
        match self {
            Self::NoSeat => panic!(
                "{call}() was called on a thread that polls no tasks. Call it inside a task or inside the future given \
                 to `bowerbird::run` or `block_on`; on other threads use `bowerbird::spawn` with a `Send` future"
            ),
            Self::NoRuntime => panic!(
                "{call}() was called outside a bowerbird runtime. Wrap the program in `bowerbird::run(async {{ .. }})` \
                 or `#[bowerbird::main]`; on another thread, enter the runtime first: `let _guard = handle.enter();`"
            ),
        }
    }
}

/// Sets up a task before it is spawned.
///
/// asyncio: the keyword arguments of `create_task`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let task = bowerbird::Task::builder().name("adder").spawn(async { 1 + 1 });
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
    pub(crate) fn new() -> Self {
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

    /// What was set, for whoever spawns the task in another way.
    #[doc(hidden)]
    pub fn options(&self) -> &SpawnOptions {
        &self.options
    }

    /// Spawns the task on another runtime, or from a thread that belongs to none.
    ///
    /// asyncio: `run_coroutine_threadsafe`. From outside of that runtime an eager task is queued as any other.
    ///
    /// # Examples
    /// ```
    /// let runtime = bowerbird::Runtime::new().unwrap();
    /// let builder = bowerbird::Task::builder().name("from outside");
    /// let task = builder.spawn_on(&runtime.handle(), async { 1 });
    /// assert_eq!(&*task.name(), "from outside");
    /// assert_eq!(runtime.block_on(task).unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn spawn_on<F>(self, handle: &Handle, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        handle.runtime().spawn(future, &self.options)
    }

    /// Runs a blocking closure on the blocking pool, with this name and context.
    ///
    /// asyncio: `loop.run_in_executor(None, f)`.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let task = bowerbird::Task::builder().name("adder").spawn_blocking(|| 1 + 1);
    ///     assert_eq!(task.await.unwrap(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_blocking<F, T>(self, f: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        match spawn_blocking(f, &self.options, Location::caller()) {
            Ok(task) => task,
            Err(error) => error.panic("spawn_blocking"),
        }
    }

    /// Spawns the task; see `spawn`.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match spawn_with(future, &self.options, Location::caller()) {
            Ok(task) => task,
            Err(error) => error.panic("spawn"),
        }
    }

    /// Spawns a task that stays on this thread; see `spawn_local`.
    ///
    /// # Panics
    /// On a thread that polls no tasks.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match spawn_local(future, &self.options, Location::caller()) {
            Ok(task) => task,
            Err(error) => error.panic("spawn_local"),
        }
    }
}
