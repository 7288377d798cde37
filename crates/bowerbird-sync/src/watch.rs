//! A channel that keeps one value: the last one.
//!
//! Receivers look at the value whenever they like, and wait for it to change; what was sent in between they do not
//! see. So it is for what has a current state: settings, the phase of a program, the last price.
//!
//! The value stands behind a lock for readers and writers, and a [`Ref`] is the reader's side of it. Keep it short: as
//! long as one is alive, senders block their thread. It is not `Send`, so the compiler keeps it out of the awaits of
//! a spawned task. Do not take a second one, nor send, in a thread that holds one: that can block for ever.
//!
//! asyncio: no counterpart; there one writes a variable and an `asyncio.Condition`. tokio: `tokio::sync::watch`, with
//! the same names.
//!
//! # Examples
//! ```
//! use bowerbird::sync::watch;
//! bowerbird::run(async {
//!     let (sender, mut receiver) = watch::channel(1);
//!     let follow = async {
//!         let mut last = 0;
//!         while receiver.changed().await.is_ok() {
//!             last = *receiver.borrow();
//!         }
//!         last // the sender is gone
//!     };
//!     let change = async move {
//!         for number in 2..=9 {
//!             sender.send(number).unwrap();
//!         }
//!     };
//!     assert_eq!(bowerbird::join((follow, change)).await.0, 9);
//! });
//! ```

use std::error::Error;
use std::fmt;
use std::ops::Deref;

use bowerbird_base::sync::{Arc, RwLockReadGuard};

mod receiver;
mod sender;
mod shared;

pub use receiver::{Changed, Receiver, WaitFor, WatchStream};
pub use sender::{Closed, Sender};

use shared::Shared;

/// Makes a channel with a first value, which the receiver has seen.
///
/// asyncio: no counterpart. tokio: `watch::channel`.
///
/// # Examples
/// ```
/// let (sender, receiver) = bowerbird::sync::watch::channel(1);
/// sender.send(2).unwrap();
/// assert_eq!(*receiver.borrow(), 2);
/// ```
pub fn channel<T>(value: T) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::new(value);
    let receiver = sender.subscribe();
    (sender, receiver)
}

/// A look at the value, see [`Receiver::borrow`]. While one is alive, senders block their thread.
///
/// asyncio: no counterpart. tokio: `watch::Ref`.
#[must_use = "a look that is not used"]
pub struct Ref<'a, T> {
    guard: RwLockReadGuard<'a, T>,
    has_changed: bool,
}

impl<T> Ref<'_, T> {
    /// Returns whether the receiver had not seen this value. Of a sender's look it is `false`.
    ///
    /// asyncio: no counterpart. tokio: `watch::Ref::has_changed`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert!(receiver.borrow_and_update().has_changed());
    /// assert!(!receiver.borrow_and_update().has_changed());
    /// ```
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// There is no receiver; the value comes back, and was not stored.
///
/// asyncio: no counterpart. tokio: `watch::error::SendError`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// All senders are gone. The last value can still be looked at.
///
/// asyncio: no counterpart. tokio: `watch::error::RecvError`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecvError(());

// Without the value, which need not be `Debug`.
impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watch channel has no receiver")
    }
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the watch channel has no sender any more")
    }
}

impl<T> Error for SendError<T> {}
impl Error for RecvError {}

/// Who is at a watch channel, see [`Sender::statistics`].
///
/// asyncio: no counterpart. trio: `MemoryChannelStatistics`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchStatistics {
    /// How many senders there are.
    pub senders: usize,
    /// How many receivers there are.
    pub receivers: usize,
    /// How many of them wait for a change and have not been woken.
    pub waiting: usize,
}

fn is_same<T>(one: &Arc<Shared<T>>, other: &Arc<Shared<T>>) -> bool {
    Arc::ptr_eq(one, other)
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
