//! The state of a channel: what stands under its lock, and every step that changes it.
//!
//! ```text
//!   send ──> slot ──────────> buffer ──────────────> receive
//!             │ none free       │ promised to those
//!             v                 │ that were called
//!          senders              └─────── receivers
//!          (wait for slots)              (wait for values)
//! ```
//!
//! A sender needs a slot, then puts its value into the buffer. Who finds no free slot waits; a slot that gets
//! free is *reserved* for the first that waits, which is called and puts its value in when it is polled. So a
//! send that is dropped has not sent, whatever happened in between.
//!
//! A receiver takes from the front of the buffer. Who finds nothing there waits; a value that comes is
//! *promised*: it stays in the buffer, but is not for those who come later. All values pass through the buffer
//! in order, so a promise that is not taken up never has to be put back anywhere.
//!
//! What holds between any two steps:
//! - buffered values + reserved slots <= capacity (of a capacity of 0, see [`State::free`]);
//! - promised <= buffered; if somebody waits for a value, all buffered ones are promised;
//! - if somebody waits for slots, fewer are free than the first one wants.
//!
//! Most sends and receives find a slot or a value that is for anybody, and have nobody to call. They are let through by
//! two numbers, the gates, which lie beside the lock and the head of the buffer; each other step ends with setting
//! them. What goes through a gate changes nothing but the length of the head.
//!
//! Each step pushes the wakers of those it called into a [`Called`], to be woken after the lock.

use std::task::Waker;

use crate::wait_list::{Called, Key, Removed, WaitList};

use super::buffer::Buffer;
use super::errors::TryRecvError;

/// The capacity of a channel without a limit.
pub(super) const UNBOUNDED: usize = usize::MAX;

/// In this order, so that what most sends and receives look at is in one place with the lock.
#[repr(C)]
pub(super) struct State<T> {
    gates: Gates,
    pub(super) buffer: Buffer<T>,
    pub(super) capacity: usize,
    /// Slots that belong to permits and to waits that were called.
    pub(super) reserved: usize,
    /// Buffered values that belong to waits that were called.
    promised: usize,
    pub(super) is_closed: bool,
    pub(super) senders: WaitList<Need>,
    pub(super) receivers: WaitList<()>,
    /// Who waits for the close.
    pub(super) closings: WaitList<()>,
    pub(super) sender_count: usize,
    pub(super) weak_sender_count: usize,
    pub(super) receiver_count: usize,
}

/// Between which lengths of the buffer's head a value goes in or comes out by that alone: no count changes, and
/// nobody is to be called. Derived from all else, at the end of each other step.
struct Gates {
    push_below: usize,
    pop_above: usize,
}

/// What a sender waits for, or got.
pub(super) struct Need {
    pub(super) slots: usize,
    was_closed: bool,
}

/// No slot will come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Too few are free, or others wait.
    Full,
    Closed,
}

impl<T> State<T> {
    /// A channel with one sender and one receiver.
    pub(super) const fn new(capacity: usize) -> Self {
        Self {
            gates: Gates { push_below: Buffer::<T>::most_of_empty(capacity), pop_above: 0 },
            buffer: Buffer::new(),
            capacity,
            reserved: 0,
            promised: 0,
            is_closed: false,
            senders: WaitList::new(),
            receivers: WaitList::new(),
            closings: WaitList::new(),
            sender_count: 1,
            weak_sender_count: 0,
            receiver_count: 1,
        }
    }

    // -----------------------------------------------------------------------------------------------
    // What is done at once
    // -----------------------------------------------------------------------------------------------

    /// Says what may be done at once from now on, after any other step.
    #[inline]
    pub(super) fn set_gates(&mut self) {
        let is_for_anybody = self.is_for_anybody();
        self.gates = Gates {
            push_below: match is_for_anybody && self.receivers.is_empty() {
                true => self.buffer.most_in_head(self.capacity.saturating_sub(self.reserved)),
                false => 0,
            },
            pop_above: match is_for_anybody {
                true => self.buffer.least_in_head(self.promised),
                false => usize::MAX,
            },
        };
    }

    /// Whether a slot is free for anybody, the value goes into the head, and nobody waits.
    #[inline(always)]
    pub(super) fn may_push_at_once(&self) -> bool {
        let may = self.buffer.head_len() < self.gates.push_below;
        debug_assert!(!may || self.is_for_anybody() && self.receivers.is_empty());
        debug_assert!(!may || self.free() > 0);
        may
    }

    /// Whether a value is there for anybody, the head stays as it is, and nobody waits for the slot.
    #[inline(always)]
    pub(super) fn may_pop_at_once(&self) -> bool {
        let may = self.buffer.head_len() > self.gates.pop_above;
        debug_assert!(!may || self.is_for_anybody() && self.available() > 0);
        may
    }

    /// Whether no end is near, and nobody waits for a slot.
    #[inline]
    fn is_for_anybody(&self) -> bool {
        !self.is_closed && self.senders.is_empty()
    }

    // -----------------------------------------------------------------------------------------------
    // Slots
    // -----------------------------------------------------------------------------------------------

    /// How many slots are free. Without a buffer, each receiver that waits is one.
    #[inline]
    pub(super) fn free(&self) -> usize {
        let (most, used) = match self.capacity {
            0 => (self.receivers.len(), self.reserved),
            capacity => (capacity, self.buffer.len() + self.reserved),
        };
        most.saturating_sub(used)
    }

    /// Reserves so many slots for somebody who does not wait.
    #[inline]
    pub(super) fn try_reserve(&mut self, slots: usize) -> Result<(), Refused> {
        if self.is_closed {
            Err(Refused::Closed)
        } else if self.free() < slots || !self.senders.is_empty() {
            Err(Refused::Full)
        } else {
            self.reserved += slots;
            Ok(())
        }
    }

    pub(super) fn wait_for_slots(&mut self, slots: usize, waker: Waker) -> Key {
        self.senders.push_back(waker, Need { slots, was_closed: false })
    }

    /// Ends the wait of a sender that was called: its slots are the caller's, or the channel was closed.
    pub(super) fn take_slots(&mut self, key: Key) -> Result<(), Closed> {
        let removed = self.senders.remove(key);
        debug_assert!(removed.was_called());
        if removed.data.was_closed { Err(Closed) } else { Ok(()) }
    }

    /// Ends the wait of a sender that gives up. What it was given goes to the next.
    pub(super) fn leave_slots(&mut self, key: Key, called: &mut Called) -> Removed<Need> {
        let removed = self.senders.remove(key);
        if removed.was_called() && !removed.data.was_closed {
            self.release(removed.data.slots, called);
        } else {
            // Also who had nothing may have stood before one that wants less.
            self.serve_senders(called);
        }
        removed
    }

    /// Gives reserved slots back.
    pub(super) fn release(&mut self, slots: usize, called: &mut Called) {
        self.reserved -= slots;
        self.after_room(called);
    }

    /// Puts a value into a reserved slot. `Err`: nobody is left to receive it.
    #[inline]
    pub(super) fn push(&mut self, value: T, called: &mut Called) -> Result<(), T> {
        self.reserved -= 1;
        if self.receiver_count == 0 {
            return Err(value);
        }
        self.buffer.push_back(value);
        self.promise(called);
        Ok(())
    }

    /// After slots or values went: serves who waits for slots, and tells receivers if this was the end.
    #[inline]
    fn after_room(&mut self, called: &mut Called) {
        if !self.senders.is_empty() {
            self.serve_senders(called);
        }
        if self.is_closed {
            self.tell_the_end(called);
        }
    }

    /// Hands free slots to those that wait for them, in their order, for as long as there are enough for the
    /// first.
    pub(super) fn serve_senders(&mut self, called: &mut Called) {
        let mut free = self.free();
        while let Some(need) = self.senders.front() {
            let slots = need.slots;
            if slots > free {
                break;
            }
            free -= slots;
            self.reserved += slots;
            if let Some((waker, _)) = self.senders.call_front() {
                called.push(waker);
            }
        }
    }

    // -----------------------------------------------------------------------------------------------
    // Values
    // -----------------------------------------------------------------------------------------------

    /// Promises a value that nobody was promised to the receiver that waits longest.
    #[inline]
    fn promise(&mut self, called: &mut Called) {
        if let Some((waker, ())) = self.receivers.call_front() {
            self.promised += 1;
            called.push(waker);
        }
    }

    /// How many values are there for who does not wait.
    #[inline]
    pub(super) fn available(&self) -> usize {
        self.buffer.len() - self.promised
    }

    /// Returns whether no value is there and none will come.
    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.reserved == 0 && self.buffer.is_empty()
    }

    /// Takes a value for who does not wait.
    #[inline]
    pub(super) fn try_recv(&mut self, called: &mut Called) -> Result<T, TryRecvError> {
        if self.available() > 0 {
            if let Some(value) = self.buffer.pop_front() {
                self.after_room(called);
                return Ok(value);
            }
        }
        Err(if self.is_over() { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// Takes up to `limit` values for who does not wait.
    pub(super) fn try_recv_many(
        &mut self,
        values: &mut Vec<T>,
        limit: usize,
        called: &mut Called,
    ) -> Result<usize, TryRecvError> {
        let count = limit.min(self.available());
        if count == 0 {
            return Err(if self.is_over() { TryRecvError::Closed } else { TryRecvError::Empty });
        }
        values.reserve(count);
        values.extend(std::iter::from_fn(|| self.buffer.pop_front()).take(count));
        self.after_room(called);
        Ok(count)
    }

    pub(super) fn wait_for_value(&mut self, waker: Waker, called: &mut Called) -> Key {
        let key = self.receivers.push_back(waker, ());
        if self.capacity == 0 {
            self.serve_senders(called);
        }
        key
    }

    /// Ends the wait of a receiver that was called: the value it was promised is there for it to take, unless
    /// it was called because of the end.
    pub(super) fn take_promise(&mut self, key: Key) {
        let removed = self.receivers.remove(key);
        debug_assert!(removed.was_called());
        // At the end the buffer is empty, and before it each that was called has a value.
        if !self.buffer.is_empty() {
            self.promised -= 1;
        }
    }

    /// Ends the wait of a receiver that gives up. What it was promised is promised to the next.
    pub(super) fn leave_value(&mut self, key: Key, called: &mut Called) -> Removed<()> {
        let removed = self.receivers.remove(key);
        if removed.was_called() && !self.buffer.is_empty() {
            self.promised -= 1;
            self.promise(called);
        }
        removed
    }

    // -----------------------------------------------------------------------------------------------
    // The end
    // -----------------------------------------------------------------------------------------------

    /// Lets nothing more in, except into slots that are reserved.
    pub(super) fn close(&mut self, called: &mut Called) {
        if std::mem::replace(&mut self.is_closed, true) {
            return;
        }
        while let Some((waker, need)) = self.senders.call_front() {
            need.was_closed = true;
            called.push(waker);
        }
        while let Some((waker, ())) = self.closings.call_front() {
            called.push(waker);
        }
        self.tell_the_end(called);
    }

    /// Calls all receivers, if there is nothing more to wait for.
    #[cold]
    fn tell_the_end(&mut self, called: &mut Called) {
        if self.is_over() {
            while let Some((waker, ())) = self.receivers.call_front() {
                called.push(waker);
            }
        }
    }
}
