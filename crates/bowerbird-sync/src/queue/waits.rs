//! The futures of a queue.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use futures_core::Stream;

use super::order::{Fifo, Order};
use super::{ItemGuard, Locked, Queue, QueueShutDown};
use crate::leaf::Leaf;
use crate::wait_list::Key;

/// Waits for an item, see [`Queue::get`].
#[must_use = "futures do nothing unless awaited"]
pub struct Get<'a, T, O: Order<T> = Fifo> {
    queue: &'a Queue<T, O>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<'a, T, O: Order<T>> Get<'a, T, O> {
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T, O>, call: &'static str) -> Self {
        Self { queue, key: None, leaf: Leaf::of(call) }
    }
}

impl<T, O: Order<T>> Future for Get<'_, T, O> {
    type Output = Result<T, QueueShutDown>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut first = None;
        if self.leaf.may_go_at_once() && self.key.is_none() {
            match self.queue.get_at_once() {
                Ok(item) => {
                    self.leaf.went_at_once();
                    return Poll::Ready(Ok(item));
                }
                Err(state) => first = Some(state),
            }
        }
        self.poll_slowly(cx, first)
    }
}

impl<'a, T, O: Order<T>> Get<'a, T, O> {
    #[cold]
    #[inline(never)]
    fn poll_slowly(
        &mut self,
        cx: &mut Context<'_>,
        first: Option<Locked<'a, T, O>>,
    ) -> Poll<Result<T, QueueShutDown>> {
        let Self { queue, key, leaf } = self;
        leaf.poll(cx, "queue.get", *queue, |cx| queue.poll_get(key, cx, first))
    }
}

impl<T, O: Order<T>> Drop for Get<'_, T, O> {
    #[inline]
    fn drop(&mut self) {
        if self.key.is_some() {
            self.queue.leave_get(&mut self.key);
        }
    }
}

impl<T, O: Order<T>> CancelSafe for Get<'_, T, O> {}

/// Waits for a place and puts an item there, see [`Queue::put`].
///
/// Not `CancelSafe` by value: who drops it drops the item with it. `&mut put` is, and so is a put that got its
/// item back.
#[must_use = "futures do nothing unless awaited"]
pub struct Put<'a, T, O: Order<T> = Fifo> {
    queue: &'a Queue<T, O>,
    /// `None`: it has been put, or given back.
    item: Option<T>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<'a, T, O: Order<T>> Put<'a, T, O> {
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T, O>, item: T) -> Self {
        Self { queue, item: Some(item), key: None, leaf: Leaf::of("Queue::put") }
    }

    /// Gives the put up, and the item back; `None` if it has been put.
    ///
    /// asyncio: no counterpart; who puts still has the reference there.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{sync::Queue, timeout};
    /// use std::time::Duration;
    /// bowerbird::run(async {
    ///     let queue = Queue::new(1);
    ///     queue.put("first").await.unwrap();
    ///     let mut put = queue.put("second");
    ///     assert!(timeout(Duration::from_millis(5), &mut put).await.is_err());
    ///     assert_eq!(put.into_item(), Some("second"));
    ///     assert_eq!(queue.qsize(), 1);
    /// });
    /// ```
    pub fn into_item(mut self) -> Option<T> {
        self.leaf.polled();
        self.item.take()
    }
}

impl<T, O: Order<T>> Future for Put<'_, T, O> {
    type Output = Result<(), QueueShutDown<T>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { queue, item, key, leaf } = &mut *self;
        let mut first = None;
        if leaf.may_go_at_once() && key.is_none() && item.is_some() {
            match queue.put_at_once(item) {
                Ok(()) => {
                    leaf.went_at_once();
                    return Poll::Ready(Ok(()));
                }
                Err(state) => first = Some(state),
            }
        }
        self.poll_slowly(cx, first)
    }
}

impl<'a, T, O: Order<T>> Put<'a, T, O> {
    #[cold]
    #[inline(never)]
    fn poll_slowly(
        &mut self,
        cx: &mut Context<'_>,
        first: Option<Locked<'a, T, O>>,
    ) -> Poll<Result<(), QueueShutDown<T>>> {
        let Self { queue, item, key, leaf } = self;
        assert!(
            item.is_some(),
            "the put made at {} was polled again after it was ready: make a new one with Queue::put()",
            leaf.location()
        );
        leaf.poll(cx, "queue.put", *queue, |cx| queue.poll_put(key, item, cx, first))
    }
}

impl<T, O: Order<T>> Drop for Put<'_, T, O> {
    #[inline]
    fn drop(&mut self) {
        if self.key.is_some() {
            self.queue.leave_put(&mut self.key);
        }
    }
}

// Nothing in it is pinned: the item is only moved.
impl<T, O: Order<T>> Unpin for Put<'_, T, O> {}

/// Waits until all items are done, see [`Queue::join`].
#[must_use = "futures do nothing unless awaited"]
pub struct Join<'a, T, O: Order<T> = Fifo> {
    queue: &'a Queue<T, O>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<'a, T, O: Order<T>> Join<'a, T, O> {
    #[track_caller]
    pub(super) fn new(queue: &'a Queue<T, O>) -> Self {
        Self { queue, key: None, leaf: Leaf::of("Queue::join") }
    }
}

impl<T, O: Order<T>> Future for Join<'_, T, O> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { queue, key, leaf } = &mut *self;
        leaf.poll(cx, "queue.join", *queue, |cx| queue.poll_join(key, cx))
    }
}

impl<T, O: Order<T>> Drop for Join<'_, T, O> {
    fn drop(&mut self) {
        if self.key.is_some() {
            self.queue.leave_join(&mut self.key);
        }
    }
}

impl<T, O: Order<T>> CancelSafe for Join<'_, T, O> {}

/// Waits for an item under a guard, see [`Queue::get_guard`].
#[must_use = "futures do nothing unless awaited"]
pub struct GetGuard<'a, T, O: Order<T> = Fifo>(Get<'a, T, O>);

impl<'a, T, O: Order<T>> GetGuard<'a, T, O> {
    pub(super) fn new(get: Get<'a, T, O>) -> Self {
        Self(get)
    }
}

impl<'a, T, O: Order<T>> Future for GetGuard<'a, T, O> {
    type Output = Result<ItemGuard<'a, T, O>, QueueShutDown>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let item = ready!(Pin::new(&mut self.0).poll(cx))?;
        Poll::Ready(Ok(ItemGuard::new(self.0.queue, item)))
    }
}

impl<T, O: Order<T>> CancelSafe for GetGuard<'_, T, O> {}

/// The items of a queue as a stream, see [`Queue::stream`].
#[must_use = "streams do nothing unless polled"]
pub struct QueueStream<'a, T, O: Order<T> = Fifo>(Get<'a, T, O>);

impl<'a, T, O: Order<T>> QueueStream<'a, T, O> {
    pub(super) fn new(mut get: Get<'a, T, O>) -> Self {
        // A stream that nobody reads has lost nothing.
        get.leaf.polled();
        Self(get)
    }
}

impl<T, O: Order<T>> Stream for QueueStream<'_, T, O> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let item = ready!(Pin::new(&mut self.0).poll(cx));
        // The next item is a wait of its own.
        self.0.leaf.begin_again();
        Poll::Ready(item.ok())
    }
}

macro_rules! debug {
    ($($name:ident),*) => {$(
        impl<T, O: Order<T>> fmt::Debug for $name<'_, T, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("location", &self.leaf.location())
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug!(Get, Put, Join);

impl<T, O: Order<T>> fmt::Debug for GetGuard<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GetGuard").field(&self.0).finish()
    }
}

impl<T, O: Order<T>> fmt::Debug for QueueStream<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueStream").field(&self.0).finish()
    }
}
