//! The values of a channel, first in, first out.
//!
//! Segments of a fixed length, so that a long queue grows by one allocation at a time instead of moving all
//! its values under the lock, and gives its memory back as it is emptied.

use std::collections::VecDeque;

use bowerbird_base::sync::IS_MODEL;

/// How many values a segment holds.
const SEGMENT: usize = if IS_MODEL { 2 } else { 256 };

#[repr(C)]
pub struct Buffer<T> {
    /// Where values are taken.
    head: VecDeque<T>,
    /// The segments behind it; all but the last are full.
    more: VecDeque<VecDeque<T>>,
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Buffer<T> {
    pub(crate) const fn new() -> Self {
        Self { head: VecDeque::new(), more: VecDeque::new() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        match self.more.back() {
            None => self.head.len(),
            Some(last) => self.head.len() + (self.more.len() - 1) * SEGMENT + last.len(),
        }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.head.is_empty()
    }

    /// How many values are where values are taken.
    #[inline(always)]
    pub(super) fn head_len(&self) -> usize {
        self.head.len()
    }

    /// Below which length the head takes values, if there may be `most` altogether.
    #[inline]
    pub(super) fn most_in_head(&self, most: usize) -> usize {
        if self.more.is_empty() { most.min(SEGMENT) } else { 0 }
    }

    /// As [`most_in_head`](Self::most_in_head), while nothing was put in yet.
    pub(super) const fn most_of_empty(most: usize) -> usize {
        if most < SEGMENT { most } else { SEGMENT }
    }

    /// Above which length the head gives values, if `least` are to stay, and stays the head.
    #[inline]
    pub(super) fn least_in_head(&self, least: usize) -> usize {
        least + usize::from(!self.more.is_empty())
    }

    /// As [`push_back`](Self::push_back), below [`most_in_head`](Self::most_in_head).
    #[inline(always)]
    pub(super) fn push_back_in_head(&mut self, value: T) {
        debug_assert!(self.more.is_empty() && self.head.len() < SEGMENT);
        self.head.push_back(value);
    }

    /// As [`pop_front`](Self::pop_front), above [`least_in_head`](Self::least_in_head).
    #[inline(always)]
    pub(super) fn pop_front_of_head(&mut self) -> Option<T> {
        debug_assert!(self.more.is_empty() || self.head.len() > 1);
        self.head.pop_front()
    }

    #[inline]
    pub(crate) fn push_back(&mut self, value: T) {
        if self.more.is_empty() && self.head.len() < SEGMENT {
            self.head.push_back(value);
        } else {
            self.push_behind(value);
        }
    }

    #[cold]
    fn push_behind(&mut self, value: T) {
        match self.more.back_mut().filter(|last| last.len() < SEGMENT) {
            Some(last) => last.push_back(value),
            None => {
                let mut last = VecDeque::with_capacity(SEGMENT);
                last.push_back(value);
                self.more.push_back(last);
            }
        }
    }

    #[inline]
    pub(crate) fn pop_front(&mut self) -> Option<T> {
        let value = self.head.pop_front();
        if self.head.is_empty() && !self.more.is_empty() {
            self.next_segment();
        }
        value
    }

    #[cold]
    fn next_segment(&mut self) {
        if let Some(next) = self.more.pop_front() {
            self.head = next;
        }
        if self.more.is_empty() {
            self.more = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Buffer, SEGMENT};

    #[test]
    fn values_come_out_in_order_across_segments() {
        let mut buffer = Buffer::new();
        let (mut next_in, mut next_out) = (0, 0);
        for (pushed, popped) in
            [(3 * SEGMENT, SEGMENT + 1), (1, 2 * SEGMENT), (SEGMENT + 1, SEGMENT + 1)]
        {
            for _ in 0..pushed {
                buffer.push_back(next_in);
                next_in += 1;
            }
            for _ in 0..popped {
                assert_eq!(buffer.len(), next_in - next_out);
                assert_eq!(buffer.pop_front(), Some(next_out));
                next_out += 1;
            }
        }
        assert_eq!((buffer.is_empty(), buffer.len(), buffer.pop_front()), (true, 0, None));
    }

    #[test]
    fn memory_of_a_long_queue_is_given_back() {
        let mut buffer = Buffer::new();
        (0..100 * SEGMENT).for_each(|number| buffer.push_back(number));
        while buffer.pop_front().is_some() {}
        assert!(buffer.head.capacity() <= 2 * SEGMENT);
        assert_eq!(buffer.more.capacity(), 0);
    }
}
