//! What the two sides share: the ring, the counts, and who waits, under one lock.
//!
//! Values have positions, counted from 0 without end. The ring has those from `head` on; each receiver knows the
//! position of the one it wants next. One below `head` has lagged. A slot counts the receivers that have not seen it,
//! and since receivers see values in order, the slot that nobody wants any more always is the first.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: who reads the number wrongly clones a waker that it does not need, or locks once more.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Mutex, MutexGuard};
use bowerbird_base::wake_all::wake_all;

use super::{BroadcastStatistics, TryRecvError};
use crate::crowd::{self, Crowd, Place};
use crate::wait_list::{Looked, poll_standing};

pub(super) struct Shared<T> {
    capacity: usize,
    /// How many values were sent: a guess, for who wants to know whether it will have to wait.
    sent: AtomicUsize,
    state: Mutex<State<T>>,
}

pub(super) struct State<T> {
    ring: VecDeque<Slot<T>>,
    head: u64,
    pub(super) senders: usize,
    pub(super) weak_senders: usize,
    pub(super) receivers: usize,
    /// Receivers that have seen all.
    waits: Crowd,
    /// Senders that wait for the last receiver to go.
    closed_waits: Crowd,
}

/// A value, counted: it is cloned for a receiver outside of the lock.
struct Slot<T> {
    value: Arc<T>,
    unseen: usize,
}

impl<T> State<T> {
    fn tail(&self) -> u64 {
        self.head + self.ring.len() as u64
    }

    /// Takes the value at `next`, or says why not.
    fn take(&mut self, next: &mut u64) -> Result<Arc<T>, TryRecvError> {
        if *next < self.head {
            let missed = self.head - *next;
            *next = self.head;
            return Err(TryRecvError::Lagged(missed));
        }
        let Some(slot) = self.ring.get_mut((*next - self.head) as usize) else {
            return Err(match self.senders {
                0 => TryRecvError::Closed,
                _ => TryRecvError::Empty,
            });
        };
        *next += 1;
        slot.unseen -= 1;
        if slot.unseen > 0 {
            return Ok(slot.value.clone());
        }
        match self.pop() {
            Some(value) => Ok(value),
            None => unreachable!("a slot was just there"),
        }
    }

    fn pop(&mut self) -> Option<Arc<T>> {
        let slot = self.ring.pop_front()?;
        self.head += 1;
        Some(slot.value)
    }

    /// Counts a receiver that wants nothing from `next` on any more. Gives what nobody wants then.
    fn leave(&mut self, next: u64) -> Vec<Arc<T>> {
        let seen = next.saturating_sub(self.head) as usize;
        for slot in self.ring.iter_mut().skip(seen) {
            slot.unseen -= 1;
        }
        let mut unwanted = Vec::new();
        while self.ring.front().is_some_and(|slot| slot.unseen == 0) {
            unwanted.extend(self.pop());
        }
        unwanted
    }
}

impl<T> Shared<T> {
    pub(super) fn new(capacity: usize) -> Self {
        let state = State {
            ring: VecDeque::new(),
            head: 0,
            senders: 1,
            weak_senders: 0,
            receivers: 0,
            waits: Crowd::new(),
            closed_waits: Crowd::new(),
        };
        Self { capacity, sent: AtomicUsize::new(0), state: Mutex::new(state) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock()
    }

    pub(super) fn statistics(&self) -> BroadcastStatistics {
        self.describe(&self.state.lock())
    }

    /// As `statistics`, but nothing while somebody has the lock.
    pub(super) fn try_statistics(&self) -> Option<BroadcastStatistics> {
        Some(self.describe(&*self.state.try_lock()?))
    }

    fn describe(&self, state: &State<T>) -> BroadcastStatistics {
        BroadcastStatistics {
            len: state.ring.len(),
            capacity: self.capacity,
            senders: state.senders,
            weak_senders: state.weak_senders,
            receivers: state.receivers,
            waiting: state.waits.len(),
        }
    }

    /// Sends to all receivers, and says how many they are. `Err`: none.
    pub(super) fn send(&self, value: T) -> Result<usize, T> {
        let value = Arc::new(value);
        let mut _pushed_out = None;
        let mut state = self.state.lock();
        let receivers = state.receivers;
        if receivers == 0 {
            drop(state);
            return match Arc::into_inner(value) {
                Some(value) => Err(value),
                None => unreachable!("nobody else has it yet"),
            };
        }
        if state.ring.len() == self.capacity {
            _pushed_out = state.pop();
        }
        state.ring.push_back(Slot { value, unseen: receivers });
        // [ORD-1]
        self.sent.store(state.tail() as usize, Ordering::Relaxed);
        let wakers = state.waits.take_all();
        drop(state);
        wake_all(wakers);
        Ok(receivers)
    }

    /// Adds a receiver of what comes from now on, and gives the position of that.
    pub(super) fn subscribe(&self) -> u64 {
        let mut state = self.state.lock();
        state.receivers += 1;
        state.tail()
    }

    /// A receiver that wanted what comes from `next` on is gone.
    pub(super) fn unsubscribe(&self, next: u64) {
        let mut state = self.state.lock();
        let _unwanted = state.leave(next);
        state.receivers -= 1;
        let mut wakers = Vec::new();
        if state.receivers == 0 {
            wakers = state.closed_waits.take_all();
        }
        drop(state);
        wake_all(wakers);
    }

    /// A sender is gone.
    pub(super) fn leave_sender(&self) {
        let mut state = self.state.lock();
        state.senders -= 1;
        let mut wakers = Vec::new();
        if state.senders == 0 {
            wakers = state.waits.take_all();
        }
        drop(state);
        wake_all(wakers);
    }

    pub(super) fn try_recv(&self, next: &mut u64) -> Result<Arc<T>, TryRecvError> {
        self.state.lock().take(next)
    }

    /// How many values a receiver has not received, those that it lost included.
    pub(super) fn unseen_from(&self, next: u64) -> u64 {
        self.state.lock().tail() - next
    }

    /// One poll for the value at `next`; never gives `TryRecvError::Empty`.
    pub(super) fn poll_recv(
        &self,
        next: &mut u64,
        place: &mut Option<Place>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Arc<T>, TryRecvError>> {
        let will_wait = place.is_none() && self.has_seen_all(*next);
        let fresh = will_wait.then(|| cx.waker().clone());
        poll_standing(&self.state, cx.waker(), fresh, |state, fresh| {
            let taken = state.take(next);
            if let Err(TryRecvError::Empty) = taken {
                return Looked::Stand(state.waits.stand(place, cx.waker(), fresh));
            }
            // Who sent it, or was the last to send, has taken the place out.
            debug_assert!(place.is_none() || state.waits.has_lost(place));
            *place = None;
            Looked::Over(taken, None)
        })
    }

    /// Most likely there is nothing at `next`, and a waker will be needed.
    fn has_seen_all(&self, next: u64) -> bool {
        // [ORD-1]
        self.sent.load(Ordering::Relaxed) == next as usize
    }

    pub(super) fn leave_recv(&self, place: &mut Option<Place>) {
        crowd::leave(place, &self.state, |state| &mut state.waits);
    }

    /// One poll for the moment at which there is no receiver.
    pub(super) fn poll_closed(&self, place: &mut Option<Place>, cx: &mut Context<'_>) -> Poll<()> {
        poll_standing(&self.state, cx.waker(), None, |state, fresh| {
            // Woken: there was a moment without receivers.
            state.closed_waits.look(place, state.receivers == 0, cx.waker(), fresh)
        })
    }

    pub(super) fn leave_closed(&self, place: &mut Option<Place>) {
        crowd::leave(place, &self.state, |state| &mut state.closed_waits);
    }
}
