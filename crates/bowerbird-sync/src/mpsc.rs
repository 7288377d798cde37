//! Channels with many senders and one receiver.
//!
//! [`channel`] has a limit: who sends faster than the receiver takes waits. [`unbounded_channel`] has none. Both
//! ends work in tasks of any executor and, by their `blocking_` forms, in threads.
//!
//! - Values of one sender arrive in the order in which it sent them. Who waits to send gets a slot in the order
//!   of arrival, and nobody who comes later gets one before.
//! - The last sender dropped closes the channel, and so do [`Sender::close`] and [`Receiver::close`]: what is
//!   buffered, and what is sent through permits that were given before, is still received; then receiving gives
//!   [`RecvError`].
//! - The receiver dropped closes it too, and drops what is buffered.
//!
//! asyncio: `asyncio.Queue` between tasks that put and one that gets. Several that get: [`mpmc`](crate::mpmc).
//!
//! tokio: `tokio::sync::mpsc`. `recv` gives a `Result`, where tokio gives an `Option`; one [`Receiver`] serves both
//! kinds; a capacity of 0 is allowed.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::block_on::block_on;
use crate::channel::{self, Receiving};

pub use crate::channel::{
    ChannelStatistics, ClosedWait, OwnedPermit, Permit, PermitIterator, RecvError, RecvManyWait,
    RecvWait, ReserveManyWait, ReserveOwnedWait, ReserveWait, SendError, SendManyWait, SendWait,
    Sender, TryRecvError, TrySendError, UnboundedSender, Unsent, WeakSender, WeakUnboundedSender,
};

/// Makes a channel that buffers up to `capacity` values.
///
/// With a capacity of 0 nothing is buffered: a send goes on when the receiver waits. There `try_send` succeeds
/// only while the receiver waits, and `try_recv` finds only what was sent to a receive that was then dropped.
///
/// asyncio: `asyncio.Queue(maxsize)`, where 0 means no limit. trio: `open_memory_channel`.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
///     let sending = bowerbird::spawn(async move { sender.send_many(0..5).await.is_ok() });
///     let mut all = Vec::new();
///     while let Ok(number) = receiver.recv().await {
///         all.push(number);
///     }
///     assert_eq!(all, [0, 1, 2, 3, 4]);
///     assert!(sending.await.unwrap());
/// });
/// ```
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, half) = channel::bounded(capacity);
    (sender, Receiver { receiving: Receiving::new(half) })
}

/// Makes a channel without a limit.
///
/// asyncio: `asyncio.Queue()`.
///
/// # Examples
/// ```
/// let (sender, mut receiver) = bowerbird::sync::mpsc::unbounded_channel();
/// sender.send(1).unwrap();
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
#[track_caller]
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, Receiver<T>) {
    let (sender, half) = channel::unbounded();
    (sender, Receiver { receiving: Receiving::new(half) })
}

/// The receiving end of a channel that has one.
///
/// It is a [`Stream`] of the values. Dropping it closes the channel and drops what is buffered.
///
/// asyncio: who gets from a `Queue`.
///
/// # Examples
/// ```
/// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
/// let thread = std::thread::spawn(move || {
///     let mut sum = 0;
///     while let Ok(number) = receiver.blocking_recv() {
///         sum += number;
///     }
///     sum
/// });
/// (1..=3).try_for_each(|number| sender.blocking_send(number)).unwrap();
/// drop(sender);
/// assert_eq!(thread.join().unwrap(), 6);
/// ```
pub struct Receiver<T> {
    receiving: Receiving<T>,
}

impl<T> Receiver<T> {
    /// Receives the next value; waits until there is one.
    ///
    /// asyncio: `Queue.get`.
    ///
    /// # Cancel safety
    /// Nothing is lost: a value that came for a receive that is dropped stays in the channel, in its place. (Of one that is
    /// leaked, by `mem::forget`, it stays there for ever.)
    ///
    /// # Errors
    /// [`RecvError`] when the channel is closed and empty.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    ///     sender.send(1).await.unwrap();
    ///     drop(sender);
    ///     assert_eq!(receiver.recv().await, Ok(1));
    ///     assert!(receiver.recv().await.is_err());
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn recv(&mut self) -> RecvWait<'_, T> {
        let (half, key) = self.receiving.parts();
        half.recv(key.take())
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
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(8);
    ///     sender.send_many(0..5).await.unwrap();
    ///     let mut values = Vec::new();
    ///     assert_eq!(receiver.recv_many(&mut values, 3).await, 3);
    ///     assert_eq!(receiver.recv_many(&mut values, 3).await, 2);
    ///     assert_eq!(values, [0, 1, 2, 3, 4]);
    /// });
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(
        &'a mut self,
        values: &'a mut Vec<T>,
        limit: usize,
    ) -> RecvManyWait<'a, T> {
        let (half, key) = self.receiving.parts();
        half.recv_many(key.take(), values, limit)
    }

    /// Takes a value if there is one.
    ///
    /// asyncio: `Queue.get_nowait`.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] or [`TryRecvError::Closed`].
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// assert!(receiver.try_recv().is_err());
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    #[inline]
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        let (half, key) = self.receiving.parts();
        half.try_recv(key)
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
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::unbounded_channel();
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        block_on(self.recv(), "mpsc::Receiver::blocking_recv()", "await recv() instead")
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
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::unbounded_channel();
    /// (0..3).try_for_each(|number| sender.send(number)).unwrap();
    /// let mut values = Vec::new();
    /// assert_eq!(receiver.blocking_recv_many(&mut values, 10), 3);
    /// ```
    #[track_caller]
    pub fn blocking_recv_many(&mut self, values: &mut Vec<T>, limit: usize) -> usize {
        block_on(
            self.recv_many(values, limit),
            "mpsc::Receiver::blocking_recv_many()",
            "await recv_many() instead",
        )
    }

    /// Polls for the next value. The waker of the last call is woken; the wait goes on until a value is taken, by
    /// whatever method.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// [`RecvError`] when the channel is closed and empty.
    ///
    /// # Examples
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert!(receiver.poll_recv(&mut cx).is_pending());
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.poll_recv(&mut cx), Poll::Ready(Ok(1)));
    /// ```
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        self.receiving.poll_recv(cx)
    }

    /// Polls for up to `limit` values, see [`poll_recv`](Self::poll_recv) and [`recv_many`](Self::recv_many).
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use std::task::{Context, Poll, Waker};
    ///
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// sender.try_send(1).unwrap();
    /// let mut cx = Context::from_waker(Waker::noop());
    /// assert_eq!(receiver.poll_recv_many(&mut cx, &mut Vec::new(), 10), Poll::Ready(1));
    /// ```
    pub fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        values: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        self.receiving.poll_recv_many(cx, values, limit)
    }

    /// Closes the channel: nothing new is sent, and what is buffered can still be received.
    ///
    /// Permits that were given before can still send; receiving waits for them.
    ///
    /// asyncio: `Queue.shutdown`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// receiver.close();
    /// assert!(sender.try_send(2).is_err());
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// assert!(receiver.blocking_recv().is_err());
    /// ```
    pub fn close(&mut self) {
        self.receiving.half().close();
    }

    /// Returns whether nothing new can be sent.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiving.half().is_closed()
    }

    /// Returns how many values are buffered.
    ///
    /// asyncio: `Queue.qsize`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.receiving.half().len()
    }

    /// Returns whether no value is buffered.
    ///
    /// asyncio: `Queue.empty`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
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
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.capacity(), 1);
    /// ```
    pub fn capacity(&self) -> usize {
        self.receiving.half().capacity()
    }

    /// Returns how many values the buffer takes; `usize::MAX` without a limit.
    ///
    /// asyncio: `Queue.maxsize`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(2);
    /// assert_eq!(receiver.max_capacity(), 2);
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.receiving.half().max_capacity()
    }

    /// Returns how many senders there are; an owned permit counts as one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// assert_eq!(receiver.sender_strong_count(), 1);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.statistics().senders
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let _weak = sender.downgrade();
    /// assert_eq!(receiver.sender_weak_count(), 1);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.statistics().weak_senders
    }

    /// Returns what the channel holds at the moment, and who waits.
    ///
    /// asyncio: no counterpart. trio: `statistics()` of a memory channel.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(receiver.statistics().buffered, 1);
    /// ```
    pub fn statistics(&self) -> ChannelStatistics {
        self.receiving.half().statistics()
    }
}

// Nothing in it is pinned: the values live in the channel.
impl<T> Unpin for Receiver<T> {}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_recv(cx).map(Result::ok)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.receiving.size_hint()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("channel", self.receiving.half()).finish()
    }
}
