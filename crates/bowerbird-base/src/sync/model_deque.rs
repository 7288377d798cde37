//! A deque for models: a queue of four slots under a mutex, with the methods of crossbeam-deque that we use.
//!
//! Loom cannot look inside crossbeam-deque. What a model needs of it is its contract: each item is taken
//! once, by its owner or by a thief. The small capacity makes a model reach the overflow path.

use std::collections::VecDeque;

use super::{Arc, Mutex};

/// The answer of a steal.
#[derive(Debug, PartialEq, Eq)]
pub enum Steal<T> {
    /// Nothing was there.
    Empty,
    /// An item was taken.
    Success(T),
    /// The attempt met another one; try again.
    Retry,
}

/// The owner's end.
#[derive(Debug)]
pub struct Worker<T> {
    queue: Arc<Mutex<VecDeque<T>>>,
    is_fifo: bool,
}

/// A thief's end.
#[derive(Debug)]
pub struct Stealer<T> {
    queue: Arc<Mutex<VecDeque<T>>>,
}

/// A queue that any thread pushes to.
#[derive(Debug)]
pub struct Injector<T> {
    queue: Mutex<VecDeque<T>>,
}

impl<T> Worker<T> {
    /// Makes a queue whose owner takes the oldest item.
    pub fn new_fifo() -> Self {
        Self { queue: Arc::new(Mutex::new(VecDeque::new())), is_fifo: true }
    }

    /// Makes a queue whose owner takes the newest item.
    pub fn new_lifo() -> Self {
        Self { queue: Arc::new(Mutex::new(VecDeque::new())), is_fifo: false }
    }

    /// Makes a thief's end of this queue.
    pub fn stealer(&self) -> Stealer<T> {
        Stealer { queue: self.queue.clone() }
    }

    /// Adds an item at the owner's end.
    pub fn push(&self, item: T) {
        self.queue.lock().push_back(item);
    }

    /// Takes an item at the owner's end.
    pub fn pop(&self) -> Option<T> {
        let mut queue = self.queue.lock();
        if self.is_fifo { queue.pop_front() } else { queue.pop_back() }
    }

    /// Returns whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// Returns how many items wait.
    pub fn len(&self) -> usize {
        self.queue.lock().len()
    }
}

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone() }
    }
}

impl<T> Stealer<T> {
    /// Takes the oldest item.
    pub fn steal(&self) -> Steal<T> {
        self.queue.lock().pop_front().map_or(Steal::Empty, Steal::Success)
    }

    /// Takes the older half: one item to run now, the rest into `dest`.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        steal_half(&self.queue, dest)
    }

    /// Returns whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// Returns how many items wait.
    pub fn len(&self) -> usize {
        self.queue.lock().len()
    }
}

impl<T> Default for Injector<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Injector<T> {
    /// Makes an empty queue.
    pub fn new() -> Self {
        Self { queue: Mutex::new(VecDeque::new()) }
    }

    /// Adds an item.
    pub fn push(&self, item: T) {
        self.queue.lock().push_back(item);
    }

    /// Takes the oldest item.
    pub fn steal(&self) -> Steal<T> {
        self.queue.lock().pop_front().map_or(Steal::Empty, Steal::Success)
    }

    /// Takes the older half: one item to run now, the rest into `dest`.
    pub fn steal_batch_and_pop(&self, dest: &Worker<T>) -> Steal<T> {
        steal_half(&self.queue, dest)
    }

    /// Returns whether the queue is empty.
    pub fn is_empty(&self) -> bool {
        self.queue.lock().is_empty()
    }

    /// Returns how many items wait.
    pub fn len(&self) -> usize {
        self.queue.lock().len()
    }
}

fn steal_half<T>(queue: &Mutex<VecDeque<T>>, dest: &Worker<T>) -> Steal<T> {
    let mut taken: VecDeque<T> = {
        let mut queue = queue.lock();
        let count = queue.len().div_ceil(2);
        queue.drain(..count).collect()
    };
    let Some(first) = taken.pop_front() else { return Steal::Empty };
    dest.queue.lock().extend(taken);
    Steal::Success(first)
}
