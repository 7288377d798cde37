//! The orders in which a queue gives its items out.

use std::collections::VecDeque;
use std::thread;

use super::heap::Heap;

/// The memory of more items than this is given back when the last one goes.
pub(super) const KEPT: usize = 1024;

/// An order in which a queue gives its items out: [`Fifo`], [`Lifo`] or [`Priority`].
///
/// asyncio: the methods `_init`, `_get` and `_put` that `LifoQueue` and `PriorityQueue` override. Here the three
/// are all there are.
pub trait Order<T>: sealed::Sealed {
    #[doc(hidden)]
    type Items: Items<T>;
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
    type Items = VecDeque<T>;
}

impl<T> Order<T> for Lifo {
    type Items = Vec<T>;
}

impl<T: Ord> Order<T> for Priority {
    type Items = Heap<T>;
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

impl<T> Items<T> for VecDeque<T> {
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
        let item = self.pop_front();
        if self.is_empty() && self.capacity() > KEPT {
            *self = Self::new();
        }
        item
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
