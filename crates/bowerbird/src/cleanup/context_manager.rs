//! `with`: a body between the `enter` and the `exit` of a manager.
//!
//! The five functions look alike and stay five. What differs is what the compiler must see: an async closure may
//! borrow and has no `Send` that could be asked for, `with_send` asks for it of a plain closure; an `enter` that
//! may fail ends before there is anything to exit; and a local manager leaves its exit where it is not `Send`. A
//! common part would take all of that as parameters, and be longer than what it saves.

use std::panic::Location;

use bowerbird_base::call_site::CallSite;
use bowerbird_base::poll_context;
use bowerbird_core::Handle;

use super::leave;
use super::local::leave_local;
use crate::scope::scoped;

/// How the body of a [`with`] ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// With a value.
    Returned,
    /// With an `Err`, in [`try_with`].
    Failed,
    /// It was dropped before its end: cancelled, timed out, a loser of a race.
    Cancelled,
    /// With a panic.
    Panicked,
}

/// What is entered before a body and left after it, both by an `await`.
///
/// asyncio: an asynchronous context manager (`__aenter__`, `__aexit__`). Implementers write `async fn`. The
/// value is owned and cannot borrow from the manager. `exit` cannot fail and cannot swallow a cancellation:
/// what goes wrong in it reaches the exception handler.
///
/// # Examples
/// ```
/// use bowerbird::{AsyncContextManager, Outcome, sleep, with};
/// use std::time::Duration;
///
/// struct Connection(&'static str);
///
/// impl AsyncContextManager for Connection {
///     type Value = String;
///
///     async fn enter(&mut self) -> String {
///         sleep(Duration::from_millis(1)).await;
///         format!("connected to {}", self.0)
///     }
///
///     async fn exit(self, outcome: Outcome) {
///         sleep(Duration::from_millis(1)).await;
///         println!("{} closed: {outcome:?}", self.0);
///     }
/// }
///
/// bowerbird::run(async {
///     let length = with(Connection("db"), async |connection| connection.len()).await;
///     assert_eq!(length, "connected to db".len());
/// });
/// ```
pub trait AsyncContextManager: Send + 'static {
    /// What the body is given.
    type Value;

    /// Enters. If it is cancelled, or panics, `exit` is not called.
    fn enter(&mut self) -> impl Future<Output = Self::Value> + Send;

    /// Leaves: called once, however the body ended, and run to its end within the grace deadline.
    fn exit(self, outcome: Outcome) -> impl Future<Output = ()> + Send;
}

/// [`AsyncContextManager`] for what stays on its thread; see [`with_local`].
pub trait LocalAsyncContextManager: 'static {
    /// What the body is given.
    type Value;

    /// Enters. If it is cancelled, or panics, `exit` is not called.
    fn enter(&mut self) -> impl Future<Output = Self::Value>;

    /// Leaves: called once, however the body ended, and run to its end within the grace deadline.
    fn exit(self, outcome: Outcome) -> impl Future<Output = ()>;
}

/// Enters a manager, runs `body` with its value, and leaves the manager, however the body ends.
///
/// asyncio: `async with manager as value`. `exit` has run to its end when this is done; also when the body is
/// cancelled, panics or loses a race. The future is `Send` where manager, value and body are; in code
/// that is generic over the body see [`with_send`]. For an `enter` or a body that may fail see [`try_with`].
///
/// # Cancel safety
/// Dropped inside a task, `exit` is run by the scope around it.
///
/// # Examples
/// See [`AsyncContextManager`].
#[track_caller]
pub fn with<M, B, T>(manager: M, body: B) -> impl Future<Output = T>
where
    M: AsyncContextManager,
    B: AsyncFnOnce(M::Value) -> T,
{
    let location = Location::caller();
    scoped(CallSite::at("with", location), async move {
        let mut manager = manager;
        let value = manager.enter().await;
        let guard = ExitGuard::new(manager, location);
        let output = body(value).await;
        guard.exit(Outcome::Returned);
        output
    })
}

/// [`with`] for code that is generic over the body and has to be `Send`: the body is a function that gives a
/// future.
///
/// # Cancel safety
/// As [`with`].
///
/// # Examples
/// ```
/// use bowerbird::{AsyncContextManager, Outcome, spawn, with_send};
///
/// struct Nothing;
/// impl AsyncContextManager for Nothing {
///     type Value = u32;
///     async fn enter(&mut self) -> u32 {
///         1
///     }
///     async fn exit(self, _: Outcome) {}
/// }
///
/// async fn generic<F: Future<Output = u32> + Send>(body: impl FnOnce(u32) -> F + Send) -> u32 {
///     with_send(Nothing, body).await
/// }
///
/// bowerbird::run(async {
///     let task = spawn(generic(|n| async move { n + 1 }));
///     assert_eq!(task.await.unwrap(), 2);
/// });
/// ```
#[track_caller]
pub fn with_send<M, B, F, T>(manager: M, body: B) -> impl Future<Output = T> + Send
where
    M: AsyncContextManager,
    M::Value: Send,
    B: FnOnce(M::Value) -> F + Send,
    F: Future<Output = T> + Send,
    T: Send,
{
    let location = Location::caller();
    scoped(CallSite::at("with_send", location), async move {
        let mut manager = manager;
        let value = manager.enter().await;
        let guard = ExitGuard::new(manager, location);
        let output = body(value).await;
        guard.exit(Outcome::Returned);
        output
    })
}

/// [`with`] for a manager whose `enter` may fail and a body that may fail.
///
/// If `enter` fails, `exit` is not called and the error is given. If the body fails, `exit` is told
/// [`Outcome::Failed`]: a transaction rolls back.
///
/// # Cancel safety
/// As [`with`].
///
/// # Errors
/// That of `enter`, or of the body.
///
/// # Examples
/// ```
/// use bowerbird::{AsyncContextManager, Outcome, try_with};
/// use std::sync::mpsc::{Sender, channel};
///
/// struct Transaction(Sender<&'static str>);
///
/// impl AsyncContextManager for Transaction {
///     type Value = Result<u32, String>;
///
///     async fn enter(&mut self) -> Result<u32, String> {
///         Ok(7)
///     }
///
///     async fn exit(self, outcome: Outcome) {
///         let end = if outcome == Outcome::Returned { "commit" } else { "rollback" };
///         self.0.send(end).unwrap();
///     }
/// }
///
/// bowerbird::run(async {
///     let (ends, seen) = channel();
///     let good: Result<u32, String> = try_with(Transaction(ends.clone()), async |id| Ok(id)).await;
///     let bad: Result<u32, String> =
///         try_with(Transaction(ends), async |id| Err(format!("no row {id}"))).await;
///     assert_eq!((good, bad), (Ok(7), Err("no row 7".into())));
///     assert_eq!(seen.iter().collect::<Vec<_>>(), ["commit", "rollback"]);
/// });
/// ```
#[track_caller]
pub fn try_with<M, B, V, T, E, F>(manager: M, body: B) -> impl Future<Output = Result<T, E>>
where
    M: AsyncContextManager<Value = Result<V, F>>,
    B: AsyncFnOnce(V) -> Result<T, E>,
    E: From<F>,
{
    let location = Location::caller();
    scoped(CallSite::at("try_with", location), async move {
        let mut manager = manager;
        let value = manager.enter().await?;
        let guard = ExitGuard::new(manager, location);
        let output = body(value).await;
        guard.exit(if output.is_ok() { Outcome::Returned } else { Outcome::Failed });
        output
    })
}

/// [`with`] for a manager that is not `Send`: in `run`'s main future, or in a task of
/// [`spawn_local`](crate::spawn_local).
///
/// # Cancel safety
/// As [`with`].
///
/// # Examples
/// ```
/// use bowerbird::{LocalAsyncContextManager, Outcome, with_local};
/// use std::cell::Cell;
/// use std::rc::Rc;
///
/// struct Count(Rc<Cell<u32>>);
///
/// impl LocalAsyncContextManager for Count {
///     type Value = Rc<Cell<u32>>;
///     async fn enter(&mut self) -> Rc<Cell<u32>> {
///         self.0.clone()
///     }
///     async fn exit(self, _: Outcome) {
///         self.0.set(self.0.get() + 1);
///     }
/// }
///
/// bowerbird::run(async {
///     let count = Rc::new(Cell::new(0));
///     with_local(Count(count.clone()), async |count| count.set(10)).await;
///     assert_eq!(count.get(), 11);
/// });
/// ```
#[track_caller]
pub fn with_local<M, B, T>(manager: M, body: B) -> impl Future<Output = T>
where
    M: LocalAsyncContextManager,
    B: AsyncFnOnce(M::Value) -> T,
{
    let location = Location::caller();
    scoped(CallSite::at("with_local", location), async move {
        let mut manager = manager;
        let value = manager.enter().await;
        let guard = LocalExitGuard { manager: Some(manager), location };
        let output = body(value).await;
        guard.exit(Outcome::Returned);
        output
    })
}

/// [`try_with`] for a manager that is not `Send`.
///
/// # Cancel safety
/// As [`with`].
///
/// # Errors
/// That of `enter`, or of the body.
#[track_caller]
pub fn try_with_local<M, B, V, T, E, F>(manager: M, body: B) -> impl Future<Output = Result<T, E>>
where
    M: LocalAsyncContextManager<Value = Result<V, F>>,
    B: AsyncFnOnce(V) -> Result<T, E>,
    E: From<F>,
{
    let location = Location::caller();
    scoped(CallSite::at("try_with_local", location), async move {
        let mut manager = manager;
        let value = manager.enter().await?;
        let guard = LocalExitGuard { manager: Some(manager), location };
        let output = body(value).await;
        guard.exit(if output.is_ok() { Outcome::Returned } else { Outcome::Failed });
        output
    })
}

/// How a body ended whose guard is dropped without a word.
fn cut_off() -> Outcome {
    if std::thread::panicking() { Outcome::Panicked } else { Outcome::Cancelled }
}

/// An entered manager.
pub(super) struct ExitGuard<M: AsyncContextManager> {
    manager: Option<M>,
    location: &'static Location<'static>,
    /// Of a guard outside any task: where the exit is to run if the guard is dropped elsewhere.
    runtime: Option<Handle>,
}

impl<M: AsyncContextManager> ExitGuard<M> {
    pub(super) fn new(manager: M, location: &'static Location<'static>) -> Self {
        let is_outside = poll_context::current_task().is_null();
        let runtime = if is_outside { Handle::try_current() } else { None };
        Self { manager: Some(manager), location, runtime }
    }

    pub(super) fn exit(mut self, outcome: Outcome) {
        self.leave(outcome);
    }

    fn leave(&mut self, outcome: Outcome) {
        if let Some(manager) = self.manager.take() {
            let exit = async move { manager.exit(outcome).await };
            leave(exit, self.location, "the exit of a context manager", self.runtime.take());
        }
    }
}

impl<M: AsyncContextManager> Drop for ExitGuard<M> {
    fn drop(&mut self) {
        self.leave(cut_off());
    }
}

struct LocalExitGuard<M: LocalAsyncContextManager> {
    manager: Option<M>,
    location: &'static Location<'static>,
}

impl<M: LocalAsyncContextManager> LocalExitGuard<M> {
    fn exit(mut self, outcome: Outcome) {
        self.leave(outcome);
    }

    fn leave(&mut self, outcome: Outcome) {
        if let Some(manager) = self.manager.take() {
            let exit = async move { manager.exit(outcome).await };
            leave_local(exit, self.location, "the exit of a context manager");
        }
    }
}

impl<M: LocalAsyncContextManager> Drop for LocalExitGuard<M> {
    fn drop(&mut self) {
        self.leave(cut_off());
    }
}
