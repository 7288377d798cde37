//! A binary heap that gives the smallest item first, equal ones in the order of arrival.
//!
//! Not std's, which gives the greatest first, knows nothing of arrival, and loses the item that it is about to
//! give out when a comparison panics. Here items only change places until all comparisons are done, so that a
//! panic leaves every item in, in some order.

use std::cmp::Ordering;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use super::order::{Items, KEPT};

/// The heap: no entry comes before its parent, the one at half its index.
pub struct Heap<T> {
    entries: Vec<Entry<T>>,
    next_arrival: u64,
}

struct Entry<T> {
    item: T,
    arrival: u64,
}

impl<T: Ord> Entry<T> {
    fn comes_before(&self, other: &Self) -> bool {
        match self.item.cmp(&other.item) {
            Ordering::Less => true,
            Ordering::Equal => self.arrival < other.arrival,
            Ordering::Greater => false,
        }
    }
}

impl<T> Default for Heap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Heap<T> {
    pub(super) const fn new() -> Self {
        Self { entries: Vec::new(), next_arrival: 0 }
    }
}

#[cfg(test)]
impl<T> Heap<T> {
    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }
}

impl<T: Ord> Heap<T> {
    /// Moves the last entry up to its place.
    fn sift_up(&mut self) {
        let mut index = self.entries.len() - 1;
        while index > 0 {
            let parent = (index - 1) / 2;
            if !self.entries[index].comes_before(&self.entries[parent]) {
                return;
            }
            self.entries.swap(index, parent);
            index = parent;
        }
    }

    /// Moves the first entry down to its place among the first `len`.
    fn sift_down(&mut self, len: usize) {
        let mut index = 0;
        loop {
            let left = 2 * index + 1;
            if left >= len {
                return;
            }
            let right = left + 1;
            let is_right_first =
                right < len && self.entries[right].comes_before(&self.entries[left]);
            let child = if is_right_first { right } else { left };
            if !self.entries[child].comes_before(&self.entries[index]) {
                return;
            }
            self.entries.swap(index, child);
            index = child;
        }
    }
}

impl<T: Ord> Items<T> for Heap<T> {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn push(&mut self, item: T) -> thread::Result<()> {
        self.entries.push(Entry { item, arrival: self.next_arrival });
        self.next_arrival += 1;
        catch_unwind(AssertUnwindSafe(|| self.sift_up()))
    }

    fn pop(&mut self) -> Option<T> {
        let last = self.entries.len().checked_sub(1)?;
        self.entries.swap(0, last);
        self.sift_down(last);
        let first = self.entries.pop();
        if last == 0 && self.entries.capacity() > KEPT {
            self.entries = Vec::new();
        }
        first.map(|entry| entry.item)
    }
}
