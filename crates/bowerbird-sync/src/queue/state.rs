//! What a queue keeps under its lock.
//!
//! Two sentences hold whenever the lock is free:
//! - somebody waits to get and was not called: each item there is promised to one that was called;
//! - somebody waits to put and was not called: each free place is promised to one that was called.
//!
//! `serve` makes them true again after each change. A `get` or `put` that comes new takes only what is promised
//! to nobody; the forms that do not wait take what is there, and whoever was called in vain waits on at its old
//! place.

use std::ops::{Deref, DerefMut};
use std::task::Waker;
use std::thread;

use super::line::{Line, Turn};
use super::order::Items;
use crate::wait_list::{Called, Key, WaitList};

/// In this order, so that what most gets and puts look at is in one place with the lock.
#[repr(C)]
pub(super) struct State<I> {
    gates: Gates,
    pub(super) items: I,
    /// 0: without end.
    maxsize: usize,
    pub(super) getters: Line,
    pub(super) putters: Line,
    pub(super) joiners: WaitList<()>,
    pub(super) unfinished: usize,
    pub(super) is_shut_down: bool,
}

/// Between which lengths an item goes in or comes out by that alone: nobody is to be called. Derived from all else, at
/// the end of each other step.
struct Gates {
    put_below: usize,
    get_above: usize,
}

impl<I> State<I> {
    pub(super) const fn new(maxsize: usize, items: I) -> Self {
        Self {
            gates: Gates { put_below: limit(maxsize), get_above: 0 },
            items,
            maxsize,
            getters: Line::new(),
            putters: Line::new(),
            joiners: WaitList::new(),
            unfinished: 0,
            is_shut_down: false,
        }
    }

    /// How many may be put before `len` items fill the queue.
    fn room(&self, len: usize) -> usize {
        limit(self.maxsize).saturating_sub(len)
    }

    /// Says what may be done at once from now on, after any other step.
    #[inline]
    fn set_gates(&mut self) {
        // The conditions of a new put and a new get, and that `serve` would find nobody.
        let may_put = !self.is_shut_down && self.getters.is_empty();
        let may_get = !self.is_shut_down && self.putters.is_empty();
        self.gates = Gates {
            put_below: match may_put {
                true => limit(self.maxsize).saturating_sub(self.putters.called()),
                false => 0,
            },
            get_above: if may_get { self.getters.called() } else { usize::MAX },
        };
    }

    /// Puts an item, if that is all there is to do. As [`push`](Self::push) else.
    #[inline(always)]
    pub(super) fn put_at_once<T>(&mut self, item: &mut Option<T>) -> Option<thread::Result<()>>
    where
        I: Items<T>,
    {
        if self.items.len() >= self.gates.put_below {
            return None;
        }
        debug_assert!(self.may_put(Turn::New) && !self.is_shut_down && self.getters.is_empty());
        self.unfinished += 1;
        item.take().map(|item| self.items.push(item))
    }

    /// Takes the next item, if that is all there is to do.
    #[inline(always)]
    pub(super) fn get_at_once<T>(&mut self) -> Option<T>
    where
        I: Items<T>,
    {
        if self.items.len() <= self.gates.get_above {
            return None;
        }
        debug_assert!(self.may_get(Turn::New) && !self.is_shut_down && self.putters.is_empty());
        self.items.pop()
    }

    /// Whether a get in this place may take an item now.
    pub(super) fn may_get<T>(&self, turn: Turn) -> bool
    where
        I: Items<T>,
    {
        let len = self.items.len();
        match turn {
            // At the end nobody waits for more, so nothing is kept for anybody.
            Turn::New if !self.is_shut_down => len > self.getters.called(),
            Turn::New | Turn::Called => len > 0,
            Turn::Waiting => false,
        }
    }

    /// Whether a put in this place may add its item now.
    pub(super) fn may_put<T>(&self, turn: Turn) -> bool
    where
        I: Items<T>,
    {
        let room = self.room(self.items.len());
        match turn {
            Turn::New => room > self.putters.called(),
            Turn::Called => room > 0,
            Turn::Waiting => false,
        }
    }

    pub(super) fn is_full<T>(&self) -> bool
    where
        I: Items<T>,
    {
        self.room(self.items.len()) == 0
    }

    /// Adds an item. `Err` has the panic of a comparison; the item is in nevertheless.
    pub(super) fn push<T>(&mut self, item: T, called: &mut Called) -> thread::Result<()>
    where
        I: Items<T>,
    {
        self.unfinished += 1;
        let pushed = self.items.push(item);
        self.serve(called);
        pushed
    }

    /// Takes the next item.
    pub(super) fn pop<T>(&mut self, called: &mut Called) -> Option<T>
    where
        I: Items<T>,
    {
        let item = self.items.pop()?;
        self.serve(called);
        Some(item)
    }

    /// Calls those for whom there is something that is not promised yet.
    pub(super) fn serve<T>(&mut self, called: &mut Called)
    where
        I: Items<T>,
    {
        let len = self.items.len();
        while len > self.getters.called() && self.getters.call(called) {}
        while self.room(len) > self.putters.called() && self.putters.call(called) {}
    }

    /// Ends the queue: who waits is called, and finds out. Gives out what `immediate` leaves behind.
    pub(super) fn shut_down<T>(&mut self, immediate: bool, called: &mut Called) -> I
    where
        I: Items<T>,
    {
        self.is_shut_down = true;
        let mut rest = I::default();
        if immediate {
            rest = std::mem::take(&mut self.items);
            self.unfinished = self.unfinished.saturating_sub(rest.len());
            self.call_joiners(called);
        }
        while self.getters.call(called) {}
        while self.putters.call(called) {}
        rest
    }

    /// Counts one item as done. `false`: all were.
    pub(super) fn finish_one(&mut self, called: &mut Called) -> bool {
        if self.unfinished == 0 {
            return false;
        }
        self.unfinished -= 1;
        self.call_joiners(called);
        true
    }

    fn call_joiners(&mut self, called: &mut Called) {
        if self.unfinished == 0 {
            while let Some((waker, ())) = self.joiners.call_front() {
                called.push(waker);
            }
        }
    }

    /// Takes a join out, if it is in. Its waker is to be dropped after the lock.
    pub(super) fn leave_join(&mut self, key: &mut Option<Key>) -> Option<Waker> {
        self.joiners.remove(key.take()?).waker
    }
}

/// How many items may be in a queue.
const fn limit(maxsize: usize) -> usize {
    if maxsize == 0 { usize::MAX } else { maxsize }
}

/// The state under its lock, for a step that changes it.
pub(super) struct Step<G: DerefMut<Target = State<I>>, I>(pub(super) G);

impl<G: DerefMut<Target = State<I>>, I> Deref for Step<G, I> {
    type Target = State<I>;

    #[inline]
    fn deref(&self) -> &State<I> {
        &self.0
    }
}

impl<G: DerefMut<Target = State<I>>, I> DerefMut for Step<G, I> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<I> {
        &mut self.0
    }
}

impl<G: DerefMut<Target = State<I>>, I> Drop for Step<G, I> {
    #[inline]
    fn drop(&mut self) {
        self.0.set_gates();
    }
}
