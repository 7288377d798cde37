//! Bytes that know how many of them are written.

use std::collections::VecDeque;
use std::io;

use super::Cursor;

/// Bytes that know how many of them are written, for
/// [`AsyncWriteExt::write_all_buf`](super::AsyncWriteExt::write_all_buf).
///
/// asyncio: the buffer inside a `StreamWriter`. A slice `&[u8]` gets shorter from the front, a cursor moves, a
/// `VecDeque<u8>` gives away what is written.
///
/// # Examples
/// ```
/// use bowerbird::io::Unwritten;
/// let mut rest: &[u8] = b"hello";
/// rest.wrote(2);
/// assert_eq!(rest.unwritten(), b"llo");
/// ```
pub trait Unwritten {
    /// The bytes that come next; empty only if nothing is left.
    fn unwritten(&self) -> &[u8];

    /// Says that the next `count` bytes are written.
    ///
    /// # Panics
    /// If there are fewer in [`unwritten`](Self::unwritten).
    fn wrote(&mut self, count: usize);
}

impl Unwritten for &[u8] {
    fn unwritten(&self) -> &[u8] {
        self
    }

    fn wrote(&mut self, count: usize) {
        *self = &self[count..];
    }
}

impl<T: AsRef<[u8]>> Unwritten for io::Cursor<T> {
    fn unwritten(&self) -> &[u8] {
        let bytes = self.get_ref().as_ref();
        let at = usize::try_from(self.position()).map_or(bytes.len(), |at| at.min(bytes.len()));
        &bytes[at..]
    }

    fn wrote(&mut self, count: usize) {
        assert!(count <= self.unwritten().len(), "more was written than there is");
        self.set_position(self.position() + count as u64);
    }
}

impl<T: AsRef<[u8]>> Unwritten for Cursor<T> {
    fn unwritten(&self) -> &[u8] {
        self.as_std().unwritten()
    }

    fn wrote(&mut self, count: usize) {
        self.as_std_mut().wrote(count);
    }
}

impl Unwritten for VecDeque<u8> {
    fn unwritten(&self) -> &[u8] {
        self.as_slices().0
    }

    fn wrote(&mut self, count: usize) {
        assert!(count <= self.as_slices().0.len(), "more was written than there is");
        self.drain(..count);
    }
}
