//! What all channels are: many senders, receivers, and a buffer between them with a limit or without.
//!
//! [`mpsc`](crate::mpsc) and [`mpmc`](crate::mpmc) are the same channel; a receiver of the first is alone and
//! is borrowed mutably to receive. Senders are the same types in both.
//!
//! # Why a lock
//! All state stands under one lock ([`state`] has the steps), and every step is a few dozen instructions: a send
//! and a receive are one atomic read-modify-write each. A queue without a lock (Vyukov's bounded queue with a
//! sequence number a slot, as in crossbeam and async-channel; tokio's list of blocks) needs at least as many: one
//! for the slot, one or a fence to see whether somebody waits, one for the permit of a bounded channel. In
//! return the lock gives exact rules: order of arrival for both ends, hand-over without loss, an exact number of
//! buffered values.
//!
//! Wakers are woken, and values of the user's dropped, after the lock.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::task::{Context, Poll};

use bowerbird_base::sync::{Arc, SpinGuard, SpinLock};

use crate::wait_list::{Called, Key, WaitList};

mod buffer;
mod errors;
mod permit;
mod receiving;
mod sender;
mod sending;
mod state;
mod unbounded;
mod weak;

pub(crate) use buffer::Buffer;
pub use errors::{RecvError, SendError, TryRecvError, TrySendError};
pub use permit::{OwnedPermit, Permit, PermitIterator};
pub(crate) use receiving::{Half, Receiving};
pub use receiving::{RecvManyWait, RecvWait};
pub use sender::Sender;
pub use sending::{
    ClosedWait, ReserveManyWait, ReserveOwnedWait, ReserveWait, SendManyWait, SendWait, Unsent,
};
pub use unbounded::UnboundedSender;
pub use weak::{WeakSender, WeakUnboundedSender};

use state::{Closed, Refused, State, UNBOUNDED};

/// What a channel holds at the moment, from `statistics()` of its senders and receivers.
///
/// asyncio: `Queue.qsize`, `Queue.maxsize`; who waits is not told there. trio: `MemoryChannelStatistics`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChannelStatistics {
    /// The values in the buffer.
    pub buffered: usize,
    /// How many values the buffer takes; `None` without a limit.
    pub capacity: Option<usize>,
    /// The slots that belong to permits, and to sends that may go on.
    pub reserved: usize,
    /// The senders, of which weak ones and permits are none. An owned permit is one.
    pub senders: usize,
    /// The weak senders.
    pub weak_senders: usize,
    /// The receivers.
    pub receivers: usize,
    /// How many wait for a slot.
    pub waiting_to_send: usize,
    /// How many wait for a value.
    pub waiting_to_receive: usize,
    /// Whether new values are refused.
    pub is_closed: bool,
}

/// The shared part.
pub(crate) struct Channel<T> {
    state: SpinLock<State<T>>,
}

/// Makes a channel, with a sender and a receiver's half counted.
pub(crate) fn bounded<T>(capacity: usize) -> (Sender<T>, Half<T>) {
    let channel = Arc::new(Channel { state: SpinLock::new(State::new(capacity)) });
    (Sender::new(channel.clone()), Half::new(channel))
}

/// Makes a channel without a limit.
pub(crate) fn unbounded<T>() -> (UnboundedSender<T>, Half<T>) {
    let (sender, half) = bounded(UNBOUNDED);
    (UnboundedSender::new(sender), half)
}

/// The state under its lock, for a step that changes it.
struct Step<'a, T>(SpinGuard<'a, State<T>>);

impl<T> Deref for Step<'_, T> {
    type Target = State<T>;

    #[inline]
    fn deref(&self) -> &State<T> {
        &self.0
    }
}

impl<T> DerefMut for Step<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<T> {
        &mut self.0
    }
}

impl<T> Drop for Step<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.set_gates();
    }
}

impl<T> Channel<T> {
    #[inline]
    fn lock(&self) -> Step<'_, T> {
        Step(self.state.lock())
    }

    /// Changes the state, and wakes those who were called after the lock.
    #[inline]
    fn step<R>(&self, change: impl FnOnce(&mut State<T>, &mut Called) -> R) -> R {
        self.step_in(self.lock(), change)
    }

    /// As [`step`](Self::step), in a lock that was taken before.
    #[inline]
    fn step_in<R>(
        &self,
        mut state: Step<'_, T>,
        change: impl FnOnce(&mut State<T>, &mut Called) -> R,
    ) -> R {
        let mut called = Called::default();
        let result = change(&mut state, &mut called);
        drop(state);
        called.wake();
        result
    }

    /// Puts a value in, if that is all there is to do: a slot is free for anybody, and nobody waits. Most sends are
    /// this, and inlined as a whole. `Some`: there is more to do.
    #[inline(always)]
    fn push_at_once(&self, value: &mut Option<T>) -> Option<Step<'_, T>> {
        let mut state = self.state.lock();
        if !state.may_push_at_once() {
            return Some(Step(state));
        }
        if let Some(value) = value.take() {
            state.buffer.push_back_in_head(value);
        }
        None
    }

    /// Takes a value, if that is all there is to do: one is there for anybody, and nobody waits for its slot.
    #[inline(always)]
    fn pop_at_once(&self) -> Result<T, Step<'_, T>> {
        let mut state = self.state.lock();
        if state.may_pop_at_once() {
            if let Some(value) = state.buffer.pop_front_of_head() {
                return Ok(value);
            }
        }
        Err(Step(state))
    }

    /// Reads the state.
    fn look<R>(&self, read: impl FnOnce(&State<T>) -> R) -> R {
        read(&self.state.lock())
    }

    /// Closes the channel to all that has no slot yet.
    fn close(&self) {
        self.step(|state, called| state.close(called));
    }

    fn statistics(&self) -> ChannelStatistics {
        self.look(State::statistics)
    }

    /// Locks if the wait was called, else brings its waker up to date.
    fn lock_called<D>(
        &self,
        waits: fn(&mut State<T>) -> &mut WaitList<D>,
        key: &Key,
        cx: &Context<'_>,
    ) -> Option<Step<'_, T>> {
        let mut state = self.lock();
        let list = waits(&mut state);
        if !list.is_called(key) && !list.will_wake(key, cx.waker()) {
            drop(state);
            let waker = cx.waker().clone();
            let old = waits(&mut self.lock()).replace_waker(key, waker);
            drop(old);
            state = self.lock();
        }
        let is_called = waits(&mut state).is_called(key);
        is_called.then_some(state)
    }

    // -----------------------------------------------------------------------------------------------
    // Slots
    // -----------------------------------------------------------------------------------------------

    /// Reserves slots and uses them in the same step, if they are free and nobody waits.
    #[inline]
    fn try_slots<R>(
        &self,
        slots: usize,
        use_them: impl FnOnce(&mut State<T>, &mut Called) -> R,
    ) -> Result<R, Refused> {
        self.step(|state, called| state.try_reserve(slots).map(|()| use_them(state, called)))
    }

    /// One poll of a wait for slots, which are used in the step that gets them. `key` is the wait's own: `None`
    /// until it is first suspended, and again after `Ready`. `first`: the lock is taken, for the first look.
    #[inline]
    fn poll_slots<'a, R>(
        &'a self,
        key: &mut Option<Key>,
        slots: usize,
        cx: &Context<'_>,
        first: Option<Step<'a, T>>,
        mut use_them: impl FnMut(&mut State<T>, &mut Called) -> R,
    ) -> Poll<Result<R, Closed>> {
        if key.is_none() {
            let state = first.unwrap_or_else(|| self.lock());
            let reserved = self.step_in(state, |state, called| {
                state.try_reserve(slots).map(|()| use_them(state, called))
            });
            match reserved {
                Ok(result) => return Poll::Ready(Ok(result)),
                Err(Refused::Closed) => return Poll::Ready(Err(Closed)),
                Err(Refused::Full) => {}
            }
        }
        self.wait_for_slots(key, slots, cx, use_them)
    }

    #[cold]
    fn wait_for_slots<R>(
        &self,
        key: &mut Option<Key>,
        slots: usize,
        cx: &Context<'_>,
        use_them: impl FnOnce(&mut State<T>, &mut Called) -> R,
    ) -> Poll<Result<R, Closed>> {
        let Some(own) = key.take() else {
            // What is left of it is dropped after the lock.
            let mut waker = Some(cx.waker().clone());
            let outcome = self.step(|state, called| {
                let reserved = state.try_reserve(slots);
                if reserved == Err(Refused::Full) {
                    *key = waker.take().map(|waker| state.wait_for_slots(slots, waker));
                }
                reserved.map(|()| use_them(state, called))
            });
            return match outcome {
                Ok(result) => Poll::Ready(Ok(result)),
                Err(Refused::Closed) => Poll::Ready(Err(Closed)),
                Err(Refused::Full) => Poll::Pending,
            };
        };
        let Some(state) = self.lock_called(|state| &mut state.senders, &own, cx) else {
            *key = Some(own);
            return Poll::Pending;
        };
        let result = self.step_in(state, |state, called| {
            state.take_slots(own).map(|()| use_them(state, called))
        });
        Poll::Ready(result)
    }

    /// Gives up a wait for slots.
    #[cold]
    fn leave_slots(&self, key: Key) {
        let _left = self.step(|state, called| state.leave_slots(key, called));
    }

    /// Gives back slots that were not used.
    fn release(&self, slots: usize) {
        self.step(|state, called| state.release(slots, called));
    }

    /// Sends into a slot that is reserved.
    #[inline]
    fn send_reserved(&self, value: T) {
        let _unwanted = self.step(|state, called| state.push(value, called));
    }

    // -----------------------------------------------------------------------------------------------
    // Values
    // -----------------------------------------------------------------------------------------------

    /// Takes what `take` takes, without waiting. `key` is that of a wait that was begun before, and ends.
    fn try_take<R>(
        &self,
        key: &mut Option<Key>,
        take: impl FnOnce(&mut State<T>, &mut Called) -> Result<R, TryRecvError>,
    ) -> Result<R, TryRecvError> {
        self.step(|state, called| {
            if let Some(own) = key.take() {
                if state.receivers.is_called(&own) {
                    state.take_promise(own);
                } else {
                    // Nothing is there then, and whoever polled goes on waiting.
                    *key = Some(own);
                }
            }
            take(state, called)
        })
    }

    /// One poll of a wait for values; see [`poll_slots`](Self::poll_slots) for `key` and `first`.
    #[inline]
    fn poll_take<'a, R>(
        &'a self,
        key: &mut Option<Key>,
        cx: &Context<'_>,
        first: Option<Step<'a, T>>,
        mut take: impl FnMut(&mut State<T>, &mut Called) -> Result<R, TryRecvError>,
    ) -> Poll<Result<R, RecvError>> {
        if key.is_none() {
            let state = first.unwrap_or_else(|| self.lock());
            match self.step_in(state, &mut take) {
                Ok(result) => return Poll::Ready(Ok(result)),
                Err(TryRecvError::Closed) => return Poll::Ready(Err(RecvError(()))),
                Err(TryRecvError::Empty) => {}
            }
        }
        self.wait_for_value(key, cx, take)
    }

    #[cold]
    fn wait_for_value<R>(
        &self,
        key: &mut Option<Key>,
        cx: &Context<'_>,
        take: impl FnOnce(&mut State<T>, &mut Called) -> Result<R, TryRecvError>,
    ) -> Poll<Result<R, RecvError>> {
        let outcome = match key.take() {
            None => {
                // What is left of it is dropped after the lock.
                let mut waker = Some(cx.waker().clone());
                self.step(|state, called| {
                    let taken = take(state, called);
                    if let Err(TryRecvError::Empty) = taken {
                        *key = waker.take().map(|waker| state.wait_for_value(waker, called));
                    }
                    taken
                })
            }
            Some(own) => {
                let Some(state) = self.lock_called(|state| &mut state.receivers, &own, cx) else {
                    *key = Some(own);
                    return Poll::Pending;
                };
                self.step_in(state, |state, called| {
                    state.take_promise(own);
                    take(state, called)
                })
            }
        };
        match outcome {
            Ok(result) => Poll::Ready(Ok(result)),
            Err(TryRecvError::Closed) => Poll::Ready(Err(RecvError(()))),
            Err(TryRecvError::Empty) => Poll::Pending,
        }
    }

    /// Gives up a wait for a value.
    #[cold]
    fn leave_value(&self, key: Key) {
        let _left = self.step(|state, called| state.leave_value(key, called));
    }

    // -----------------------------------------------------------------------------------------------
    // The close
    // -----------------------------------------------------------------------------------------------

    /// One poll of a wait for the close; see [`poll_slots`](Self::poll_slots) for `key`.
    fn poll_closed(&self, key: &mut Option<Key>, cx: &Context<'_>) -> Poll<()> {
        let is_closed = match key.take() {
            None => {
                let mut waker = Some(cx.waker().clone());
                self.step(|state, _| {
                    if !state.is_closed {
                        *key = waker.take().map(|waker| state.closings.push_back(waker, ()));
                    }
                    state.is_closed
                })
            }
            Some(own) => match self.lock_called(|state| &mut state.closings, &own, cx) {
                Some(mut state) => {
                    let _called = state.closings.remove(own);
                    true
                }
                None => {
                    *key = Some(own);
                    false
                }
            },
        };
        if is_closed { Poll::Ready(()) } else { Poll::Pending }
    }

    fn leave_closed(&self, key: Key) {
        let _left = self.step(|state, _| state.closings.remove(key));
    }
}

impl<T> State<T> {
    fn statistics(&self) -> ChannelStatistics {
        ChannelStatistics {
            buffered: self.buffer.len(),
            capacity: (self.capacity != UNBOUNDED).then_some(self.capacity),
            reserved: self.reserved,
            senders: self.sender_count,
            weak_senders: self.weak_sender_count,
            receivers: self.receiver_count,
            waiting_to_send: self.senders.len(),
            waiting_to_receive: self.receivers.len(),
            is_closed: self.is_closed,
        }
    }
}

/// Shows what there is to know without waiting for the lock.
impl<T> fmt::Debug for Channel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state.try_lock().map(|state| state.statistics()) {
            Some(statistics) => statistics.fmt(f),
            None => f.write_str("(locked)"),
        }
    }
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
