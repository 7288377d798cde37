//! The side that looks at the value.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Arc;
use futures_core::Stream;

use super::shared::{STEP, Shared};
use super::{RecvError, Ref, is_same};
use crate::crowd::Place;
use crate::leaf::Leaf;

/// The side that looks at the value, and waits for it to change.
///
/// Each receiver knows which version it has seen; a clone knows the same.
///
/// asyncio: no counterpart. tokio: `watch::Receiver`.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
    /// The version it has seen.
    seen: usize,
}

impl<T> Receiver<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, seen: usize) -> Self {
        shared.add_receiver();
        Self { shared, seen }
    }

    /// Looks at the value, which does not count as seen thereby.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::borrow`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow(), 2);
    /// assert!(receiver.has_changed().unwrap());
    /// ```
    pub fn borrow(&self) -> Ref<'_, T> {
        self.shared.borrow(Some(self.seen)).0
    }

    /// Looks at the value, which counts as seen.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::borrow_and_update`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// assert_eq!(*receiver.borrow_and_update(), 2);
    /// assert!(!receiver.has_changed().unwrap());
    /// ```
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let (value, version) = self.shared.borrow(Some(self.seen));
        self.seen = version;
        value
    }

    /// Returns whether there is a value that this receiver has not seen.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::has_changed`.
    ///
    /// # Errors
    /// [`RecvError`], if all senders are gone, also if the last value was not seen.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(1);
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.has_changed(), Ok(true));
    /// drop(sender);
    /// assert!(receiver.has_changed().is_err());
    /// ```
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let now = self.shared.look();
        if now.is_closed() { Err(RecvError(())) } else { Ok(now.version() != self.seen) }
    }

    /// Lets the value of now count as not seen.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::mark_changed`.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (_sender, mut receiver) = bowerbird::sync::watch::channel(1);
    ///     receiver.mark_changed();
    ///     receiver.changed().await.unwrap(); // at once
    /// });
    /// ```
    pub fn mark_changed(&mut self) {
        self.seen = self.shared.look().version().wrapping_sub(STEP);
    }

    /// Lets the value of now count as seen.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::mark_unchanged`.
    ///
    /// # Examples
    /// ```
    /// let (sender, mut receiver) = bowerbird::sync::watch::channel(1);
    /// sender.send(2).unwrap();
    /// receiver.mark_unchanged();
    /// assert_eq!(receiver.has_changed(), Ok(false));
    /// ```
    pub fn mark_unchanged(&mut self) {
        self.seen = self.shared.look().version();
    }

    /// Waits for a value that this receiver has not seen, and counts it as seen.
    ///
    /// asyncio: `Condition.wait`. tokio: `watch::Receiver::changed`.
    ///
    /// # Cancel safety
    /// Nothing is lost: a value counts as seen when a poll says so.
    ///
    /// # Errors
    /// [`RecvError`], if all senders are gone and the last value was seen.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::watch::channel(1);
    ///     let (changed, sent) = bowerbird::join((receiver.changed(), async { sender.send(2) })).await;
    ///     assert!(changed.is_ok() && sent.is_ok());
    ///     assert_eq!(*receiver.borrow(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn changed(&mut self) -> Changed<'_, T> {
        Changed { receiver: self, place: None, leaf: Leaf::of("watch::Receiver::changed") }
    }

    /// Waits until `predicate` holds for the value, beginning with the one of now. It is seen then.
    ///
    /// The closure runs while the value is locked for senders: it must be short. Values that are replaced at once may
    /// pass unseen.
    ///
    /// asyncio: `Condition.wait_for`. tokio: `watch::Receiver::wait_for`.
    ///
    /// # Cancel safety
    /// Nothing is lost; what the closure has refused counts as seen.
    ///
    /// # Errors
    /// [`RecvError`], if all senders are gone and the closure refuses the last value.
    ///
    /// # Panics
    /// With the panic of the closure. When polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let (sender, mut receiver) = bowerbird::sync::watch::channel(1);
    ///     sender.send(5).unwrap();
    ///     assert_eq!(*receiver.wait_for(|value| *value > 3).await.unwrap(), 5);
    ///     drop(sender);
    ///     assert!(receiver.wait_for(|value| *value > 9).await.is_err());
    /// });
    /// ```
    #[track_caller]
    pub fn wait_for<F: FnMut(&T) -> bool>(&mut self, predicate: F) -> WaitFor<'_, T, F> {
        let Self { shared, seen } = self;
        let looked = Looked::NotYet;
        WaitFor { shared, seen, predicate, looked, place: None, leaf: Leaf::new() }
    }

    /// Returns whether the two look at the same value.
    ///
    /// asyncio: `is`. tokio: `watch::Receiver::same_channel`.
    ///
    /// # Examples
    /// ```
    /// let (_sender, receiver) = bowerbird::sync::watch::channel(1);
    /// assert!(receiver.same_channel(&receiver.clone()));
    /// ```
    pub fn same_channel(&self, other: &Self) -> bool {
        is_same(&self.shared, &other.shared)
    }

    /// Returns whether all senders are gone.
    ///
    /// asyncio: no counterpart. tokio: `watch::Receiver::is_closed`.
    ///
    /// # Examples
    /// ```
    /// let (sender, receiver) = bowerbird::sync::watch::channel(1);
    /// drop(sender);
    /// assert!(receiver.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.shared.look().is_closed()
    }
}

impl<T: Clone> Receiver<T> {
    /// Makes a stream of the value of now and of each one that it finds changed; it ends when all senders are gone.
    ///
    /// Values are cloned while they are locked for senders.
    ///
    /// asyncio: no counterpart. tokio: `WatchStream::new` of tokio-stream.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{stream::StreamExt, sync::watch};
    /// bowerbird::run(async {
    ///     let (sender, receiver) = watch::channel(1);
    ///     let mut values = receiver.into_stream();
    ///     assert_eq!(values.next().await, Some(1));
    ///     sender.send(2).unwrap();
    ///     sender.send(3).unwrap();
    ///     drop(sender);
    ///     assert_eq!((values.next().await, values.next().await), (Some(3), None));
    /// });
    /// ```
    #[track_caller]
    pub fn into_stream(mut self) -> WatchStream<T> {
        self.mark_changed();
        self.into_changes()
    }

    /// Makes a stream of each value that it finds changed, without the one of now if that was seen.
    ///
    /// asyncio: no counterpart. tokio: `WatchStream::from_changes` of tokio-stream.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{stream::StreamExt, sync::watch};
    /// bowerbird::run(async {
    ///     let (sender, receiver) = watch::channel(1);
    ///     let mut changes = receiver.into_changes();
    ///     sender.send(2).unwrap();
    ///     assert_eq!(changes.next().await, Some(2));
    /// });
    /// ```
    #[track_caller]
    pub fn into_changes(self) -> WatchStream<T> {
        WatchStream { receiver: self, place: None, leaf: Leaf::new() }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone(), self.seen)
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.shared.drop_receiver();
    }
}

/// Waits for a value that was not seen, see [`Receiver::changed`].
#[must_use = "futures do nothing unless awaited"]
pub struct Changed<'a, T> {
    receiver: &'a mut Receiver<T>,
    place: Option<Place>,
    leaf: Leaf,
}

impl<T> Future for Changed<'_, T> {
    type Output = Result<(), RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { receiver, place, leaf } = &mut *self;
        let Receiver { shared, seen } = &mut **receiver;
        let shared = &**shared;
        leaf.poll(cx, "watch.changed", shared, |cx| shared.poll_changed(seen, place, cx))
    }
}

impl<T> Drop for Changed<'_, T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_changed(&mut self.place);
    }
}

impl<T> CancelSafe for Changed<'_, T> {}

/// How far a [`WaitFor`] is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    NotYet,
    /// The value of the version that was seen is not the one.
    Refused,
    Done,
}

/// Waits until a predicate holds, see [`Receiver::wait_for`].
#[must_use = "futures do nothing unless awaited"]
pub struct WaitFor<'a, T, F> {
    shared: &'a Arc<Shared<T>>,
    seen: &'a mut usize,
    predicate: F,
    looked: Looked,
    place: Option<Place>,
    leaf: Leaf,
}

// Nothing in it is pinned: the closure is only called.
impl<T, F> Unpin for WaitFor<'_, T, F> {}

impl<'a, T, F: FnMut(&T) -> bool> Future for WaitFor<'a, T, F> {
    type Output = Result<Ref<'a, T>, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { shared, seen, predicate, looked, place, leaf } = &mut *self;
        let shared: &'a Shared<T> = shared;
        assert!(
            *looked != Looked::Done,
            "the wait_for() of a watch::Receiver made at {} was polled again after it was ready: make a new one",
            leaf.location()
        );
        let found = ready!(leaf.poll(cx, "watch.wait_for", shared, |cx| {
            let mut before = **seen;
            loop {
                if *looked == Looked::Refused {
                    before = **seen;
                    ready!(shared.poll_changed(seen, place, cx))?;
                }
                let (mut value, version) = shared.borrow(None);
                **seen = version;
                if predicate(&value) {
                    value.has_changed = version != before;
                    return Poll::Ready(Ok(value));
                }
                *looked = Looked::Refused;
            }
        }));
        *looked = Looked::Done;
        Poll::Ready(found)
    }
}

impl<T, F> Drop for WaitFor<'_, T, F> {
    fn drop(&mut self) {
        self.shared.leave_changed(&mut self.place);
    }
}

impl<T, F> CancelSafe for WaitFor<'_, T, F> {}

/// The values of a channel as a stream, see [`Receiver::into_stream`].
///
/// asyncio: no counterpart. tokio: `WatchStream` of tokio-stream.
#[must_use = "streams do nothing unless polled"]
pub struct WatchStream<T> {
    receiver: Receiver<T>,
    place: Option<Place>,
    leaf: Leaf,
}

impl<T: Clone> Stream for WatchStream<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { receiver, place, leaf } = &mut *self;
        let Receiver { shared, seen } = receiver;
        let shared = &**shared;
        let look = |cx: &mut Context<'_>| shared.poll_changed(seen, place, cx);
        let has_changed = ready!(leaf.poll(cx, "watch.changed", shared, look)).is_ok();
        // The next value is a wait of its own.
        leaf.begin_again();
        Poll::Ready(has_changed.then(|| receiver.borrow_and_update().clone()))
    }
}

impl<T> Drop for WatchStream<T> {
    fn drop(&mut self) {
        self.receiver.shared.leave_changed(&mut self.place);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the value, which somebody may have locked.
        f.debug_struct("Receiver").field("has_changed", &self.has_changed()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Changed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Changed").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}

impl<T, F> fmt::Debug for WaitFor<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for WatchStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchStream").field("receiver", &self.receiver).finish_non_exhaustive()
    }
}
