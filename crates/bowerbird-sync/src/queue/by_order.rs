//! The queues of the other orders: a name, a constructor, and all else from [`Queue`].

use std::fmt;
use std::ops::Deref;

use bowerbird_base::sync::Mutex;

use super::heap::Heap;
use super::order::{Lifo, Long, Priority};
use super::state::State;
use super::{Queue, statistics::fmt_queue};

/// A queue whose newest item comes out first.
///
/// All but its making is in the methods of [`Queue`], to which it derefs.
///
/// asyncio: `asyncio.LifoQueue`.
///
/// # Examples
/// ```
/// let queue = bowerbird::sync::LifoQueue::new(0);
/// queue.put_nowait(1).unwrap();
/// queue.put_nowait(2).unwrap();
/// assert_eq!(queue.get_nowait(), Ok(2));
/// ```
pub struct LifoQueue<T>(Queue<T, Lifo>);

/// A queue whose smallest item comes out first, and of equal ones the oldest.
///
/// The smallest as in Python's heapq; std's `BinaryHeap` gives the greatest. For a priority and a payload that has no
/// order, put a type whose `Ord` looks at the priority alone, or turn it round with [`std::cmp::Reverse`].
///
/// All but its making is in the methods of [`Queue`], to which it derefs.
///
/// `Ord` of the items runs under the lock of the queue: it must be short, and not use the queue. If it panics, the
/// panic reaches who called, no item is lost, and the order is unspecified until the items of then are out.
///
/// asyncio: `asyncio.PriorityQueue`. There equal items come in any order.
///
/// # Examples
/// ```
/// let queue = bowerbird::sync::PriorityQueue::new(0);
/// for item in [(2, "eat"), (1, "wake"), (3, "sleep")] {
///     queue.put_nowait(item).unwrap();
/// }
/// assert_eq!(queue.get_nowait(), Ok((1, "wake")));
/// assert_eq!(queue.get_nowait(), Ok((2, "eat")));
/// ```
pub struct PriorityQueue<T: Ord>(Queue<T, Priority>);

impl<T> LifoQueue<T> {
    bowerbird_base::const_fn! {
    /// Makes a queue for `maxsize` items; 0 is without end.
    ///
    /// asyncio: `LifoQueue(maxsize)`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::LifoQueue::<u8>::new(8);
    /// assert_eq!(queue.maxsize(), 8);
    /// ```
    pub fn new(maxsize: usize) -> Self {
        Self(Queue::of(maxsize, Long(Mutex::new(State::new(maxsize, Vec::new())))))
    }
    }
}

impl<T: Ord> PriorityQueue<T> {
    bowerbird_base::const_fn! {
    /// Makes a queue for `maxsize` items; 0 is without end.
    ///
    /// asyncio: `PriorityQueue(maxsize)`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::PriorityQueue::<u8>::new(8);
    /// assert_eq!(queue.maxsize(), 8);
    /// ```
    pub fn new(maxsize: usize) -> Self {
        Self(Queue::of(maxsize, Long(Mutex::new(State::new(maxsize, Heap::new())))))
    }
    }
}

impl<T> Deref for LifoQueue<T> {
    type Target = Queue<T, Lifo>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T: Ord> Deref for PriorityQueue<T> {
    type Target = Queue<T, Priority>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Default for LifoQueue<T> {
    /// Makes a queue without end.
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T: Ord> Default for PriorityQueue<T> {
    /// Makes a queue without end.
    fn default() -> Self {
        Self::new(0)
    }
}

impl<T> fmt::Debug for LifoQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_queue(&self.0, "LifoQueue", f)
    }
}

impl<T: Ord> fmt::Debug for PriorityQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_queue(&self.0, "PriorityQueue", f)
    }
}
