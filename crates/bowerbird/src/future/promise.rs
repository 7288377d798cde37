//! The setting side.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use super::error::InvalidStateError;
use super::state::{Outcome, Shared};
use super::{Future, describe};

/// Makes a promise and the future that it is about.
///
/// asyncio: `loop.create_future()`, whose one object has both sides. It needs no runtime and no thread in
/// particular.
///
/// # Examples
/// ```
/// use bowerbird::future;
///
/// bowerbird::run(async {
///     let (promise, answer) = future::promise();
///     let asker = bowerbird::spawn(async move { answer.await.unwrap() + 1 });
///     promise.set_result(41).unwrap();
///     assert_eq!(asker.await.unwrap(), 42);
/// });
/// ```
#[track_caller]
pub fn promise<T>() -> (Promise<T>, Future<T>) {
    let shared = Shared::new(Location::caller());
    (Promise { shared: shared.clone() }, Future::new(shared))
}

/// The same as [`promise`].
///
/// asyncio: `loop.create_future()`.
///
/// # Examples
/// ```
/// let (promise, future) = bowerbird::future::create_future();
/// promise.set_result(1).unwrap();
/// assert_eq!(future.result().unwrap(), 1);
/// ```
#[track_caller]
pub fn create_future<T>() -> (Promise<T>, Future<T>) {
    promise()
}

/// The side that sets the outcome of a [`Future`], once.
///
/// asyncio: `Future.set_result` and its like. All methods take `&self`, so that several tasks may share it and
/// the first one wins. Dropping it unset cancels the future, so that nobody waits for ever; asyncio's awaiters
/// would.
#[must_use = "dropping a promise unset cancels its future"]
pub struct Promise<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Promise<T> {
    /// Ends the future with a value.
    ///
    /// asyncio: `Future.set_result`.
    ///
    /// # Errors
    /// If the future is done; the value is dropped. [`try_set_result`](Self::try_set_result) gives it back.
    ///
    /// # Examples
    /// ```
    /// let (promise, future) = bowerbird::future::promise();
    /// promise.set_result("first").unwrap();
    /// let error = promise.set_result("second").unwrap_err();
    /// assert!(error.to_string().starts_with("set_result() was called on a future that has its result already"));
    /// assert_eq!(future.result().unwrap(), "first");
    /// ```
    #[track_caller]
    pub fn set_result(&self, value: T) -> Result<(), InvalidStateError> {
        self.try_set_result(value).map_err(|value| {
            drop(value);
            self.shared.settled_error("set_result")
        })
    }

    /// Ends the future with a value, unless it is done.
    ///
    /// asyncio: `if not future.done(): future.set_result(value)`.
    ///
    /// # Errors
    /// The value, if the future is done.
    #[track_caller]
    pub fn try_set_result(&self, value: T) -> Result<(), T> {
        match self.shared.settle(Outcome::Value(value), Location::caller()) {
            Ok(()) => Ok(()),
            Err(Outcome::Value(value)) => Err(value),
            Err(_) => unreachable!("a value was given"),
        }
    }

    /// Ends the future with an error; every awaiter gets it.
    ///
    /// asyncio: `Future.set_exception`. If nobody ever looks at it, the exception handler is told when the last
    /// of promise and futures is dropped.
    ///
    /// # Errors
    /// If the future is done; the error is dropped.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (promise, future) = bowerbird::future::promise::<u32>();
    ///     promise.set_exception("12x".parse::<u32>().unwrap_err()).unwrap();
    ///     let error = future.await.unwrap_err();
    ///     assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// });
    /// ```
    #[track_caller]
    pub fn set_exception(
        &self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), InvalidStateError> {
        self.try_set_exception(error).map_err(|error| {
            drop(error);
            self.shared.settled_error("set_exception")
        })
    }

    /// Ends the future with an error, unless it is done.
    ///
    /// asyncio: `if not future.done(): future.set_exception(error)`.
    ///
    /// # Errors
    /// The error, if the future is done.
    #[track_caller]
    pub fn try_set_exception(
        &self,
        error: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Result<(), super::SharedError> {
        let error = super::SharedError::from(error.into());
        match self.shared.settle(Outcome::Exception(error), Location::caller()) {
            Ok(()) => Ok(()),
            Err(Outcome::Exception(error)) => Err(error),
            Err(_) => unreachable!("an error was given"),
        }
    }

    /// Cancels the future; returns `false` if it is done.
    ///
    /// asyncio: `Future.cancel`. Unlike a task, the future is cancelled when the call returns.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.shared.cancel(None, Location::caller())
    }

    /// The same, with a message for the awaiters.
    ///
    /// asyncio: `Future.cancel(msg)`.
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Arc<str>>) -> bool {
        self.shared.cancel(Some(message.into()), Location::caller())
    }

    /// Returns whether the future has a result, an error, or was cancelled.
    ///
    /// asyncio: `Future.done`.
    pub fn done(&self) -> bool {
        self.shared.outcome().is_some()
    }

    /// Returns whether the future was cancelled, so that nobody waits for a value any more.
    ///
    /// asyncio: `Future.cancelled`.
    pub fn cancelled(&self) -> bool {
        self.shared.is_cancelled()
    }

    /// Makes another future of this promise.
    ///
    /// asyncio: the same object.
    ///
    /// # Examples
    /// ```
    /// let (promise, _) = bowerbird::future::promise();
    /// promise.set_result(1).unwrap();
    /// assert_eq!(promise.future().result().unwrap(), 1);
    /// ```
    pub fn future(&self) -> Future<T> {
        Future::new(self.shared.clone())
    }
}

impl<T> Drop for Promise<T> {
    #[track_caller]
    fn drop(&mut self) {
        if self.shared.outcome().is_none() {
            let message = Some("its promise was dropped before it was set".into());
            let _set_meanwhile =
                self.shared.settle(Outcome::Cancelled(message), self.shared.created_at);
        }
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        describe(&self.shared, "Promise", f)
    }
}
