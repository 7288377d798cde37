//! Telling tasks that something happened, without saying what.
//!
//! `notify/signal.rs` has the protocol.

use std::fmt;
use std::sync::Arc;

use bowerbird_base::const_fn;

use crate::block_on::block_on;

pub(crate) mod signal;
mod notified;

pub use notified::{Notified, OwnedNotified};

use signal::{End, Signal};

/// Wakes one task, or all, that wait for something to happen.
///
/// A notification carries no value: what happened stands elsewhere, and whoever is woken looks. Of notifications
/// that come while nobody waits **one** is stored: the next wait takes it and goes on at once. So a consumer that
/// looks, finds nothing and then waits misses nothing that a producer adds in between.
///
/// asyncio: none; an `Event` that one waiter clears, or a `Condition` without its lock. The words are Tokio's, and
/// so is the meaning, but that a [`Notified`] need not be pinned. Waits are served first come, first served.
///
/// # Examples
/// A list that one task empties:
/// ```
/// use bowerbird::sync::Notify;
/// use std::sync::{Arc, Mutex};
///
/// #[derive(Default)]
/// struct Inbox {
///     letters: Mutex<Vec<u32>>,
///     came: Notify,
/// }
///
/// bowerbird::run(async {
///     let inbox = Arc::new(Inbox::default());
///     let reader = bowerbird::spawn({
///         let inbox = inbox.clone();
///         async move {
///             loop {
///                 if let Some(letter) = inbox.letters.lock().unwrap().pop() {
///                     return letter;
///                 }
///                 inbox.came.notified().await;
///             }
///         }
///     });
///     inbox.letters.lock().unwrap().push(7);
///     inbox.came.notify_one();
///     assert_eq!(reader.await.unwrap(), 7);
/// });
/// ```
///
/// With several readers, each puts its wait into the list before it looks: [`Notified::enable`].
pub struct Notify {
    signal: Signal,
}

/// What a [`Notify`] was like at one moment, see [`Notify::statistics`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct NotifyStatistics {
    /// Whether a notification was stored.
    pub is_stored: bool,
    /// How many waited.
    pub tasks_waiting: usize,
}

impl Notify {
    const_fn! {
        /// Makes one that has no notification stored.
        ///
        /// asyncio: none. Tokio has `const_new` beside it.
        ///
        /// # Examples
        /// ```
        /// static CAME: bowerbird::sync::Notify = bowerbird::sync::Notify::new();
        /// CAME.notify_one();
        /// ```
        pub fn new() -> Self {
            Self { signal: Signal::new() }
        }
    }

    /// Wakes the wait that came first, or stores the notification for the next one.
    ///
    /// asyncio: none; `Condition.notify` stores nothing.
    ///
    /// One notification is stored at most. A wait that was woken and is dropped before it is polled hands the
    /// notification to the next wait.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let notify = bowerbird::sync::Notify::new();
    ///     notify.notify_one();
    ///     notify.notified().await;
    /// });
    /// ```
    #[inline]
    pub fn notify_one(&self) {
        self.signal.notify_one(End::First);
    }

    /// Wakes the wait that came last, or stores the notification for the next one.
    ///
    /// asyncio: none. For idle workers of which the last is the one whose memory is still in the cache.
    ///
    /// # Examples
    /// ```
    /// let notify = bowerbird::sync::Notify::new();
    /// let (mut first, mut last) = (notify.notified(), notify.notified());
    /// assert!(!first.enable() && !last.enable());
    /// notify.notify_last();
    /// assert!(!first.enable() && last.enable());
    /// ```
    #[inline]
    pub fn notify_last(&self) {
        self.signal.notify_one(End::Last);
    }

    /// Wakes all waits that were made before; later ones wait for the next notification.
    ///
    /// asyncio: `Event.set` and at once `clear`. Here a [`Notified`] that was made before is woken even if it has
    /// not been polled yet.
    ///
    /// Nothing is stored, and a stored notification stays.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let notify = bowerbird::sync::Notify::new();
    ///     let before = notify.notified();
    ///     notify.notify_waiters();
    ///     before.await;
    /// });
    /// ```
    pub fn notify_waiters(&self) {
        self.signal.notify_all();
    }

    /// Waits for a notification.
    ///
    /// asyncio: `Event.wait`, and the event cleared by who goes on. Ready at once, without a suspension, when one
    /// is stored.
    ///
    /// The wait counts for [`notify_waiters`](Self::notify_waiters) from the call on, for the others from its first
    /// poll or [`enable`](Notified::enable) on.
    ///
    /// # Cancel safety
    /// No notification is lost: a wait that is dropped hands its own to the next. Its place among the others is.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let notify = std::sync::Arc::new(bowerbird::sync::Notify::new());
    ///     let thread = std::thread::spawn({
    ///         let notify = notify.clone();
    ///         move || notify.notify_one()
    ///     });
    ///     notify.notified().await;
    ///     thread.join().unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn notified(&self) -> Notified<'_> {
        Notified::new(self)
    }

    /// Waits for a notification, with a future that borrows nothing.
    ///
    /// asyncio: as [`notified`](Self::notified).
    ///
    /// # Cancel safety
    /// As of [`notified`](Self::notified).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let notify = std::sync::Arc::new(bowerbird::sync::Notify::new());
    ///     let waiter = bowerbird::spawn(notify.clone().notified_owned());
    ///     notify.notify_one();
    ///     waiter.await.unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified::new(self)
    }

    /// Waits for a notification, from a thread that runs no task.
    ///
    /// asyncio: none.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let notify = bowerbird::sync::Notify::new();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| notify.blocking_notified());
    ///     notify.notify_one();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_notified(&self) {
        let fix = "await notify.notified() instead";
        block_on(self.notified(), "Notify::blocking_notified()", fix);
    }

    /// Tells how many wait, and whether a notification is stored.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let notify = bowerbird::sync::Notify::new();
    /// notify.notify_one();
    /// assert!(notify.statistics().is_stored);
    /// ```
    pub fn statistics(&self) -> NotifyStatistics {
        NotifyStatistics {
            is_stored: self.signal.is_stored(),
            tasks_waiting: self.signal.waiting(),
        }
    }
}

impl Default for Notify {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_stored = self.signal.is_stored();
        f.debug_struct("Notify").field("is_stored", &is_stored).finish_non_exhaustive()
    }
}

bowerbird_base::model_or_real! {
    {}
    {
        #[cfg(test)]
        mod tests;
    }
}
