//! A reader and a writer that do everything in small pieces, and wait in between.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird::io::{AsyncRead, AsyncWrite};

/// Gives its bytes in pieces of the given sizes, over and over; a size of 0 is a wait, which ends by itself.
#[derive(Debug)]
pub struct Dribble {
    bytes: VecDeque<u8>,
    sizes: Vec<usize>,
    turn: usize,
}

impl Dribble {
    /// Makes a reader. Without sizes it gives all at once.
    pub fn new(bytes: &[u8], sizes: &[usize]) -> Self {
        let sizes =
            if sizes.iter().any(|size| *size > 0) { sizes.to_vec() } else { vec![usize::MAX] };
        Self { bytes: bytes.iter().copied().collect(), sizes, turn: 0 }
    }

    fn next_size(&mut self) -> usize {
        self.turn += 1;
        self.sizes[(self.turn - 1) % self.sizes.len()]
    }
}

impl AsyncRead for Dribble {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let size = self.next_size();
        if size == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let most = size.min(buffer.len());
        Poll::Ready(io::Read::read(&mut self.bytes, &mut buffer[..most]))
    }
}

/// Takes bytes in pieces of the given sizes, over and over; a size of 0 is a wait, which ends by itself.
#[derive(Debug)]
pub struct Sip {
    /// What was taken.
    pub taken: Vec<u8>,
    /// How often it was flushed, and closed.
    pub ends: (usize, usize),
    sizes: Vec<usize>,
    turn: usize,
}

impl Sip {
    /// Makes a writer.
    pub fn new(sizes: &[usize]) -> Self {
        let sizes =
            if sizes.iter().any(|size| *size > 0) { sizes.to_vec() } else { vec![usize::MAX] };
        Self { taken: Vec::new(), ends: (0, 0), sizes, turn: 0 }
    }
}

impl AsyncWrite for Sip {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.turn += 1;
        let size = self.sizes[(self.turn - 1) % self.sizes.len()];
        if size == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let count = size.min(bytes.len());
        self.taken.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ends.0 += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ends.1 += 1;
        Poll::Ready(Ok(()))
    }
}
