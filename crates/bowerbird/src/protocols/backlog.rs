//! Bytes that wait to be sent.

use super::life::Backlog;

/// A queue of bytes in one piece.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    bytes: Vec<u8>,
    /// How many at the beginning are sent.
    sent: usize,
}

impl Backlog for Bytes {
    fn size(&self) -> usize {
        self.bytes.len() - self.sent
    }
}

impl Bytes {
    pub(super) fn is_empty(&self) -> bool {
        self.size() == 0
    }

    /// What is to be sent next.
    pub(super) fn front(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        // What was sent goes when that is the larger part: each byte is moved once, on average.
        if self.sent > self.size() {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
        self.bytes.extend_from_slice(bytes);
    }

    /// So many were sent. An empty backlog keeps no memory: most connections need it seldom.
    pub(super) fn advance(&mut self, count: usize) {
        self.sent += count;
        debug_assert!(self.sent <= self.bytes.len());
        if self.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_and_leave_no_memory() {
        let mut backlog = Bytes::default();
        let (mut put, mut got) = (0_u8, 0_u8);
        for round in 0..200_usize {
            let piece: Vec<u8> = (0..round % 7 + 3)
                .map(|_| {
                    put = put.wrapping_add(1);
                    put
                })
                .collect();
            backlog.push(&piece);
            let count = (round % 5 + 3).min(backlog.size());
            for byte in &backlog.front()[..count] {
                got = got.wrapping_add(1);
                assert_eq!(*byte, got);
            }
            backlog.advance(count);
            assert!(backlog.bytes.len() <= 2 * backlog.size() + 10, "what was sent is let go");
        }
        backlog.advance(backlog.size());
        assert_eq!((backlog.size(), backlog.bytes.capacity()), (0, 0));
    }
}
