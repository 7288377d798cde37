//! Senders that do not keep a channel open.

use std::fmt;

use bowerbird_base::sync::Arc;

use super::{Channel, Sender, UnboundedSender};

/// A sender that does not keep the channel open, from [`Sender::downgrade`].
///
/// asyncio: `weakref.ref`.
///
/// # Examples
/// ```
/// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
/// let weak = sender.downgrade();
/// weak.upgrade().unwrap().try_send(1).unwrap();
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// assert_eq!(receiver.try_recv(), Ok(1));
/// ```
pub struct WeakSender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> WeakSender<T> {
    pub(super) fn new(channel: &Arc<Channel<T>>) -> Self {
        channel.step(|state, _| state.weak_sender_count += 1);
        Self { channel: channel.clone() }
    }

    /// Makes a sender of it, unless all senders were dropped.
    ///
    /// asyncio: calling the `weakref.ref`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let weak = sender.downgrade();
    /// assert!(weak.upgrade().is_some_and(|other| other.same_channel(&sender)));
    /// ```
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let is_alive = self.channel.step(|state, _| {
            let is_alive = state.sender_count > 0;
            state.sender_count += usize::from(is_alive);
            is_alive
        });
        is_alive.then(|| Sender::new(self.channel.clone()))
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// assert_eq!(sender.downgrade().strong_count(), 1);
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
    /// assert_eq!(sender.downgrade().weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.channel.look(|state| state.weak_sender_count)
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        Self::new(&self.channel)
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.channel.step(|state, _| state.weak_sender_count -= 1);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").field("channel", &self.channel).finish()
    }
}

/// A sender that does not keep the channel open, from [`UnboundedSender::downgrade`].
///
/// asyncio: `weakref.ref`.
///
/// # Examples
/// ```
/// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
/// let weak = sender.downgrade();
/// drop(sender);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakUnboundedSender<T>(pub(super) WeakSender<T>);

impl<T> WeakUnboundedSender<T> {
    /// Makes a sender of it, unless all senders were dropped.
    ///
    /// asyncio: calling the `weakref.ref`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert!(sender.downgrade().upgrade().is_some());
    /// ```
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.0.upgrade().map(UnboundedSender::new)
    }

    /// Returns how many senders there are.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::unbounded_channel::<u8>();
    /// assert_eq!(sender.downgrade().strong_count(), 1);
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
    /// assert_eq!(sender.downgrade().weak_count(), 1);
    /// ```
    pub fn weak_count(&self) -> usize {
        self.0.weak_count()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakUnboundedSender").field(&self.0).finish()
    }
}
