//! Why awaiting a task gave no value.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The error of awaiting a task: it was cancelled, or it panicked.
///
/// asyncio: `CancelledError`, or the exception of the task. An `Err` that the task's own future returned
/// is not here: it stays in the task's output.
pub struct TaskError(Option<Box<Kind>>);

enum Kind {
    Cancelled(Arc<str>),
    /// The payload is not `Sync`; a lock that is never waited for makes the error so.
    Panicked {
        payload: Mutex<Box<dyn Any + Send>>,
        message: Option<String>,
    },
}

impl TaskError {
    /// Makes the error of a cancelled task.
    #[doc(hidden)]
    pub fn cancelled(message: Option<Arc<str>>) -> Self {
        Self(message.map(|message| Box::new(Kind::Cancelled(message))))
    }

    /// Makes the error of a panicked task.
    #[doc(hidden)]
    pub fn panicked(payload: Box<dyn Any + Send>) -> Self {
        let message = panic_text(&*payload).map(str::to_owned);
        Self(Some(Box::new(Kind::Panicked { payload: Mutex::new(payload), message })))
    }

    /// Returns whether the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        !self.is_panic()
    }

    /// Returns whether the task panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self.0.as_deref(), Some(Kind::Panicked { .. }))
    }

    /// Returns the message of the cancellation or of the panic, if there is one.
    pub fn message(&self) -> Option<&str> {
        match self.0.as_deref()? {
            Kind::Cancelled(message) => Some(message),
            Kind::Panicked { message, .. } => message.as_deref(),
        }
    }

    /// Calls `f` with the payload of the panic, if it is one.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let error = bowerbird::spawn(async { std::panic::panic_any(404) }).await.unwrap_err();
    ///     assert_eq!(error.with_payload(|payload| payload.downcast_ref::<i32>().copied()), Some(Some(404)));
    /// });
    /// ```
    pub fn with_payload<R>(&self, f: impl FnOnce(&(dyn Any + Send)) -> R) -> Option<R> {
        match self.0.as_deref()? {
            Kind::Cancelled(_) => None,
            Kind::Panicked { payload, .. } => {
                Some(f(&**payload.lock().unwrap_or_else(PoisonError::into_inner)))
            }
        }
    }

    /// The message of the cancellation, shared.
    #[doc(hidden)]
    pub fn cancel_message(&self) -> Option<Arc<str>> {
        match self.0.as_deref()? {
            Kind::Cancelled(message) => Some(message.clone()),
            Kind::Panicked { .. } => None,
        }
    }

    /// Gives the payload of the panic.
    ///
    /// # Errors
    /// The error itself, if the task was cancelled.
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send>, Self> {
        match self.0 {
            Some(kind) => match *kind {
                Kind::Panicked { payload, .. } => {
                    Ok(payload.into_inner().unwrap_or_else(PoisonError::into_inner))
                }
                cancelled @ Kind::Cancelled(_) => Err(Self(Some(Box::new(cancelled)))),
            },
            None => Err(Self(None)),
        }
    }

    /// Gives the payload of the panic, to be resumed with `std::panic::resume_unwind`.
    ///
    /// # Panics
    /// If the task was cancelled and did not panic; [`try_into_panic`](Self::try_into_panic) tells.
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        // No closure: it would not point at the caller.
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!(
                "into_panic() was called on `{error}`, which is no panic; ask is_panic() first"
            ),
        }
    }
}

/// A copy for another waiter: the text of a panic is kept, its payload becomes that text.
impl Clone for TaskError {
    fn clone(&self) -> Self {
        match self.0.as_deref() {
            None => Self(None),
            Some(Kind::Cancelled(message)) => Self::cancelled(Some(message.clone())),
            Some(Kind::Panicked { message, .. }) => {
                let text =
                    message.clone().unwrap_or_else(|| "a panic whose payload is not text".into());
                Self::panicked(Box::new(text))
            }
        }
    }
}

/// The text of a panic's payload, where it is text.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_panic() { "the task panicked" } else { "the task was cancelled" })?;
        match self.message() {
            Some(message) => write!(f, ": {message}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.is_panic() { "Panicked" } else { "Cancelled" };
        f.debug_tuple(name).field(&self.message()).finish()
    }
}

impl Error for TaskError {}

/// An error may cross threads, and be boxed as `Box<dyn Error + Send + Sync>`.
const _: () = {
    const fn is_sendable<T: Send + Sync + Error + 'static>() {}
    is_sendable::<TaskError>();
};
