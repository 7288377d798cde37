//! The side that receives.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc as Counted;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Arc;
use futures_core::Stream;

use super::sender::fmt_side;
use super::shared::Shared;
use super::{Lagged, RecvError, TryRecvError, is_same};
use crate::block_on::block_on;
use crate::crowd::Place;
use crate::leaf::Leaf;

/// A receiver of all values that are sent after it was made.
///
/// It is no stream itself, since it reports what it missed; [`into_stream`](Self::into_stream) makes one.
///
/// asyncio: no counterpart. tokio: `broadcast::Receiver`.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The position of the value that comes next.
    next: u64,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Self {
        let next = shared.subscribe();
        Self { shared, next }
    }

    /// Returns how many values this receiver has not received. More than the capacity: it has lagged, and will be
    /// told.
    ///
    /// asyncio: `Queue.qsize`. tokio: `broadcast::Receiver::len`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert_eq!(receiver.len(), 1);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.unseen_from(self.next) as usize
    }

    /// Returns whether this receiver has received all values.
    ///
    /// asyncio: `Queue.empty`. tokio: `broadcast::Receiver::is_empty`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// assert!(receiver.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns whether all senders are gone. Values that are left can still be received.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Receiver::is_closed`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.sender_strong_count() == 0
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Receiver::sender_strong_count`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// assert_eq!(receiver.sender_strong_count(), 1);
    /// ```
    pub fn sender_strong_count(&self) -> usize {
        self.shared.lock().senders
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Receiver::sender_weak_count`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// assert_eq!(receiver.sender_weak_count(), 0);
    /// ```
    pub fn sender_weak_count(&self) -> usize {
        self.shared.lock().weak_senders
    }

    /// Returns whether the two receive from the same senders.
    ///
    /// asyncio: `is`. tokio: `broadcast::Receiver::same_channel`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// assert!(receiver.same_channel(&receiver.resubscribe()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        is_same(&self.shared, &other.shared)
    }

    /// Makes another receiver, of what is sent from now on: what this one has not received yet is not for it.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Receiver::resubscribe`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let other = receiver.resubscribe();
    /// assert_eq!((receiver.len(), other.len()), (1, 0));
    /// # receiver.try_recv().unwrap();
    /// ```
    pub fn resubscribe(&self) -> Self {
        Self::new(self.shared.clone())
    }
}

/// A value that others may want as well: the last one to hold it need not clone.
fn take<T: Clone>(value: Counted<T>) -> T {
    Counted::unwrap_or_clone(value)
}

impl<T: Clone> Receiver<T> {
    /// Waits for the next value.
    ///
    /// asyncio: `Queue.get`, of a queue of its own. tokio: `broadcast::Receiver::recv`.
    ///
    /// # Cancel safety
    /// Nothing is lost: a value counts as received when a poll returns it.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] if values were dropped before this receiver saw them: the next call goes on with the oldest
    /// one that is kept. [`RecvError::Closed`] if all senders are gone and all values were received.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::broadcast::channel(4);
    ///     let (value, sent) = bowerbird::join((receiver.recv(), async { sender.send(1) })).await;
    ///     assert_eq!((value, sent), (Ok(1), Ok(1)));
    /// });
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_, T> {
        Recv { receiver: self, place: None, leaf: Leaf::of("broadcast::Receiver::recv") }
    }

    /// Takes the next value if it is there.
    ///
    /// asyncio: `Queue.get_nowait`, of a queue of its own. tokio: `broadcast::Receiver::try_recv`.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`], or as [`recv`](Self::recv).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::broadcast::{TryRecvError, channel};
    /// let (sender, mut receiver) = channel(1);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Lagged(1)));
    /// assert_eq!(receiver.try_recv(), Ok(2));
    /// drop(sender);
    /// assert_eq!(receiver.try_recv(), Err(TryRecvError::Closed));
    /// ```
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.shared.try_recv(&mut self.next).map(take)
    }

    /// Waits for the next value from a thread that runs no task.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Receiver::blocking_recv`.
    ///
    /// # Errors
    /// As [`recv`](Self::recv).
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::broadcast::channel(4);
    /// let thread = std::thread::spawn(move || receiver.blocking_recv());
    /// sender.send(1).unwrap();
    /// assert_eq!(thread.join().unwrap(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        block_on(self.recv(), "broadcast::Receiver::blocking_recv()", "await recv() instead")
    }

    /// Makes a stream of the values, which ends when all senders are gone. What it missed is an `Err` among them.
    ///
    /// asyncio: no counterpart. tokio: `BroadcastStream` of tokio-stream.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{stream::StreamExt, sync::broadcast::{Lagged, channel}};
    /// bowerbird::run(async {
    ///     let (sender, receiver) = channel(2);
    ///     for number in 0..3 {
    ///         sender.send(number).unwrap();
    ///     }
    ///     drop(sender);
    ///     let values: Vec<_> = receiver.into_stream().collect().await;
    ///     assert_eq!(values, [Err(Lagged(1)), Ok(1), Ok(2)]);
    /// });
    /// ```
    #[track_caller]
    pub fn into_stream(self) -> BroadcastStream<T> {
        BroadcastStream { receiver: self, place: None, leaf: Leaf::new() }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.unsubscribe(self.next);
    }
}

/// One poll for the next value, of a future or a stream.
fn poll_recv<T: Clone>(
    receiver: &mut Receiver<T>,
    place: &mut Option<Place>,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
) -> Poll<Result<T, RecvError>> {
    let Receiver { shared, next } = receiver;
    let shared = &**shared;
    let taken =
        ready!(leaf.poll(cx, "broadcast.recv", shared, |cx| shared.poll_recv(next, place, cx)));
    Poll::Ready(match taken {
        Ok(value) => Ok(take(value)),
        Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
        Err(TryRecvError::Closed) => Err(RecvError::Closed),
        Err(TryRecvError::Empty) => unreachable!("a poll that finds nothing is pending"),
    })
}

/// Waits for the next value, see [`Receiver::recv`].
#[must_use = "futures do nothing unless awaited"]
pub struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
    place: Option<Place>,
    leaf: Leaf,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, place, leaf } = &mut *self;
        poll_recv(receiver, place, leaf, cx)
    }
}

impl<T> Drop for Recv<'_, T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_recv(&mut self.place);
    }
}

impl<T> CancelSafe for Recv<'_, T> {}

/// The values of a channel as a stream, see [`Receiver::into_stream`].
///
/// asyncio: no counterpart. tokio: `BroadcastStream` of tokio-stream.
#[must_use = "streams do nothing unless polled"]
pub struct BroadcastStream<T> {
    receiver: Receiver<T>,
    place: Option<Place>,
    leaf: Leaf,
}

impl<T: Clone> Stream for BroadcastStream<T> {
    type Item = Result<T, Lagged>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { receiver, place, leaf } = &mut *self;
        let result = ready!(poll_recv(receiver, place, leaf, cx));
        // The next value is a wait of its own.
        leaf.begin_again();
        Poll::Ready(match result {
            Ok(value) => Some(Ok(value)),
            Err(RecvError::Lagged(missed)) => Some(Err(Lagged(missed))),
            Err(RecvError::Closed) => None,
        })
    }
}

impl<T> Drop for BroadcastStream<T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_recv(&mut self.place);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_side("Receiver", self.shared.try_statistics(), f)
    }
}

impl<T> fmt::Debug for Recv<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recv").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for BroadcastStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BroadcastStream").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
