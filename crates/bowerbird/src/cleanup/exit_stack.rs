//! `AsyncExitStack`: managers and cleanups whose number is known at run time only.

use std::fmt;
use std::panic::Location;

use super::context_manager::{AsyncContextManager, ExitGuard, Outcome};
use super::defer::{Defer, defer};
use crate::scope::scoped;
use bowerbird_base::call_site::CallSite;

/// Several entered managers and deferred cleanups, left in the reverse order.
///
/// asyncio: `contextlib.AsyncExitStack`, whose block is [`run`](Self::run). Without one the stack is closed by
/// [`close`](Self::close). Dropped without either, by a cancellation or by a `?`, it leaves its entries to the
/// scope around, the last one first: a function that ends early with its stack returns before they have run, and
/// they are told [`Outcome::Cancelled`].
///
/// # Examples
/// ```
/// use bowerbird::{AsyncContextManager, AsyncExitStack, Outcome};
///
/// struct File(u32);
/// impl AsyncContextManager for File {
///     type Value = u32;
///     async fn enter(&mut self) -> u32 {
///         self.0
///     }
///     async fn exit(self, _: Outcome) {
///         println!("file {} is closed", self.0);
///     }
/// }
///
/// bowerbird::run(async {
///     let mut stack = AsyncExitStack::new();
///     let mut files = Vec::new();
///     for n in 0..3 {
///         files.push(stack.enter(File(n)).await);
///     }
///     stack.push(async { println!("before the files") });
///     assert_eq!(files, [0, 1, 2]);
///     stack.close().await;
/// });
/// ```
#[derive(Default)]
pub struct AsyncExitStack {
    entries: Vec<Box<dyn Entry>>,
}

/// Something that leaves a cleanup.
trait Entry: Send {
    fn exit(self: Box<Self>, outcome: Outcome);
}

impl<M: AsyncContextManager> Entry for ExitGuard<M> {
    fn exit(self: Box<Self>, outcome: Outcome) {
        ExitGuard::exit(*self, outcome);
    }
}

impl Entry for Defer {
    fn exit(self: Box<Self>, _outcome: Outcome) {}
}

impl AsyncExitStack {
    /// Makes an empty stack.
    pub fn new() -> Self {
        Self::default()
    }

    /// Runs `body` with the stack, and then leaves all, the last one first, however the body ends.
    ///
    /// asyncio: `async with AsyncExitStack() as stack`. All have run to their end when this is done. An `Err` is
    /// told to the managers as [`Outcome::Failed`].
    ///
    /// # Cancel safety
    /// Dropped inside a task, what is on the stack is left by the scope around it.
    ///
    /// # Errors
    /// That of the body.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::AsyncExitStack;
    ///
    /// bowerbird::run(async {
    ///     let failed = AsyncExitStack::new().run(async |stack| {
    ///         stack.push(async { println!("after the body, before the `Err` is given") });
    ///         Err::<(), _>("no")
    ///     });
    ///     assert_eq!(failed.await, Err("no"));
    /// });
    /// ```
    #[track_caller]
    pub fn run<B, T, E>(self, body: B) -> impl Future<Output = Result<T, E>>
    where
        B: AsyncFnOnce(&mut Self) -> Result<T, E>,
    {
        scoped(CallSite::new("AsyncExitStack::run"), async move {
            let mut stack = self;
            let output = body(&mut stack).await;
            stack.exit(if output.is_ok() { Outcome::Returned } else { Outcome::Failed });
            output
        })
    }

    /// Enters a manager, puts it on the stack, and gives its value.
    ///
    /// asyncio: `enter_async_context`.
    ///
    /// # Cancel safety
    /// As the manager's `enter`; nothing is put on the stack.
    #[track_caller]
    pub fn enter<M: AsyncContextManager>(
        &mut self,
        manager: M,
    ) -> impl Future<Output = M::Value> + use<'_, M> {
        let location = Location::caller();
        async move {
            let mut manager = manager;
            let value = manager.enter().await;
            self.entries.push(Box::new(ExitGuard::new(manager, location)));
            value
        }
    }

    /// Enters a manager that may fail; if it does, nothing is put on the stack.
    ///
    /// # Cancel safety
    /// As [`enter`](Self::enter).
    ///
    /// # Errors
    /// That of the manager's `enter`.
    #[track_caller]
    pub fn try_enter<M, V, E>(
        &mut self,
        manager: M,
    ) -> impl Future<Output = Result<V, E>> + use<'_, M, V, E>
    where
        M: AsyncContextManager<Value = Result<V, E>>,
    {
        let location = Location::caller();
        async move {
            let mut manager = manager;
            let value = manager.enter().await?;
            self.entries.push(Box::new(ExitGuard::new(manager, location)));
            Ok(value)
        }
    }

    /// Puts a cleanup on the stack.
    ///
    /// asyncio: `push_async_callback`.
    #[track_caller]
    pub fn push(&mut self, cleanup: impl Future<Output = ()> + Send + 'static) {
        self.entries.push(Box::new(defer(cleanup)));
    }

    /// Moves everything to another stack, whose owner closes it.
    ///
    /// asyncio: `pop_all`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::AsyncExitStack;
    /// let mut stack = AsyncExitStack::new();
    /// stack.push(async {});
    /// assert_eq!((stack.pop_all().len(), stack.len()), (1, 0));
    /// ```
    #[must_use = "the stack that is dropped leaves its cleanups to the scope around"]
    pub fn pop_all(&mut self) -> Self {
        Self { entries: std::mem::take(&mut self.entries) }
    }

    /// Returns how many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Leaves all, the last one first, each after the other.
    ///
    /// asyncio: `aclose`.
    ///
    /// # Cancel safety
    /// Dropped, the rest is run by the scope around.
    #[track_caller]
    pub fn close(mut self) -> impl Future<Output = ()> + Send {
        let site = CallSite::new("AsyncExitStack::close");
        scoped(site, async move { self.exit(Outcome::Returned) })
    }

    fn exit(&mut self, outcome: Outcome) {
        while let Some(entry) = self.entries.pop() {
            entry.exit(outcome);
        }
    }
}

impl Drop for AsyncExitStack {
    fn drop(&mut self) {
        let is_panic = std::thread::panicking();
        self.exit(if is_panic { Outcome::Panicked } else { Outcome::Cancelled });
    }
}

impl fmt::Debug for AsyncExitStack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncExitStack").field("len", &self.len()).finish()
    }
}
