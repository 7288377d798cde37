//! What can go wrong at a channel. What could not be sent comes back.

use std::error::Error;
use std::fmt;

/// The value could not be sent, since the channel is closed: it comes back here.
///
/// asyncio: `QueueShutDown`, raised by `Queue.put`.
///
/// # Examples
/// ```
/// use bowerbird::sync::mpsc::{SendError, unbounded_channel};
///
/// let (sender, receiver) = unbounded_channel();
/// drop(receiver);
/// assert_eq!(sender.send(7), Err(SendError(7)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Why a value could not be sent at once; it comes back here.
///
/// asyncio: `QueueFull` and `QueueShutDown`, raised by `Queue.put_nowait`.
///
/// # Examples
/// ```
/// use bowerbird::sync::mpsc::{TrySendError, channel};
///
/// let (sender, receiver) = channel(1);
/// sender.try_send(1).unwrap();
/// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
/// drop(receiver);
/// assert_eq!(sender.try_send(3), Err(TrySendError::Closed(3)));
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// The buffer is full, or others wait to send.
    Full(T),
    /// The channel is closed, by a receiver, by a sender, or because all receivers were dropped.
    Closed(T),
}

/// No value will come: the channel is closed and empty.
///
/// asyncio: `QueueShutDown`, raised by `Queue.get`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(pub(super) ());

/// Why there is no value to take at once.
///
/// asyncio: `QueueEmpty` and `QueueShutDown`, raised by `Queue.get_nowait`.
///
/// # Examples
/// ```
/// use bowerbird::sync::mpsc::{TryRecvError, channel};
///
/// let (sender, mut receiver) = channel::<u8>(1);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// None is there for this receiver now.
    Empty,
    /// None will come.
    Closed,
}

impl<T> SendError<T> {
    /// Returns what could not be sent.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::mpsc::SendError(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// Returns what could not be sent.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::mpsc::TrySendError::Full(7).into_inner(), 7);
    /// ```
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }

    /// Returns whether there was no room.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::mpsc::TrySendError::Full(7).is_full());
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, Self::Full(_))
    }

    /// Returns whether the channel is closed.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::mpsc::TrySendError::Closed(7).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed(_))
    }

    /// The same failure, of something else.
    pub(super) fn map<U>(self, other: impl FnOnce(T) -> U) -> TrySendError<U> {
        match self {
            Self::Full(value) => TrySendError::Full(other(value)),
            Self::Closed(value) => TrySendError::Closed(other(value)),
        }
    }
}

const CLOSED: &str = "the channel is closed";

// Written out, so that they hold for any `T`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CLOSED)
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the channel is full",
            Self::Closed(_) => CLOSED,
        })
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel is closed and empty")
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the channel has no value yet"),
            Self::Closed => RecvError(()).fmt(f),
        }
    }
}

impl<T> Error for SendError<T> {}
impl<T> Error for TrySendError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}

impl<T> From<SendError<T>> for TrySendError<T> {
    fn from(error: SendError<T>) -> Self {
        Self::Closed(error.0)
    }
}

impl From<RecvError> for TryRecvError {
    fn from(_: RecvError) -> Self {
        Self::Closed
    }
}
