//! Why a future gave no value, and why it could not be set.

use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// An error that many awaiters share.
pub type SharedError = Arc<dyn Error + Send + Sync>;

/// Why a future gave no value.
///
/// asyncio: what `await future` and `future.result()` raise.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum FutureError {
    /// The future was cancelled, or its promise was dropped unset; with a message, if there is one.
    ///
    /// asyncio: `CancelledError`.
    Cancelled(Option<Arc<str>>),
    /// What was given to `set_exception`.
    Exception(SharedError),
    /// The future is not done: only of [`Future::result`](super::Future::result) and
    /// [`Future::exception`](super::Future::exception), never of an await.
    NotDone(InvalidStateError),
}

impl FutureError {
    /// Returns whether the future was cancelled.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Cancelled(_))
    }

    /// Returns the error that was set, if it is of this type.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Exception(error) => error.downcast_ref(),
            Self::Cancelled(_) | Self::NotDone(_) => None,
        }
    }

    /// Returns the message of the cancellation, if there is one.
    pub fn cancel_message(&self) -> Option<&str> {
        match self {
            Self::Cancelled(message) => message.as_deref(),
            Self::Exception(_) | Self::NotDone(_) => None,
        }
    }
}

impl fmt::Display for FutureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(None) => f.write_str("the future was cancelled"),
            Self::Cancelled(Some(message)) => write!(f, "the future was cancelled: {message}"),
            Self::Exception(error) => error.fmt(f),
            Self::NotDone(error) => error.fmt(f),
        }
    }
}

impl Error for FutureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Its text is this error's text already.
            Self::Exception(error) => error.source(),
            Self::Cancelled(_) | Self::NotDone(_) => None,
        }
    }
}

/// A call that the state of the future does not allow.
///
/// asyncio: `InvalidStateError`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidStateError {
    pub(super) call: &'static str,
    /// `None` if the future is not done.
    pub(super) settled: Option<(&'static str, &'static Location<'static>)>,
}

impl fmt::Display for InvalidStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, settled } = self;
        match settled {
            Some((how, location)) => {
                write!(f, "{call}() was called on a future that {how} already, at {location}")
            }
            None => write!(f, "{call}() was called on a future that is not done; await it first"),
        }
    }
}

impl Error for InvalidStateError {}
