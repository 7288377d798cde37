//! The side that changes the value.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Arc;

use super::shared::Shared;
use super::{Receiver, Ref, SendError, WatchStatistics, is_same};
use crate::crowd::Place;
use crate::leaf::Leaf;

/// The side that changes the value.
///
/// When the last sender is dropped, receivers can still look at the value, and their waits end.
///
/// asyncio: no counterpart. tokio: `watch::Sender`.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Sender<T> {
    /// Makes a sender without receivers.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::new`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::watch::Sender::new(1);
    /// assert_eq!(sender.send(2).unwrap_err().0, 2);
    /// assert_eq!(*sender.subscribe().borrow(), 1);
    /// ```
    pub fn new(value: T) -> Self {
        Self { shared: Arc::new(Shared::new(value)) }
    }

    /// Stores a value, if there is a receiver.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::send`.
    ///
    /// # Errors
    /// The value, if there is no receiver; [`send_replace`](Self::send_replace) stores it all the same.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// ```
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        drop(self.send_replace(value));
        Ok(())
    }

    /// Stores a value, and returns the one before.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::send_replace`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::watch::Sender::new(1);
    /// assert_eq!(sender.send_replace(2), 1);
    /// assert_eq!(*sender.borrow(), 2);
    /// ```
    pub fn send_replace(&self, mut value: T) -> T {
        // The old one is dropped by the caller, when nothing is locked.
        self.shared.change(|old| {
            std::mem::swap(old, &mut value);
            true
        });
        value
    }

    /// Changes the value in its place.
    ///
    /// The closure runs while the value is locked: it must be short, and not use the channel. If it panics, the panic
    /// goes on, and receivers are told of no change.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::send_modify`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(vec![1]);
    /// sender.send_modify(|list| list.push(2));
    /// assert_eq!(*receiver.borrow(), [1, 2]);
    /// ```
    pub fn send_modify(&self, modify: impl FnOnce(&mut T)) {
        self.shared.change(|value| {
            modify(value);
            true
        });
    }

    /// Changes the value in its place, and tells receivers only if the closure returns `true`; returns what it returned.
    ///
    /// The closure runs while the value is locked, as that of [`send_modify`](Self::send_modify).
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::send_if_modified`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(5);
    /// let raise_to = |new: i32| sender.send_if_modified(|old| {
    ///     let is_more = new > *old;
    ///     *old = new.max(*old);
    ///     is_more
    /// });
    /// assert!(!raise_to(3));
    /// assert!(!receiver.has_changed().unwrap());
    /// assert!(raise_to(8));
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn send_if_modified(&self, modify: impl FnOnce(&mut T) -> bool) -> bool {
        self.shared.change(modify)
    }

    /// Makes a receiver, which has seen the value of now.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::subscribe`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::watch::Sender::new(1);
    /// let receiver = sender.subscribe();
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn subscribe(&self) -> Receiver<T> {
        Receiver::new(self.shared.clone(), self.shared.look().version())
    }

    /// Looks at the value.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::borrow`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(*bowerbird::sync::watch::Sender::new(1).borrow(), 1);
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow(None).0
    }

    /// Waits until there is no receiver.
    ///
    /// A new one may have come since, if somebody subscribes later.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::closed`.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a wait that is dropped leaves no entry behind.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, receiver) = bowerbird::sync::watch::channel(1);
    ///     bowerbird::join((sender.closed(), async { drop(receiver) })).await;
    ///     assert!(sender.is_closed());
    /// });
    /// ```
    #[track_caller]
    pub fn closed(&self) -> Closed<'_, T> {
        Closed { sender: self, place: None, leaf: Leaf::of("watch::Sender::closed") }
    }

    /// Returns whether there is no receiver.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::is_closed`.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::watch::Sender::new(1).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Returns how many receivers there are.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::receiver_count`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::watch::channel(1);
    /// assert_eq!(sender.receiver_count(), 1);
    /// ```
    pub fn receiver_count(&self) -> usize {
        self.shared.receivers()
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart. tokio: `watch::Sender::sender_count`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::watch::Sender::new(1);
    /// assert_eq!(sender.clone().sender_count(), 2);
    /// ```
    pub fn sender_count(&self) -> usize {
        self.shared.senders()
    }

    /// Returns whether the two change the same value.
    ///
    /// asyncio: `is`. tokio: `watch::Sender::same_channel`.
    ///
    /// # Examples
    /// ```
    /// let sender = bowerbird::sync::watch::Sender::new(1);
    /// assert!(sender.same_channel(&sender.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        is_same(&self.shared, &other.shared)
    }

    /// Returns who is at the channel.
    ///
    /// asyncio: no counterpart. trio: `MemorySendChannel.statistics`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::watch::channel(1);
    /// let now = sender.statistics();
    /// assert_eq!((now.senders, now.receivers, now.waiting), (1, 1, 0));
    /// ```
    pub fn statistics(&self) -> WatchStatistics {
        self.shared.statistics()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.add_sender();
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.shared.drop_sender();
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Self::new(T::default())
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
        leaf.poll(cx, "watch.closed", shared, |cx| shared.poll_closed(place, cx))
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
        // Without the value, which somebody may have locked.
        f.debug_struct("Sender")
            .field("senders", &self.sender_count())
            .field("receivers", &self.receiver_count())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Closed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}
