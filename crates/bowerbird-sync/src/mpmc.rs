//! Channels with many senders and many receivers: each value goes to one receiver.
//!
//! [`channel`] has a limit, [`unbounded_channel`] has none; both ends can be cloned.
//!
//! - Values are taken in the order in which they were sent. Who waits, to send or to receive, is served in the
//!   order of arrival, and nobody who comes later is served before.
//! - A value that came for a receive which is dropped goes to the next that waits, or stays in its place.
//! - The last sender dropped closes the channel, and so do [`Sender::close`] and [`Receiver::close`]: what is
//!   buffered, and what is sent through permits that were given before, is still received; then receiving gives
//!   [`RecvError`].
//! - The last receiver dropped closes it too, and drops what is buffered.
//!
//! asyncio: `asyncio.Queue`. trio: `open_memory_channel`. The senders are those of [`mpsc`](crate::mpsc).

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use futures_core::Stream;

use crate::block_on::block_on;
use crate::channel::{self, Half, Receiving};

pub use crate::channel::{
    ChannelStatistics, ClosedWait, OwnedPermit, Permit, PermitIterator, RecvError, RecvManyWait,
    RecvWait, ReserveManyWait, ReserveOwnedWait, ReserveWait, SendError, SendManyWait, SendWait,
    Sender, TryRecvError, TrySendError, UnboundedSender, Unsent, WeakSender, WeakUnboundedSender,
};

/// Makes a channel that buffers up to `capacity` values.
///
/// With a capacity of 0 nothing is buffered: a send goes on when a receiver waits. There `try_send` succeeds only
/// while a receiver waits, and `try_recv` finds only what was sent to a receive that was then dropped.
///
/// asyncio: `asyncio.Queue(maxsize)`, where 0 means no limit. trio: `open_memory_channel`.
///
/// # Examples
/// ```
/// use bowerbird::sync::mpmc;
///
/// bowerbird::run(async {
///     let (sender, receiver) = mpmc::channel(0);
///     let workers: Vec<_> = (0..2)
///         .map(|_| {
///             let receiver = receiver.clone();
///             bowerbird::spawn(async move {
///                 let mut sum = 0;
///                 while let Ok(number) = receiver.recv().await {
///                     sum += number;
///                 }
///                 sum
///             })
///         })
///         .collect();
///     sender.send_many(1..=10).await.unwrap();
///     drop(sender);
///     let mut total = 0;
///     for worker in workers {
///         total += worker.await.unwrap();
///     }
///     assert_eq!(total, 55);
/// });
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, half) = channel::bounded(capacity);
    (sender, Receiver { half })
}

/// Makes a channel without a limit.
///
/// asyncio: `asyncio.Queue()`.
///
/// # Examples
/// ```
/// let (sender, receiver) = bowerbird::sync::mpmc::unbounded_channel();
/// sender.send(1).unwrap();
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, Receiver<T>) {
    let (sender, half) = channel::unbounded();
    (sender, Receiver { half })
}

/// A receiving end of a channel that may have many.
///
/// Clones receive from the same channel. When the last is dropped, the channel is closed and what is buffered is
/// dropped.
///
/// asyncio: who gets from a `Queue`.
///
/// # Examples
/// ```
/// let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
/// let other = receiver.clone();
/// sender.try_send(1).unwrap();
/// sender.try_send(2).unwrap();
/// assert_eq!((receiver.try_recv(), other.try_recv()), (Ok(1), Ok(2)));
/// ```
pub struct Receiver<T> {
    half: Half<T>,
}

impl<T> Receiver<T> {
    /// Receives the next value; waits until there is one, behind those who wait already.
    ///
    /// asyncio: `Queue.get`.
    ///
    /// # Cancel safety
    /// Nothing is lost: a value that came for a receive that is dropped goes to the next that waits, or stays in
    /// its place. (Of one that is leaked, by `mem::forget`, it stays there for ever.)
    ///
    /// # Errors
    /// [`RecvError`] when the channel is closed and empty.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::mpmc::channel(1);
    ///     sender.send(1).await.unwrap();
    ///     drop(sender);
    ///     assert_eq!(receiver.recv().await, Ok(1));
    ///     assert!(receiver.recv().await.is_err());
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn recv(&self) -> RecvWait<'_, T> {
        self.half.recv(None)
    }

    /// Receives up to `limit` values into `values` and returns how many; waits until there is one. 0 means that the
    /// channel is closed and empty, or that `limit` is 0.
    ///
    /// asyncio: `Queue.get`, then `Queue.get_nowait` in a loop.
    ///
    /// # Cancel safety
    /// Nothing is lost: when it is dropped before it was ready, nothing was put into `values`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::mpmc::channel(8);
    ///     sender.send_many(0..5).await.unwrap();
    ///     let mut values = Vec::new();
    ///     assert_eq!(receiver.recv_many(&mut values, 3).await, 3);
    ///     assert_eq!(values, [0, 1, 2]);
    /// });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, values: &'a mut Vec<T>, limit: usize) -> RecvManyWait<'a, T> {
        self.half.recv_many(None, values, limit)
    }

    /// Takes a value if there is one that no waiting receiver was given.
    ///
    /// asyncio: `Queue.get_nowait`.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] or [`TryRecvError::Closed`].
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(1);
    /// assert!(receiver.try_recv().is_err());
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    #[inline]
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        self.half.try_recv(&mut None)
    }

    /// Receives from a thread that runs no task; blocks it until there is a value.
    ///
    /// asyncio: `run_coroutine_threadsafe(queue.get(), loop).result()`.
    ///
    /// # Errors
    /// [`RecvError`] when the channel is closed and empty.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::unbounded_channel();
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&self) -> Result<T, RecvError> {
        block_on(self.recv(), "mpmc::Receiver::blocking_recv()", "await recv() instead")
    }

    /// As [`recv_many`](Self::recv_many), from a thread that runs no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::unbounded_channel();
    /// (0..3).try_for_each(|number| sender.send(number)).unwrap();
    /// let mut values = Vec::new();
    /// assert_eq!(receiver.blocking_recv_many(&mut values, 10), 3);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&self, values: &mut Vec<T>, limit: usize) -> usize {
        block_on(
            self.recv_many(values, limit),
            "mpmc::Receiver::blocking_recv_many()",
            "await recv_many() instead",
        )
    }

    /// Makes a [`Stream`] of the values that this receiver takes.
    ///
    /// It is a type of its own since a stream keeps its place among those who wait from one poll to the next; a
    /// receiver does not.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::stream::StreamExt;
    ///
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
    ///     sender.send_many([1, 2]).await.unwrap();
    ///     drop(sender);
    ///     let all: Vec<_> = receiver.into_stream().map(|number| number * 10).collect().await;
    ///     assert_eq!(all, [10, 20]);
    /// });
    /// ```
    #[track_caller]
    pub fn into_stream(self) -> RecvStream<T> {
        RecvStream { receiving: Receiving::new(self.half) }
    }

    /// Closes the channel: nothing new is sent, and what is buffered can still be received.
    ///
    /// Permits that were given before can still send; receiving waits for them.
    ///
    /// asyncio: `Queue.shutdown`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
    /// sender.try_send(1).unwrap();
    /// receiver.close();
    /// assert!(sender.try_send(2).is_err());
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert!(receiver.blocking_recv().is_err());
    /// ```
    pub fn close(&self) {
        self.half.close();
    }

    /// Returns whether nothing new can be sent.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(1);
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.half.is_closed()
    }

    /// Returns how many values are buffered.
    ///
    /// asyncio: `Queue.qsize`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.half.len()
    }

    /// Returns whether no value is buffered.
    ///
    /// asyncio: `Queue.empty`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(1);
    /// assert!(receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many slots are free: neither buffered nor reserved.
    ///
    /// asyncio: `Queue.maxsize - Queue.qsize()`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.capacity(), 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.half.capacity()
    }

    /// Returns how many values the buffer takes; `usize::MAX` without a limit.
    ///
    /// asyncio: `Queue.maxsize`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(2);
    /// assert_eq!(receiver.max_capacity(), 2);
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.half.max_capacity()
    }

    /// Returns whether both receive from the same channel.
    ///
    /// asyncio: `is`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(2);
    /// assert!(receiver.same_channel(&receiver.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        self.half.is_same(&other.half)
    }

    /// Returns how many senders there are; an owned permit counts as one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(1);
    /// assert_eq!(receiver.sender_strong_count(), 1);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.statistics().senders
    }

    /// Returns how many receivers there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpmc::channel::<u8>(1);
    /// let _other = receiver.clone();
    /// assert_eq!(receiver.receiver_count(), 2);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.statistics().receivers
    }

    /// Returns what the channel holds at the moment, and who waits.
    ///
    /// asyncio: no counterpart. trio: `statistics()` of a memory channel.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.statistics().buffered, 1);
    /// ```
    pub fn statistics(&self) -> ChannelStatistics {
        self.half.statistics()
    }
}

// Written out, so that it holds for any `T`.
impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self { half: self.half.clone() }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("channel", &self.half).finish()
    }
}

/// The values of a channel as a [`Stream`], from [`Receiver::into_stream`].
///
/// A poll that finds nothing takes a place among those who wait, and keeps it until a later poll or until the
/// stream is dropped. A value that came for it goes to the next then.
///
/// asyncio: no counterpart.
#[must_use = "streams do nothing unless polled"]
pub struct RecvStream<T> {
    receiving: Receiving<T>,
}

impl<T> RecvStream<T> {
    /// Gives up the place among those who wait, and makes a receiver of it again.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpmc::channel(1);
    /// let receiver = receiver.into_stream().into_receiver();
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn into_receiver(self) -> Receiver<T> {
        Receiver { half: self.receiving.into_half() }
    }
}

// Nothing in it is pinned: the values live in the channel.
impl<T> Unpin for RecvStream<T> {}
impl<T> CancelSafe for RecvStream<T> {}

impl<T> Stream for RecvStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiving.poll_recv(cx).map(Result::ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.receiving.size_hint()
    }
}

impl<T> fmt::Debug for RecvStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvStream").field("channel", self.receiving.half()).finish()
    }
}
