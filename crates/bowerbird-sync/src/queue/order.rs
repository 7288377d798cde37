//! The orders in which a queue gives its items out.

use std::ops::DerefMut;
use std::thread;

use bowerbird_base::sync::{Mutex, MutexGuard, SpinGuard, SpinLock};

use super::heap::Heap;
use crate::channel::Buffer;

/// The memory of more items than this is given back when the last one goes.
pub(super) const KEPT: usize = 1024;

/// An order in which a queue gives its items out: [`Fifo`], [`Lifo`] or [`Priority`].
///
/// asyncio: the methods `_init`, `_get` and `_put` that `LifoQueue` and `PriorityQueue` override. Here the three
/// are all there are.
pub trait Order<T>: sealed::Sealed {
    #[doc(hidden)]
    type Items: Items<T>;
    #[doc(hidden)]
    type Lock<S>: Lock<S>;
}

/// First in, first out: the order of [`Queue`](super::Queue).
///
/// asyncio: `asyncio.Queue`.
#[derive(Debug, Clone, Copy)]
pub enum Fifo {}

/// Last in, first out: the order of [`LifoQueue`](super::LifoQueue).
///
/// asyncio: `asyncio.LifoQueue`.
#[derive(Debug, Clone, Copy)]
pub enum Lifo {}

/// The smallest first: the order of [`PriorityQueue`](super::PriorityQueue).
///
/// asyncio: `asyncio.PriorityQueue`.
#[derive(Debug, Clone, Copy)]
pub enum Priority {}

impl<T> Order<T> for Fifo {
    type Items = Buffer<T>;
    type Lock<S> = Short<S>;
}

impl<T> Order<T> for Lifo {
    type Items = Vec<T>;
    type Lock<S> = Long<S>;
}

impl<T: Ord> Order<T> for Priority {
    type Items = Heap<T>;
    type Lock<S> = Long<S>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Fifo {}
    impl Sealed for super::Lifo {}
    impl Sealed for super::Priority {}
}

/// Where the items are. Only `Heap` runs foreign code: the items' `Ord`.
pub trait Items<T>: Default {
    fn len(&self) -> usize;

    /// Adds an item. `Err` has the panic of a comparison; the item is in nevertheless.
    fn push(&mut self, item: T) -> thread::Result<()>;

    /// Takes the next item out. If a comparison panics, nothing is lost.
    fn pop(&mut self) -> Option<T>;
}

impl<T> Items<T> for Buffer<T> {
    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn push(&mut self, item: T) -> thread::Result<()> {
        self.push_back(item);
        Ok(())
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        self.pop_front()
    }
}

impl<T> Items<T> for Vec<T> {
    #[inline]
    fn len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn push(&mut self, item: T) -> thread::Result<()> {
        self.push(item);
        Ok(())
    }

    #[inline]
    fn pop(&mut self) -> Option<T> {
        let item = self.pop();
        if self.is_empty() && self.capacity() > KEPT {
            *self = Self::new();
        }
        item
    }
}

/// What the state of a queue stands under.
pub trait Lock<S> {
    type Guard<'a>: DerefMut<Target = S>
    where
        Self: 'a;

    /// Waits for the lock.
    fn lock(&self) -> Self::Guard<'_>;

    /// Takes the lock if it is free.
    fn try_lock(&self) -> Option<Self::Guard<'_>>;
}

/// For orders whose steps are a few dozen instructions.
pub struct Short<S>(pub(super) SpinLock<S>);

/// For orders that compare, or move all their items when they grow.
pub struct Long<S>(pub(super) Mutex<S>);

impl<S> Lock<S> for Short<S> {
    type Guard<'a>
        = SpinGuard<'a, S>
    where
        Self: 'a;

    #[inline]
    fn lock(&self) -> SpinGuard<'_, S> {
        self.0.lock()
    }

    fn try_lock(&self) -> Option<SpinGuard<'_, S>> {
        self.0.try_lock()
    }
}

impl<S> Lock<S> for Long<S> {
    type Guard<'a>
        = MutexGuard<'a, S>
    where
        Self: 'a;

    #[inline]
    fn lock(&self) -> MutexGuard<'_, S> {
        self.0.lock()
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, S>> {
        self.0.try_lock()
    }
}
