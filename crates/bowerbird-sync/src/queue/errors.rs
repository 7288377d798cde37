//! Why a queue gave nothing, or took nothing.

use std::error::Error;
use std::fmt;

/// The queue was shut down. Of a put, with the item that was not put.
///
/// asyncio: `asyncio.QueueShutDown`.
///
/// # Examples
/// ```
/// use bowerbird::sync::{Queue, QueueShutDown};
/// bowerbird::run(async {
///     let queue = Queue::new(0);
///     queue.shutdown(false);
///     assert_eq!(queue.put("late").await, Err(QueueShutDown("late")));
///     assert_eq!(queue.get().await, Err(QueueShutDown(())));
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct QueueShutDown<T = ()>(pub T);

/// Why [`Queue::put_nowait`](super::Queue::put_nowait) did not put the item, which comes back.
///
/// asyncio: `asyncio.QueueFull` and `asyncio.QueueShutDown`.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PutNowaitError<T> {
    /// As many items as `maxsize` are in the queue.
    QueueFull(T),
    /// The queue was shut down.
    QueueShutDown(T),
}

/// Why [`Queue::get_nowait`](super::Queue::get_nowait) has no item.
///
/// asyncio: `asyncio.QueueEmpty` and `asyncio.QueueShutDown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum GetNowaitError {
    /// No item is in the queue.
    QueueEmpty,
    /// No item is in the queue and none will come: it was shut down.
    QueueShutDown,
}

impl<T> QueueShutDown<T> {
    /// Gives the item back.
    ///
    /// asyncio: no counterpart; who puts still has the reference there.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> PutNowaitError<T> {
    /// Gives the item back.
    ///
    /// asyncio: no counterpart; who puts still has the reference there.
    pub fn into_inner(self) -> T {
        match self {
            Self::QueueFull(item) | Self::QueueShutDown(item) => item,
        }
    }

    /// Returns whether the queue was full, and may have a place later.
    ///
    /// asyncio: `except asyncio.QueueFull`.
    pub fn is_full(&self) -> bool {
        matches!(self, Self::QueueFull(_))
    }
}

// Without the items, which need not be `Debug`.
impl<T> fmt::Debug for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("QueueShutDown")
    }
}

impl<T> fmt::Debug for PutNowaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "QueueFull" } else { "QueueShutDown" })
    }
}

const SHUT_DOWN: &str = "the queue was shut down";

impl<T> fmt::Display for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHUT_DOWN)
    }
}

impl<T> fmt::Display for PutNowaitError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_full() { "the queue is full" } else { SHUT_DOWN })
    }
}

impl fmt::Display for GetNowaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueEmpty => "the queue is empty",
            Self::QueueShutDown => SHUT_DOWN,
        })
    }
}

impl<T> Error for QueueShutDown<T> {}
impl<T> Error for PutNowaitError<T> {}
impl Error for GetNowaitError {}
