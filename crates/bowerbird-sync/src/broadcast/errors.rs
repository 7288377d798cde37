//! Why a value was not sent, or not received.

use std::error::Error;
use std::fmt;

/// Nobody receives; the value comes back.
///
/// asyncio: no counterpart. tokio: `broadcast::error::SendError`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// Why [`Receiver::recv`](super::Receiver::recv) has no value.
///
/// asyncio: no counterpart. tokio: `broadcast::error::RecvError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecvError {
    /// All senders are gone, and all values were received.
    Closed,
    /// The receiver was too slow: so many values were dropped before it saw them. The next call gives the oldest one
    /// that is kept.
    Lagged(u64),
}

/// Why [`Receiver::try_recv`](super::Receiver::try_recv) has no value.
///
/// asyncio: no counterpart. tokio: `broadcast::error::TryRecvError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TryRecvError {
    /// No value is there now.
    Empty,
    /// All senders are gone, and all values were received.
    Closed,
    /// So many values were dropped before this receiver saw them.
    Lagged(u64),
}

/// So many values were dropped before a [`BroadcastStream`](super::BroadcastStream) came to them.
///
/// asyncio: no counterpart. tokio: `BroadcastStreamRecvError::Lagged` of tokio-stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lagged(pub u64);

// Without the value, which need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError")
    }
}

const CLOSED: &str = "the broadcast channel has no sender any more";

fn lagged(count: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "the receiver was too slow: it missed {count} values")
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the broadcast channel has no receiver")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str(CLOSED),
            Self::Lagged(count) => lagged(*count, f),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("the broadcast channel has no new value"),
            Self::Closed => f.write_str(CLOSED),
            Self::Lagged(count) => lagged(*count, f),
        }
    }
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        lagged(self.0, f)
    }
}

impl<T> Error for SendError<T> {}
impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for Lagged {}
