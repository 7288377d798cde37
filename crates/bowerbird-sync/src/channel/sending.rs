//! What waits on the sending side: for slots, and for the close.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_base::sync::Arc;

use super::errors::SendError;
use super::state::{Closed, State};
use super::{Channel, OwnedPermit, Permit, PermitIterator, Sender, Step};
use crate::leaf::Leaf;
use crate::wait_list::{Called, Key};

/// A wait for slots. `C` borrows or owns the channel.
struct Slots<T, C: Deref<Target = Channel<T>>> {
    channel: C,
    count: usize,
    key: Option<Key>,
    leaf: Leaf,
}

impl<T, C: Deref<Target = Channel<T>>> Slots<T, C> {
    #[track_caller]
    fn new(channel: C, count: usize, call: &'static str) -> Self {
        Self { channel, count, key: None, leaf: Leaf::of(call) }
    }

    /// Polls for the slots, and uses them in the step that gets them.
    #[inline]
    fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        kind: &'static str,
        use_them: impl FnMut(&mut State<T>, &mut Called) -> R,
    ) -> Poll<Result<R, Closed>> {
        let Self { channel, count, key, leaf } = self;
        let channel = &**channel;
        leaf.poll(cx, kind, channel, |cx| channel.poll_slots(key, *count, cx, None, use_them))
    }
}

impl<T, C: Deref<Target = Channel<T>>> Drop for Slots<T, C> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.channel.leave_slots(key);
        }
    }
}

#[cold]
#[track_caller]
fn polled_again(what: &str, leaf: &Leaf) -> ! {
    panic!(
        "the {what} made at {} was polled again after it was ready: await it once",
        leaf.location()
    );
}

// ---------------------------------------------------------------------------------------------------
// One value
// ---------------------------------------------------------------------------------------------------

/// Sends a value when there is a slot, see [`Sender::send`].
#[must_use = "futures do nothing unless awaited"]
pub struct SendWait<'a, T> {
    slots: Slots<T, &'a Channel<T>>,
    /// `None` after it was ready.
    value: Option<T>,
}

impl<'a, T> SendWait<'a, T> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T>, value: T) -> Self {
        Self { slots: Slots::new(channel, 1, "Sender::send"), value: Some(value) }
    }

    /// Gives up the send and returns the value; `None` if the send was ready before.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (sender, _receiver) = bowerbird::sync::mpsc::channel(1);
    ///     sender.send(1).await.unwrap();
    ///     let mut send = sender.send(2);
    ///     assert!(bowerbird::timeout(Duration::from_millis(1), &mut send).await.is_err());
    ///     assert_eq!(send.into_value(), Some(2));
    /// });
    /// ```
    pub fn into_value(mut self) -> Option<T> {
        self.slots.leaf.polled();
        self.value.take()
    }
}

// Nothing in it is pinned: the value is only carried.
impl<T> Unpin for SendWait<'_, T> {}

impl<T> Future for SendWait<'_, T> {
    type Output = Result<(), SendError<T>>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { slots, value } = &mut *self;
        let mut first = None;
        if slots.leaf.may_go_at_once() && value.is_some() {
            first = slots.channel.push_at_once(value);
            if first.is_none() {
                slots.leaf.went_at_once();
                return Poll::Ready(Ok(()));
            }
        }
        self.poll_slowly(cx, first)
    }
}

impl<'a, T> SendWait<'a, T> {
    #[cold]
    #[inline(never)]
    fn poll_slowly(
        &mut self,
        cx: &mut Context<'_>,
        first: Option<Step<'a, T>>,
    ) -> Poll<Result<(), SendError<T>>> {
        let Self { slots: Slots { channel, count, key, leaf }, value } = self;
        if value.is_none() {
            polled_again("send", leaf);
        }
        let channel = *channel;
        let sent = ready!(leaf.poll(cx, "channel.send", channel, |cx| {
            channel.poll_slots(key, *count, cx, first, |state, called| match value.take() {
                Some(value) => state.push(value, called),
                None => Ok(()),
            })
        }));
        let refused = match sent {
            Ok(Ok(())) => None,
            Ok(Err(value)) => Some(value),
            Err(Closed) => value.take(),
        };
        Poll::Ready(refused.map_or(Ok(()), |value| Err(SendError(value))))
    }
}

// ---------------------------------------------------------------------------------------------------
// Many values
// ---------------------------------------------------------------------------------------------------

/// How many values are taken from an iterator at a time, outside the lock.
const BATCH: usize = 32;

/// The values that [`Sender::send_many`] has not sent.
pub struct Unsent<T, I> {
    /// Taken from the iterator already.
    taken: VecDeque<T>,
    rest: I,
}

impl<T, I: Iterator<Item = T>> Iterator for Unsent<T, I> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.taken.pop_front().or_else(|| self.rest.next())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let (least, most) = self.rest.size_hint();
        let taken = self.taken.len();
        (least.saturating_add(taken), most.and_then(|most| most.checked_add(taken)))
    }
}

/// Sends the values of an iterator, see [`Sender::send_many`].
#[must_use = "futures do nothing unless awaited"]
pub struct SendManyWait<'a, T, I> {
    slots: Slots<T, &'a Channel<T>>,
    /// `None` after it was ready.
    unsent: Option<Unsent<T, I>>,
}

impl<'a, T, I> SendManyWait<'a, T, I> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T>, rest: I) -> Self {
        let unsent = Unsent { taken: VecDeque::new(), rest };
        Self { slots: Slots::new(channel, 1, "Sender::send_many"), unsent: Some(unsent) }
    }

    /// Gives up the send and returns what was not sent; `None` if the send was ready before.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (sender, _receiver) = bowerbird::sync::mpsc::channel(2);
    ///     let mut send = sender.send_many(1..=5);
    ///     assert!(bowerbird::timeout(Duration::from_millis(1), &mut send).await.is_err());
    ///     assert!(send.into_unsent().unwrap().eq(3..=5));
    /// });
    /// ```
    pub fn into_unsent(mut self) -> Option<Unsent<T, I>> {
        self.slots.leaf.polled();
        self.unsent.take()
    }
}

// Nothing in it is pinned: the values are only carried.
impl<T, I> Unpin for SendManyWait<'_, T, I> {}

impl<T, I: Iterator<Item = T>> Future for SendManyWait<'_, T, I> {
    type Output = Result<(), SendError<Unsent<T, I>>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { slots, unsent: place } = &mut *self;
        let Some(unsent) = place else { polled_again("send_many", &slots.leaf) };
        loop {
            if unsent.taken.is_empty() {
                unsent.taken.extend(unsent.rest.by_ref().take(BATCH));
            }
            if unsent.taken.is_empty() {
                *place = None;
                return Poll::Ready(Ok(()));
            }
            let sent = ready!(slots.poll(cx, "channel.send", |state, called| {
                push_all(state, &mut unsent.taken, called)
            }));
            if !matches!(sent, Ok(Ok(()))) {
                return Poll::Ready(place.take().map_or(Ok(()), |unsent| Err(SendError(unsent))));
            }
            // A wait that begins now is a new one.
            slots.leaf.begin_again();
            if !poll_context::has_budget() {
                poll_context::yield_now(cx);
                return Poll::Pending;
            }
        }
    }
}

/// Sends into the slot that is reserved, and on as long as slots are free.
fn push_all<T>(
    state: &mut State<T>,
    values: &mut VecDeque<T>,
    called: &mut Called,
) -> Result<(), Closed> {
    while let Some(value) = values.pop_front() {
        if let Err(value) = state.push(value, called) {
            values.push_front(value);
            return Err(Closed);
        }
        if values.is_empty() || state.try_reserve(1).is_err() {
            break;
        }
    }
    Ok(())
}

// ---------------------------------------------------------------------------------------------------
// Permits
// ---------------------------------------------------------------------------------------------------

/// Waits for a slot, see [`Sender::reserve`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReserveWait<'a, T>(Slots<T, &'a Channel<T>>);

impl<'a, T> ReserveWait<'a, T> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T>) -> Self {
        Self(Slots::new(channel, 1, "Sender::reserve"))
    }
}

impl<'a, T> Future for ReserveWait<'a, T> {
    type Output = Result<Permit<'a, T>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let channel = self.0.channel;
        let reserved = ready!(self.0.poll(cx, "channel.reserve", |_, _| ()));
        Poll::Ready(reserved.map(|()| Permit::new(channel)).map_err(|Closed| SendError(())))
    }
}

/// Waits for several slots at once, see [`Sender::reserve_many`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReserveManyWait<'a, T>(Slots<T, &'a Channel<T>>);

impl<'a, T> ReserveManyWait<'a, T> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T>, count: usize) -> Self {
        Self(Slots::new(channel, count, "Sender::reserve_many"))
    }
}

impl<'a, T> Future for ReserveManyWait<'a, T> {
    type Output = Result<PermitIterator<'a, T>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (channel, count) = (self.0.channel, self.0.count);
        let reserved = ready!(self.0.poll(cx, "channel.reserve", |_, _| ()));
        let permits = reserved.map(|()| PermitIterator::new(channel, count));
        Poll::Ready(permits.map_err(|Closed| SendError(())))
    }
}

/// Waits for a slot and owns a sender, see [`Sender::reserve_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct ReserveOwnedWait<T> {
    // Before the sender, so that the wait is over when the last sender goes.
    slots: Slots<T, Arc<Channel<T>>>,
    /// `None` after it was ready.
    sender: Option<Sender<T>>,
}

impl<T> ReserveOwnedWait<T> {
    #[track_caller]
    pub(super) fn new(sender: Sender<T>) -> Self {
        Self {
            slots: Slots::new(sender.channel.clone(), 1, "Sender::reserve_owned"),
            sender: Some(sender),
        }
    }
}

impl<T> Future for ReserveOwnedWait<T> {
    type Output = Result<OwnedPermit<T>, SendError<()>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { slots, sender } = &mut *self;
        if sender.is_none() {
            polled_again("reserve_owned", &slots.leaf);
        }
        let reserved = ready!(slots.poll(cx, "channel.reserve", |_, _| ()));
        let permit = reserved.ok().and_then(|()| sender.take()).map(OwnedPermit::new);
        Poll::Ready(permit.ok_or(SendError(())))
    }
}

impl<T> CancelSafe for ReserveWait<'_, T> {}
impl<T> CancelSafe for ReserveManyWait<'_, T> {}
impl<T> CancelSafe for ReserveOwnedWait<T> {}

// ---------------------------------------------------------------------------------------------------
// The close
// ---------------------------------------------------------------------------------------------------

/// Waits until a channel is closed, see [`Sender::closed`].
#[must_use = "futures do nothing unless awaited"]
pub struct ClosedWait<'a, T> {
    channel: &'a Channel<T>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<'a, T> ClosedWait<'a, T> {
    #[track_caller]
    pub(super) fn new(channel: &'a Channel<T>) -> Self {
        Self { channel, key: None, leaf: Leaf::of("Sender::closed") }
    }
}

impl<T> Future for ClosedWait<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { channel, key, leaf } = &mut *self;
        leaf.poll(cx, "channel.closed", *channel, |cx| channel.poll_closed(key, cx))
    }
}

impl<T> Drop for ClosedWait<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.channel.leave_closed(key);
        }
    }
}

impl<T> CancelSafe for ClosedWait<'_, T> {}

impl<T, C: Deref<Target = Channel<T>>> fmt::Debug for Slots<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slots")
            .field("count", &self.count)
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for SendWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendWait").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl<T, I> fmt::Debug for SendManyWait<'_, T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendManyWait").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl<T, I> fmt::Debug for Unsent<T, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unsent").field("taken", &self.taken.len()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ReserveWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReserveWait").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for ReserveManyWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ReserveManyWait").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for ReserveOwnedWait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReserveOwnedWait").field("slots", &self.slots).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for ClosedWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosedWait")
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}
