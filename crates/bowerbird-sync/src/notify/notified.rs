//! The waits for a notification.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use super::Notify;
use super::signal::SignalWait;
use crate::leaf::Leaf;

/// Waits for a notification, see [`Notify::notified`].
///
/// Ready again when it is polled after its end, as Tokio's is.
#[must_use = "futures do nothing unless awaited"]
pub struct Notified<'a> {
    notify: &'a Notify,
    wait: SignalWait,
    leaf: Leaf,
}

impl<'a> Notified<'a> {
    #[track_caller]
    pub(super) fn new(notify: &'a Notify) -> Self {
        Self { notify, wait: notify.signal.wait(), leaf: Leaf::new() }
    }

    /// Puts the wait into the list without polling it; returns whether it is over already.
    ///
    /// asyncio: none. For who looks at the state that others change, and then waits: a wait that is in the list
    /// before the look gets every notification that comes after it. A wait that was polled keeps its waker.
    /// Tokio's takes `Pin<&mut Self>`; such a pin can be used here as well.
    ///
    /// # Examples
    /// Several readers of one list. A reader that looked before its wait was in the list could find nothing, two
    /// letters come, of which one notification is stored, and another reader take it:
    /// ```
    /// use bowerbird::sync::Notify;
    /// use std::sync::Mutex;
    ///
    /// async fn read(letters: &Mutex<Vec<u32>>, came: &Notify) -> u32 {
    ///     loop {
    ///         let mut notified = came.notified();
    ///         notified.enable();
    ///         if let Some(letter) = letters.lock().unwrap().pop() {
    ///             return letter;
    ///         }
    ///         notified.await;
    ///     }
    /// }
    ///
    /// bowerbird::run(async {
    ///     let (letters, came) = (Mutex::new(vec![]), Notify::new());
    ///     let write = async {
    ///         for letter in [3, 4] {
    ///             letters.lock().unwrap().push(letter);
    ///             came.notify_one();
    ///         }
    ///     };
    ///     let read = || read(&letters, &came);
    ///     let (one, other, ()) = bowerbird::join((read(), read(), write)).await;
    ///     assert_eq!(one + other, 7);
    /// });
    /// ```
    pub fn enable(&mut self) -> bool {
        self.notify.signal.enable(&mut self.wait)
    }
}

impl Future for Notified<'_> {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { notify, wait, leaf } = &mut *self;
        poll_at(notify, wait, leaf, cx)
    }
}

impl Drop for Notified<'_> {
    #[inline]
    fn drop(&mut self) {
        self.notify.signal.leave(&mut self.wait);
    }
}

impl CancelSafe for Notified<'_> {}

/// One poll of either wait. What has come is seen in a few instructions.
#[inline]
fn poll_at(
    notify: &Notify,
    wait: &mut SignalWait,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
) -> Poll<()> {
    if leaf.may_go_at_once() && notify.signal.is_over_at_once(wait) {
        leaf.went_at_once();
        return Poll::Ready(());
    }
    poll_slowly(notify, wait, leaf, cx)
}

#[cold]
fn poll_slowly(
    notify: &Notify,
    wait: &mut SignalWait,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
) -> Poll<()> {
    leaf.poll(cx, "notify", notify, |cx| notify.signal.poll(wait, cx.waker()))
}

impl fmt::Debug for Notified<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notified").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}

/// Waits for a notification and borrows nothing, see [`Notify::notified_owned`].
///
/// Ready again when it is polled after its end, as Tokio's is.
#[must_use = "futures do nothing unless awaited"]
pub struct OwnedNotified {
    notify: Arc<Notify>,
    wait: SignalWait,
    leaf: Leaf,
}

impl OwnedNotified {
    #[track_caller]
    pub(super) fn new(notify: Arc<Notify>) -> Self {
        Self { wait: notify.signal.wait(), leaf: Leaf::new(), notify }
    }

    /// Puts the wait into the list without polling it; returns whether it is over already.
    ///
    /// asyncio: none. As [`Notified::enable`].
    ///
    /// # Examples
    /// ```
    /// let notify = std::sync::Arc::new(bowerbird::sync::Notify::new());
    /// let mut notified = notify.clone().notified_owned();
    /// assert!(!notified.enable());
    /// notify.notify_one();
    /// assert!(notified.enable());
    /// ```
    pub fn enable(&mut self) -> bool {
        self.notify.signal.enable(&mut self.wait)
    }
}

impl Future for OwnedNotified {
    type Output = ();

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { notify, wait, leaf } = &mut *self;
        poll_at(notify, wait, leaf, cx)
    }
}

impl Drop for OwnedNotified {
    #[inline]
    fn drop(&mut self) {
        self.notify.signal.leave(&mut self.wait);
    }
}

impl CancelSafe for OwnedNotified {}

impl fmt::Debug for OwnedNotified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedNotified")
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}
