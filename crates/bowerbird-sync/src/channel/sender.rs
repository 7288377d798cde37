//! The sending end of a channel with a limit.

use std::fmt;

use bowerbird_base::sync::Arc;

use super::errors::{SendError, TrySendError};
use super::sending::{
    ClosedWait, ReserveManyWait, ReserveOwnedWait, ReserveWait, SendManyWait, SendWait,
};
use super::state::Refused;
use super::{Channel, ChannelStatistics, OwnedPermit, Permit, PermitIterator, WeakSender};
use crate::block_on::block_on;

/// The sending end of a channel with a limit.
///
/// Clones send into the same channel. When the last is dropped the channel is closed: receivers take what is
/// buffered, and then learn that nothing more will come.
///
/// Who finds the buffer full waits, in the order of arrival: nobody who comes later gets a slot before.
///
/// asyncio: who puts into a `Queue(maxsize)`; a queue does not know whether somebody is left who puts.
///
/// # Examples
/// ```
/// use bowerbird::sync::mpsc;
///
/// bowerbird::run(async {
///     let (sender, mut receiver) = mpsc::channel(4);
///     for number in 0..3 {
///         let sender = sender.clone();
///         drop(bowerbird::spawn(async move { sender.send(number).await }));
///     }
///     drop(sender);
///     let mut sum = 0;
///     while let Ok(number) = receiver.recv().await {
///         sum += number;
///     }
///     assert_eq!(sum, 3);
/// });
/// ```
pub struct Sender<T> {
    pub(super) channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    /// The sender that the channel was made with.
    pub(super) fn new(channel: Arc<Channel<T>>) -> Self {
        Self { channel }
    }

    /// Sends a value; waits for a slot as long as the buffer is full.
    ///
    /// asyncio: `Queue.put`.
    ///
    /// # Cancel safety
    /// A send that is dropped before it was ready has not sent, and drops the value. To keep it, use
    /// [`reserve`](Self::reserve) and send through the permit, or poll a `&mut` of this future and take the value
    /// back with [`SendWait::into_value`].
    ///
    /// # Errors
    /// The value, if the channel is closed.
    ///
    /// # Panics
    /// When polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    ///     sender.send("a").await.unwrap();
    ///     assert_eq!(receiver.recv().await, Ok("a"));
    ///     drop(receiver);
    ///     assert_eq!(sender.send("b").await.unwrap_err().into_inner(), "b");
    /// });
    /// ```
    #[track_caller]
    pub fn send(&self, value: T) -> SendWait<'_, T> {
        SendWait::new(&self.channel, value)
    }

    /// Sends a value if there is a slot and nobody waits for one.
    ///
    /// asyncio: `Queue.put_nowait`.
    ///
    /// # Errors
    /// The value, in [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::mpsc::{TrySendError, channel};
    ///
    /// let (sender, _receiver) = channel(1);
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    /// ```
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        let mut value = Some(value);
        let sent = self.channel.try_slots(1, |state, called| match value.take() {
            Some(value) => state.push(value, called),
            None => Ok(()),
        });
        match (sent, value) {
            (Err(Refused::Full), Some(value)) => Err(TrySendError::Full(value)),
            (Err(Refused::Closed), Some(value)) | (Ok(Err(value)), _) => {
                Err(TrySendError::Closed(value))
            }
            (Ok(Ok(())) | Err(_), _) => Ok(()),
        }
    }

    /// Sends a value from a thread that runs no task; blocks it as long as the buffer is full.
    ///
    /// asyncio: `run_coroutine_threadsafe(queue.put(..), loop).result()`.
    ///
    /// # Errors
    /// The value, if the channel is closed.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// let thread = std::thread::spawn(move || (0..3).try_for_each(|n| sender.blocking_send(n)));
    /// assert_eq!(receiver.blocking_recv(), Ok(0));
    /// drop(receiver);
    /// assert!(thread.join().unwrap().is_err());
    /// ```
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        block_on(self.send(value), "Sender::blocking_send()", "await send() instead")
    }

    /// Sends all values of an iterator, in order; takes as many slots at a time as are free.
    ///
    /// Values of other senders may come in between. The iterator is asked for values a few at a time, as they are
    /// sent.
    ///
    /// asyncio: `Queue.put` in a loop.
    ///
    /// # Cancel safety
    /// Dropped, it drops the values that are not sent yet. To keep them, poll a `&mut` of this future and take
    /// them back with [`SendManyWait::into_unsent`].
    ///
    /// # Errors
    /// The values that were not sent, as an iterator, if the channel is closed.
    ///
    /// # Panics
    /// When polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
    ///     let (sent, ()) = bowerbird::join((
    ///         sender.send_many(1..=5),
    ///         async { receiver.close() },
    ///     )).await;
    ///     assert_eq!(receiver.recv().await, Ok(1));
    ///     assert!(sent.unwrap_err().into_inner().eq(3..=5));
    /// });
    /// ```
    #[track_caller]
    pub fn send_many<I: IntoIterator<Item = T>>(
        &self,
        values: I,
    ) -> SendManyWait<'_, T, I::IntoIter> {
        SendManyWait::new(&self.channel, values.into_iter())
    }

    /// Waits for a slot and keeps it: the [`Permit`] sends without waiting.
    ///
    /// asyncio: no counterpart. So the value need not exist before it can be sent, and is not lost when the wait
    /// is cancelled.
    ///
    /// # Cancel safety
    /// Nothing is lost but the place among those who wait; a slot that it was given goes to the next.
    ///
    /// # Errors
    /// [`SendError`], if the channel is closed.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    ///     let permit = sender.reserve().await.unwrap();
    ///     assert!(sender.try_send(1).is_err());
    ///     permit.send(2);
    ///     assert_eq!(receiver.recv().await, Ok(2));
    /// });
    /// ```
    #[track_caller]
    pub fn reserve(&self) -> ReserveWait<'_, T> {
        ReserveWait::new(&self.channel)
    }

    /// Waits for `count` slots at once and keeps them.
    ///
    /// asyncio: no counterpart. Those who come later wait, also for fewer.
    ///
    /// # Cancel safety
    /// Nothing is lost but the place among those who wait; slots that it was given go to the next.
    ///
    /// # Errors
    /// [`SendError`], if the channel is closed.
    ///
    /// # Panics
    /// If the channel never has so many slots.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
    ///     for (number, permit) in sender.reserve_many(2).await.unwrap().enumerate() {
    ///         permit.send(number);
    ///     }
    ///     assert_eq!((receiver.recv().await, receiver.recv().await), (Ok(0), Ok(1)));
    /// });
    /// ```
    #[track_caller]
    pub fn reserve_many(&self, count: usize) -> ReserveManyWait<'_, T> {
        let most = self.max_capacity().max(1);
        assert!(
            count <= most,
            "reserve_many({count}) on a channel that never has more than {most} slots would wait for ever: \
             reserve fewer at a time, or make the channel with a larger capacity"
        );
        ReserveManyWait::new(&self.channel, count)
    }

    /// As [`reserve`](Self::reserve), with a permit that owns this sender: it can be kept anywhere.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost but this sender and its place among those who wait; clone it first to keep one.
    ///
    /// # Errors
    /// [`SendError`], if the channel is closed.
    ///
    /// # Panics
    /// When polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    ///     let permit = sender.reserve_owned().await.unwrap();
    ///     let task = bowerbird::spawn(async move { permit.send(1); });
    ///     assert_eq!(receiver.recv().await, Ok(1));
    ///     task.await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn reserve_owned(self) -> ReserveOwnedWait<T> {
        ReserveOwnedWait::new(self)
    }

    /// Takes a slot if one is free and nobody waits for one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// sender.try_reserve().unwrap().send(1);
    /// assert!(sender.try_reserve().unwrap_err().is_full());
    /// assert_eq!(receiver.try_recv(), Ok(1));
    /// ```
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.try_slots(1)?;
        Ok(Permit::new(&self.channel))
    }

    /// Takes `count` slots if so many are free and nobody waits for one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(2);
    /// assert!(sender.try_reserve_many(3).unwrap_err().is_full());
    /// assert_eq!(sender.try_reserve_many(2).unwrap().count(), 2);
    /// ```
    pub fn try_reserve_many(
        &self,
        count: usize,
    ) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.try_slots(count)?;
        Ok(PermitIterator::new(&self.channel, count))
    }

    /// As [`try_reserve`](Self::try_reserve), with a permit that owns this sender.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// This sender, in [`TrySendError::Full`] or [`TrySendError::Closed`].
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel(1);
    /// let sender = sender.try_reserve_owned().unwrap().send(1);
    /// assert!(sender.try_reserve_owned().unwrap_err().is_full());
    /// ```
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.try_slots(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(error) => Err(error.map(|()| self)),
        }
    }

    fn try_slots(&self, count: usize) -> Result<(), TrySendError<()>> {
        self.channel.try_slots(count, |_, _| ()).map_err(|refused| match refused {
            Refused::Full => TrySendError::Full(()),
            Refused::Closed => TrySendError::Closed(()),
        })
    }

    /// Waits until the channel is closed: by a receiver, or since all receivers were dropped.
    ///
    /// asyncio: no counterpart. It tells a producer that nobody wants its values.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    ///     let producer = bowerbird::spawn(async move { sender.closed().await });
    ///     drop(receiver);
    ///     producer.await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> ClosedWait<'_, T> {
        ClosedWait::new(&self.channel)
    }

    /// Closes the channel for all senders. What is buffered can still be received, and permits can still send.
    ///
    /// asyncio: `Queue.shutdown`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// sender.close();
    /// assert!(sender.try_send(2).unwrap_err().is_closed());
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// assert!(receiver.blocking_recv().is_err());
    /// ```
    pub fn close(&self) {
        self.channel.close();
    }

    /// Returns whether new values are refused.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// assert!(!sender.is_closed());
    /// drop(receiver);
    /// assert!(sender.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.channel.look(|state| state.is_closed)
    }

    /// Returns how many values are buffered.
    ///
    /// asyncio: `Queue.qsize`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.channel.look(|state| state.buffer.len())
    }

    /// Returns whether no value is buffered.
    ///
    /// asyncio: `Queue.empty`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// assert!(sender.is_empty());
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
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel(2);
    /// let _permit = sender.try_reserve().unwrap();
    /// assert_eq!(sender.capacity(), 1);
    /// sender.try_send(1).unwrap();
    /// assert_eq!(sender.capacity(), 0);
    /// ```
    pub fn capacity(&self) -> usize {
        self.channel.look(|state| state.free())
    }

    /// Returns how many values the buffer takes.
    ///
    /// asyncio: `Queue.maxsize`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(2);
    /// assert_eq!(sender.max_capacity(), 2);
    /// ```
    pub fn max_capacity(&self) -> usize {
        self.channel.look(|state| state.capacity)
    }

    /// Returns whether both send into the same channel.
    ///
    /// asyncio: `is`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }

    /// Makes a sender that does not keep the channel open.
    ///
    /// asyncio: `weakref.ref`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some());
    /// drop(sender);
    /// assert!(weak.upgrade().is_none() && receiver.is_closed());
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakSender<T> {
        WeakSender::new(&self.channel)
    }

    /// Returns how many senders there are; an owned permit counts as one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let _other = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.channel.look(|state| state.sender_count)
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let _weak = sender.downgrade();
    /// assert_eq!(sender.weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.channel.look(|state| state.weak_sender_count)
    }

    /// Returns what the channel holds at the moment, and who waits.
    ///
    /// asyncio: no counterpart. trio: `statistics()` of a memory channel.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel(2);
    /// sender.try_send(1).unwrap();
    /// let statistics = sender.statistics();
    /// assert_eq!((statistics.buffered, statistics.capacity), (1, Some(2)));
    /// assert_eq!((statistics.senders, statistics.receivers), (1, 1));
    /// ```
    pub fn statistics(&self) -> ChannelStatistics {
        self.channel.statistics()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.channel.step(|state, _| state.sender_count += 1);
        Self { channel: self.channel.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.step(|state, called| {
            state.sender_count -= 1;
            if state.sender_count == 0 {
                state.close(called);
            }
        });
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("channel", &self.channel).finish()
    }
}
