//! The side that sends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Arc;

use super::shared::Shared;
use super::{BroadcastStatistics, Receiver, SendError, is_same};
use crate::crowd::Place;
use crate::leaf::Leaf;

/// The side that sends to all receivers.
///
/// When the last sender is dropped, receivers get what is left, and then
/// [`RecvError::Closed`](super::RecvError::Closed).
///
/// asyncio: no counterpart. tokio: `broadcast::Sender`.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// A sender that does not keep the channel open.
///
/// asyncio: no counterpart. tokio: `broadcast::WeakSender`.
///
/// # Examples
/// ```
/// let (sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(1);
/// let weak = sender.downgrade();
/// assert!(weak.upgrade().is_some());
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// assert!(receiver.is_closed());
/// ```
pub struct WeakSender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a sender without receivers, of a channel that keeps the last `capacity` values.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::new`.
    ///
    /// # Panics
    /// If `capacity` is 0.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::new(4);
    /// assert!(sender.send(1).is_err());
    /// let mut receiver = sender.subscribe();
    /// assert_eq!(sender.send(2), Ok(1));
    /// assert_eq!(receiver.try_recv(), Ok(2));
    /// ```
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        assert!(
            capacity > 0,
            "a broadcast channel was made with a capacity of 0: it could keep nothing; give it at least 1"
        );
        Self { shared: Arc::new(Shared::new(capacity)) }
    }

    /// Sends a value to all receivers that there are, and returns how many they are. That they are there does not
    /// mean that they will look.
    ///
    /// asyncio: `put_nowait` on one `Queue` for each consumer.
    ///
    /// # Errors
    /// The value, if there is no receiver.
    ///
    /// # Examples
    /// ```
    /// let (sender, _one) = bowerbird::sync::broadcast::channel(4);
    /// let _two = sender.subscribe();
    /// assert_eq!(sender.send("news"), Ok(2));
    /// ```
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        self.shared.send(value).map_err(SendError)
    }

    /// Makes a receiver of what is sent from now on.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::subscribe`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::broadcast::{TryRecvError, channel};
    /// let (sender, mut early) = channel(4);
    /// sender.send(1).unwrap();
    /// let mut late = sender.subscribe();
    /// assert_eq!((early.try_recv(), late.try_recv()), (Ok(1), Err(TryRecvError::Empty)));
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone())
    }

    /// Makes a sender that does not keep the channel open.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::downgrade`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(1);
    /// let weak = sender.downgrade();
    /// assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));
    /// ```
    pub fn downgrade(&self) -> WeakSender<T> {
        self.shared.lock().weak_senders += 1;
        WeakSender { shared: self.shared.clone() }
    }

    /// Waits until there is no receiver.
    ///
    /// A new one may have come since, if somebody subscribes later.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::closed`.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a wait that is dropped leaves no entry behind.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::broadcast::channel::<u8>(1);
    ///     bowerbird::join((sender.closed(), async { drop(receiver) })).await;
    ///     assert_eq!(sender.receiver_count(), 0);
    /// });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed { sender: self, place: None, leaf: Leaf::of("broadcast::Sender::closed") }
    }

    /// Returns how many values are kept because somebody has not seen them.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::len`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// assert_eq!(sender.len(), 1);
    /// receiver.try_recv().unwrap();
    /// assert_eq!(sender.len(), 0);
    /// ```
    pub fn len(&self) -> usize {
        self.shared.statistics().len
    }

    /// Returns whether all receivers have seen all values.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::is_empty`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::broadcast::channel(4);
    /// assert!(sender.is_empty());
    /// sender.send(1).unwrap();
    /// assert!(!sender.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many receivers there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::receiver_count`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::broadcast::channel::<u8>(4);
    /// assert_eq!(sender.receiver_count(), 1);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.shared.lock().receivers
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::strong_count`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(4);
    /// let _other = sender.clone();
    /// assert_eq!(sender.strong_count(), 2);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.shared.lock().senders
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::Sender::weak_count`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::broadcast::Sender::<u8>::new(4).weak_count(), 0);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.shared.lock().weak_senders
    }

    /// Returns whether the two send to the same receivers.
    ///
    /// asyncio: `is`. tokio: `broadcast::Sender::same_channel`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(4);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        is_same(&self.shared, &other.shared)
    }

    /// Returns what the channel holds and who waits, all of one moment.
    ///
    /// asyncio: no counterpart. trio: `MemorySendChannel.statistics`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::broadcast::channel(4);
    /// sender.send(1).unwrap();
    /// let now = sender.statistics();
    /// assert_eq!((now.len, now.capacity, now.receivers), (1, 4, 1));
    /// ```
    pub fn statistics(&self) -> BroadcastStatistics {
        self.shared.statistics()
    }
}

impl<T> WeakSender<T> {
    /// Makes a sender, if there still is one.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::WeakSender::upgrade`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(1);
    /// let again = sender.downgrade().upgrade().unwrap();
    /// assert!(again.same_channel(&sender));
    /// ```
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let mut state = self.shared.lock();
        if state.senders == 0 {
            return None;
        }
        state.senders += 1;
        drop(state);
        Some(Sender { shared: self.shared.clone() })
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::WeakSender::strong_count`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(1);
    /// assert_eq!(sender.downgrade().strong_count(), 1);
    /// ```
    pub fn strong_count(&self) -> usize {
        self.shared.lock().senders
    }

    /// Returns how many weak senders there are.
    ///
    /// asyncio: no counterpart. tokio: `broadcast::WeakSender::weak_count`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::broadcast::Sender::<u8>::new(1);
    /// assert_eq!(sender.downgrade().weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.shared.lock().weak_senders
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().senders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.leave_sender();
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        self.shared.lock().weak_senders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.shared.lock().weak_senders -= 1;
    }
}

/// Waits until there is no receiver, see [`Sender::closed`].
#[must_use = "futures do nothing unless awaited"]
pub struct Closed<'a, T> {
    sender: &'a Sender<T>,
    place: Option<Place>,
    leaf: Leaf,
}

impl<T> Future for Closed<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { sender, place, leaf } = &mut *self;
        let shared = &*sender.shared;
        leaf.poll(cx, "broadcast.closed", shared, |cx| shared.poll_closed(place, cx))
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        self.sender.shared.leave_closed(&mut self.place);
    }
}

impl<T> CancelSafe for Closed<'_, T> {}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_side("Sender", self.shared.try_statistics(), f)
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_side("WeakSender", self.shared.try_statistics(), f)
    }
}

/// Never blocks: without the numbers while somebody has the lock.
pub(super) fn fmt_side(
    name: &str,
    now: Option<BroadcastStatistics>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut fields = f.debug_struct(name);
    if let Some(now) = now {
        fields.field("len", &now.len).field("capacity", &now.capacity);
        fields.field("senders", &now.senders).field("receivers", &now.receivers);
    }
    fields.finish_non_exhaustive()
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}
