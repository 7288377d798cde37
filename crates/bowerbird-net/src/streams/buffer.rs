//! The bytes that a reader has taken from its connection and given to nobody yet.
//!
//! What the system gives goes through a scratch buffer of the thread first. So a read may take all that has
//! come with one system call, no room is zeroed for it, the buffer is as large as what came, and a reader
//! that waits with nothing in hand holds no memory at all. What is handed out in one piece is moved, not
//! copied.

use std::cell::Cell;
use std::io::BufRead;

/// How much is read at a time, at most.
pub(super) const ROOM: usize = 64 * 1024;

thread_local! {
    /// Initialised bytes; empty until the first read of the thread, and while one uses them.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends `length` bytes of scratch, at most [`ROOM`]. A read inside a read gets bytes of its own.
pub(super) fn with_scratch<R>(length: usize, f: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if scratch.is_empty() {
        scratch = vec![0; ROOM];
    }
    let length = length.min(scratch.len());
    let result = f(&mut scratch[..length]);
    // A thread that ends needs none.
    let _ = SCRATCH.try_with(|kept| kept.set(scratch));
    result
}

#[derive(Default)]
pub(super) struct ReadBuffer {
    bytes: Vec<u8>,
    /// What is before it was given out.
    start: usize,
}

impl ReadBuffer {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.start
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.start = 0;
        if self.bytes.is_empty() {
            self.bytes.reserve_exact(bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the first `count` bytes out.
    pub(super) fn take(&mut self, count: usize) -> Vec<u8> {
        if self.start == 0 && count == self.bytes.len() {
            return std::mem::take(&mut self.bytes);
        }
        self.borrow(count).to_vec()
    }

    /// Gives the first `count` bytes out where they are: they stay until the next change.
    pub(super) fn borrow(&mut self, count: usize) -> &[u8] {
        let range = self.start..self.start + count;
        self.start = range.end;
        &self.bytes[range]
    }

    /// Gives the memory back, if nothing is in it.
    pub(super) fn release(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

/// Finds `needle` at or after `from`.
pub(super) fn find(bytes: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let (&first, rest) = needle.split_first()?;
    let mut at = from;
    loop {
        at += find_byte(bytes.get(at..)?, first)?;
        if bytes[at + 1..].starts_with(rest) {
            return Some(at);
        }
        at += 1;
    }
}

/// Finds a byte with what std has for it, which is the system's `memchr`.
fn find_byte(bytes: &[u8], byte: u8) -> Option<usize> {
    let mut rest = bytes;
    // Reading from memory does not fail.
    let count = rest.skip_until(byte).ok()?;
    (count > 0 && bytes[count - 1] == byte).then(|| count - 1)
}

#[cfg(test)]
mod tests;
