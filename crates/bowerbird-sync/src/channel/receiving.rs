//! What waits on the receiving side: for values.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Arc;

use super::buffer::Buffer;
use super::errors::{RecvError, TryRecvError};
use super::{Channel, ChannelStatistics, Step};
use crate::leaf::Leaf;
use crate::wait_list::Key;

/// A counted receiver of a channel: what the receivers of both kinds own.
pub(crate) struct Half<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Half<T> {
    /// The receiver that the channel was made with.
    pub(super) fn new(channel: Arc<Channel<T>>) -> Self {
        Self { channel }
    }

    #[track_caller]
    pub(crate) fn recv(&self, key: Option<Key>) -> RecvWait<'_, T> {
        RecvWait { channel: &self.channel, key, leaf: Leaf::of("Receiver::recv") }
    }

    #[track_caller]
    pub(crate) fn recv_many<'a>(
        &'a self,
        key: Option<Key>,
        values: &'a mut Vec<T>,
        limit: usize,
    ) -> RecvManyWait<'a, T> {
        let leaf = Leaf::of("Receiver::recv_many");
        RecvManyWait { channel: &self.channel, values, limit, key, leaf }
    }

    /// Takes a value if one is there. `key` is that of a wait which was begun before.
    pub(crate) fn try_recv(&self, key: &mut Option<Key>) -> Result<T, TryRecvError> {
        self.channel.try_take(key, |state, called| state.try_recv(called))
    }

    pub(crate) fn close(&self) {
        self.channel.close();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.channel.look(|state| state.is_closed)
    }

    pub(crate) fn len(&self) -> usize {
        self.channel.look(|state| state.buffer.len())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.channel.look(|state| state.free())
    }

    pub(crate) fn max_capacity(&self) -> usize {
        self.channel.look(|state| state.capacity)
    }

    pub(crate) fn statistics(&self) -> ChannelStatistics {
        self.channel.statistics()
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.channel, &other.channel)
    }
}

impl<T> Clone for Half<T> {
    fn clone(&self) -> Self {
        self.channel.step(|state, _| state.receiver_count += 1);
        Self { channel: self.channel.clone() }
    }
}

impl<T> Drop for Half<T> {
    fn drop(&mut self) {
        // Dropped after the senders have been woken: a value's destructor is the user's.
        let _values = self.channel.step(|state, called| {
            state.receiver_count -= 1;
            if state.receiver_count > 0 {
                return Buffer::new();
            }
            state.close(called);
            std::mem::take(&mut state.buffer)
        });
    }
}

impl<T> fmt::Debug for Half<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.channel.fmt(f)
    }
}

/// A receiver that keeps its wait from one poll to the next, as streams do.
pub(crate) struct Receiving<T> {
    half: Half<T>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<T> Receiving<T> {
    #[track_caller]
    pub(crate) fn new(half: Half<T>) -> Self {
        Self { half, key: None, leaf: Leaf::new() }
    }

    pub(crate) fn half(&self) -> &Half<T> {
        &self.half
    }

    /// The half, and the wait that was begun.
    pub(crate) fn parts(&mut self) -> (&Half<T>, &mut Option<Key>) {
        (&self.half, &mut self.key)
    }

    #[inline]
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        let Self { half, key, leaf } = self;
        let channel = &*half.channel;
        let poll = leaf.poll(cx, "channel.recv", channel, |cx| {
            channel.poll_take(key, cx, None, |state, called| state.try_recv(called))
        });
        if poll.is_ready() {
            leaf.begin_again();
        }
        poll
    }

    pub(crate) fn poll_recv_many(
        &mut self,
        cx: &mut Context<'_>,
        values: &mut Vec<T>,
        limit: usize,
    ) -> Poll<usize> {
        let Self { half, key, leaf } = self;
        let poll = poll_many(&half.channel, key, leaf, cx, values, limit);
        if poll.is_ready() {
            leaf.begin_again();
        }
        poll
    }

    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        self.half.channel.look(|state| {
            let left = state.buffer.len();
            // Of what is buffered, others may be promised some.
            (0, (state.is_closed && state.reserved == 0).then_some(left))
        })
    }

    pub(crate) fn into_half(mut self) -> Half<T> {
        self.leave();
        self.half.clone()
    }

    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.half.channel.leave_value(key);
        }
    }
}

impl<T> Drop for Receiving<T> {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Receives a value, see `recv` of [`mpsc`](crate::mpsc::Receiver::recv) and
/// [`mpmc`](crate::mpmc::Receiver::recv).
#[must_use = "futures do nothing unless awaited"]
pub struct RecvWait<'a, T> {
    channel: &'a Channel<T>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<T> Future for RecvWait<'_, T> {
    type Output = Result<T, RecvError>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut first = None;
        if self.leaf.may_go_at_once() && self.key.is_none() {
            match self.channel.pop_at_once() {
                Ok(value) => {
                    self.leaf.went_at_once();
                    return Poll::Ready(Ok(value));
                }
                Err(state) => first = Some(state),
            }
        }
        self.poll_slowly(cx, first)
    }
}

impl<'a, T> RecvWait<'a, T> {
    #[cold]
    #[inline(never)]
    fn poll_slowly(
        &mut self,
        cx: &mut Context<'_>,
        first: Option<Step<'a, T>>,
    ) -> Poll<Result<T, RecvError>> {
        let Self { channel, key, leaf } = self;
        let channel = *channel;
        leaf.poll(cx, "channel.recv", channel, |cx| {
            channel.poll_take(key, cx, first, |state, called| state.try_recv(called))
        })
    }
}

impl<T> Drop for RecvWait<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.channel.leave_value(key);
        }
    }
}

/// Receives several values at once, see `recv_many` of [`mpsc`](crate::mpsc::Receiver::recv_many) and
/// [`mpmc`](crate::mpmc::Receiver::recv_many).
#[must_use = "futures do nothing unless awaited"]
pub struct RecvManyWait<'a, T> {
    channel: &'a Channel<T>,
    values: &'a mut Vec<T>,
    limit: usize,
    key: Option<Key>,
    leaf: Leaf,
}

impl<T> Future for RecvManyWait<'_, T> {
    type Output = usize;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
        let Self { channel, values, limit, key, leaf } = &mut *self;
        poll_many(channel, key, leaf, cx, values, *limit)
    }
}

/// One poll for up to `limit` values; 0 at the end.
fn poll_many<T>(
    channel: &Channel<T>,
    key: &mut Option<Key>,
    leaf: &mut Leaf,
    cx: &mut Context<'_>,
    values: &mut Vec<T>,
    limit: usize,
) -> Poll<usize> {
    leaf.poll(cx, "channel.recv", channel, |cx| {
        if limit == 0 {
            return Poll::Ready(0);
        }
        channel
            .poll_take(key, cx, None, |state, called| state.try_recv_many(values, limit, called))
            .map(|taken| taken.unwrap_or(0))
    })
}

impl<T> Drop for RecvManyWait<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.channel.leave_value(key);
        }
    }
}

impl<T> CancelSafe for RecvWait<'_, T> {}
impl<T> CancelSafe for RecvManyWait<'_, T> {}

impl<T> fmt::Debug for RecvWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvWait").field("location", &self.leaf.location()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for RecvManyWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvManyWait")
            .field("limit", &self.limit)
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
    }
}
