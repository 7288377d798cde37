//! Slots that are kept, to send without waiting.

use std::fmt;

use super::{Channel, Sender};

/// A slot of a channel, from [`Sender::reserve`]: sends without waiting.
///
/// Dropped unused, it gives the slot to the next that waits. A channel that is closed meanwhile still takes the
/// value.
///
/// asyncio: no counterpart.
#[must_use = "a permit that is dropped gives its slot back"]
pub struct Permit<'a, T> {
    channel: &'a Channel<T>,
}

impl<'a, T> Permit<'a, T> {
    /// Of a slot that is reserved.
    pub(super) fn new(channel: &'a Channel<T>) -> Self {
        Self { channel }
    }

    /// Sends a value. If all receivers have been dropped, it is dropped too.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// let permit = sender.try_reserve().unwrap();
    /// receiver.close();
    /// permit.send(1);
    /// assert_eq!(receiver.blocking_recv(), Ok(1));
    /// assert!(receiver.blocking_recv().is_err());
    /// ```
    pub fn send(self, value: T) {
        let channel = self.channel;
        // The slot is used here. A permit owns nothing else.
        std::mem::forget(self);
        channel.send_reserved(value);
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        self.channel.release(1);
    }
}

/// A slot of a channel that owns a sender, from [`Sender::reserve_owned`].
///
/// asyncio: no counterpart.
#[must_use = "a permit that is dropped gives its slot back"]
pub struct OwnedPermit<T> {
    /// `None` once the slot was used or given back.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    /// Of a slot that is reserved.
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self { sender: Some(sender) }
    }

    /// Sends a value and gives the sender back. If all receivers have been dropped, the value is dropped.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::mpsc::channel(1);
    /// let sender = sender.try_reserve_owned().unwrap().send(1);
    /// assert_eq!((receiver.try_recv(), sender.capacity()), (Ok(1), 1));
    /// ```
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        sender.channel.send_reserved(value);
        sender
    }

    /// Gives the slot back, and the sender.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel(1);
    /// let sender = sender.try_reserve_owned().unwrap().release();
    /// assert_eq!(sender.try_send(1), Ok(()));
    /// ```
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        sender.channel.release(1);
        sender
    }

    /// Returns whether both belong to the same channel.
    ///
    /// asyncio: `is`.
    ///
    /// # Examples
    /// ```
    /// let (sender, _receiver) = bowerbird::sync::mpsc::channel::<u8>(1);
    /// let permit = sender.clone().try_reserve_owned().unwrap();
    /// assert!(permit.same_channel_as_sender(&sender));
    /// ```
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender.as_ref().is_some_and(|own| own.same_channel(sender))
    }

    fn take(&mut self) -> Sender<T> {
        self.sender.take().unwrap_or_else(|| unreachable!("a permit is used once"))
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.channel.release(1);
        }
    }
}

/// Slots of a channel, from [`Sender::reserve_many`]: an iterator of [`Permit`]s.
///
/// Those that were not taken out are given back when it is dropped.
///
/// asyncio: no counterpart.
#[must_use = "permits that are dropped give their slots back"]
pub struct PermitIterator<'a, T> {
    channel: &'a Channel<T>,
    left: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    /// Of slots that are reserved.
    pub(super) fn new(channel: &'a Channel<T>, left: usize) -> Self {
        Self { channel, left }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.channel))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}
impl<T> std::iter::FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            self.channel.release(self.left);
        }
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").field("channel", &self.channel).finish()
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").field("sender", &self.sender).finish()
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("left", &self.left).finish_non_exhaustive()
    }
}
