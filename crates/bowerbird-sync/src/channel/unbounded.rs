//! The sending end of a channel without a limit: it never waits.

use std::fmt;

use super::errors::SendError;
use super::sending::ClosedWait;
use super::{ChannelStatistics, Sender, WeakUnboundedSender};

/// The sending end of a channel without a limit: sending never waits, and is no `async` call.
///
/// What is sent faster than it is received fills the memory. Prefer a channel with a limit where values come
/// from outside.
///
/// asyncio: who puts into a `Queue()`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let (sender, mut receiver) = bowerbird::sync::mpsc::unbounded_channel();
///     std::thread::spawn(move || (0..3).try_for_each(|number| sender.send(number)));
///     let mut all = Vec::new();
///     while let Ok(number) = receiver.recv().await {
///         all.push(number);
///     }
///     assert_eq!(all, [0, 1, 2]);
/// });
/// ```
pub struct UnboundedSender<T>(Sender<T>);

impl<T> UnboundedSender<T> {
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self(sender)
    }

    /// Sends a value.
    ///
    /// asyncio: `Queue.put_nowait` of a queue without a `maxsize`.
    ///
    /// # Errors
    /// The value, if the channel is closed.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        // Never full, so there is one way to fail.
        self.0.try_send(value).map_err(|error| SendError(error.into_inner()))
    }

    /// Waits until the channel is closed, see [`Sender::closed`].
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    ///     drop(receiver);
    ///     sender.closed().await;
    /// });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> ClosedWait<'_, T> {
        self.0.closed()
    }

    /// Closes the channel for all senders. What is buffered can still be received.
    ///
    /// asyncio: `Queue.shutdown`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel();
    /// sender.close();
    /// assert!(sender.send(1).is_err());
    /// ```
    pub fn close(&self) {
        self.0.close();
    }

    /// Returns whether new values are refused.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert!(!sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    /// Returns how many values are buffered.
    ///
    /// asyncio: `Queue.qsize`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel();
    /// sender.send(1).unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether no value is buffered.
    ///
    /// asyncio: `Queue.empty`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert!(sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether both send into the same channel.
    ///
    /// asyncio: `is`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }

    /// Makes a sender that does not keep the channel open.
    ///
    /// asyncio: `weakref.ref`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert!(sender.downgrade().upgrade().is_some());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        WeakUnboundedSender(self.0.downgrade())
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert_eq!(sender.strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.0.strong_count()
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert_eq!(sender.weak_count(), 0);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.0.weak_count()
    }

    /// Returns what the channel holds at the moment, and who waits.
    ///
    /// asyncio: no counterpart. trio: `statistics()` of a memory channel.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert_eq!(sender.statistics().capacity, None);
    /// ```
    pub fn statistics(&self) -> ChannelStatistics {
        self.0.statistics()
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("UnboundedSender").field(&self.0).finish()
    }
}
