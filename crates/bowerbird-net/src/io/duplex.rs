//! Pipes in memory: [`simplex`], [`duplex`].
//!
//! A pipe is a queue of bytes under a lock, and a slot for the waker of each end. An end that cannot go on
//! registers its waker and looks again; whoever changes the queue wakes the other end after unlocking. So a change
//! is either seen by the second look, or comes after the waker is there.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_io::Leaf;
use futures_io::{AsyncRead, AsyncWrite};

struct Pipe {
    queue: Mutex<Queue>,
    reader: WakerSlot,
    writer: WakerSlot,
}

struct Queue {
    bytes: VecDeque<u8>,
    size: usize,
    has_reader: bool,
    has_writer: bool,
}

impl Pipe {
    /// Polls one end: `operation` gives `None` as long as it has to wait.
    fn poll_end<T>(
        &self,
        slot: &WakerSlot,
        kind: &'static str,
        is_suspended: &mut bool,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&mut Queue) -> Option<T>,
    ) -> Poll<T> {
        let mut leaf = Leaf::without_location(*is_suspended);
        let Poll::Ready(proceed) = leaf.poll_enter(cx) else {
            *is_suspended = true;
            return Poll::Pending;
        };
        let mut is_registered = false;
        loop {
            let result = operation(&mut self.queue.lock());
            if let Some(result) = result {
                proceed.made_progress();
                *is_suspended = false;
                return Poll::Ready(result);
            }
            if is_registered {
                leaf.suspend(kind, std::ptr::from_ref(self).addr() as u64);
                *is_suspended = true;
                return Poll::Pending;
            }
            slot.register(cx.waker());
            is_registered = true;
        }
    }

    fn end_writing(&self) {
        self.queue.lock().has_writer = false;
        self.reader.wake();
    }

    fn end_reading(&self) {
        let unread = {
            let mut queue = self.queue.lock();
            queue.has_reader = false;
            std::mem::take(&mut queue.bytes)
        };
        drop(unread);
        self.writer.wake();
    }
}

/// The reading end of a pipe in memory, from [`simplex`] or [`DuplexStream::into_split`].
///
/// Dropping it makes writes fail with `BrokenPipe`.
pub struct SimplexReader {
    pipe: Arc<Pipe>,
    is_suspended: bool,
}

/// The writing end of a pipe in memory, from [`simplex`] or [`DuplexStream::into_split`].
///
/// Dropping or closing it makes the reader see the end of the stream behind what was written.
pub struct SimplexWriter {
    pipe: Arc<Pipe>,
    is_suspended: bool,
}

/// Makes a pipe in memory that holds `size` bytes: what one end writes, the other reads.
///
/// asyncio: no counterpart; a `StreamReader` to which one feeds data by hand.
///
/// # Panics
/// If the size is 0.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let (mut reader, mut writer) = bowerbird::io::simplex(2);
///     let write = async move { writer.write_all(b"hello").await };
///     let mut text = String::new();
///     bowerbird::try_join((write, reader.read_to_string(&mut text))).await?;
///     assert_eq!(text, "hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn simplex(size: usize) -> (SimplexReader, SimplexWriter) {
    assert!(size > 0, "simplex: a pipe of 0 bytes lets nothing through; give it at least 1");
    let queue = Queue { bytes: VecDeque::new(), size, has_reader: true, has_writer: true };
    let pipe = Arc::new(Pipe {
        queue: Mutex::new(queue),
        reader: WakerSlot::new(),
        writer: WakerSlot::new(),
    });
    let reader = SimplexReader { pipe: pipe.clone(), is_suspended: false };
    (reader, SimplexWriter { pipe, is_suspended: false })
}

/// Makes two streams in memory that are connected: what one writes, the other reads. `size` bytes fit into each
/// direction.
///
/// asyncio: `socket.socketpair()`, without the system.
///
/// # Panics
/// If the size is 0.
///
/// # Examples
/// ```
/// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let (mut client, mut server) = bowerbird::io::duplex(64);
///     client.write_all(b"hello").await?;
///     let mut buffer = [0; 5];
///     server.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn duplex(size: usize) -> (DuplexStream, DuplexStream) {
    assert!(size > 0, "duplex: streams of 0 bytes let nothing through; give them at least 1");
    let (here_reader, there_writer) = simplex(size);
    let (there_reader, here_writer) = simplex(size);
    let here = DuplexStream { reader: here_reader, writer: here_writer };
    (here, DuplexStream { reader: there_reader, writer: there_writer })
}

/// One of two streams in memory that are connected, from [`duplex`].
///
/// Dropping it makes the other one see the end of the stream behind what was written, and its writes fail with
/// `BrokenPipe`.
pub struct DuplexStream {
    reader: SimplexReader,
    writer: SimplexWriter,
}

impl DuplexStream {
    /// Splits into a reading and a writing half, for two tasks. They share nothing.
    pub fn into_split(self) -> (SimplexReader, SimplexWriter) {
        (self.reader, self.writer)
    }
}

impl SimplexReader {
    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&mut VecDeque<u8>) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let Self { pipe, is_suspended } = self;
        let result = pipe.poll_end(&pipe.reader, "readable", is_suspended, cx, |queue| {
            if queue.bytes.is_empty() && queue.has_writer {
                return None;
            }
            Some(read(&mut queue.bytes))
        });
        if matches!(result, Poll::Ready(Ok(1..))) {
            pipe.writer.wake();
        }
        result
    }
}

impl SimplexWriter {
    fn poll_with(
        &mut self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&mut VecDeque<u8>, usize) -> usize,
    ) -> Poll<io::Result<usize>> {
        let Self { pipe, is_suspended } = self;
        let result = pipe.poll_end(&pipe.writer, "writable", is_suspended, cx, |queue| {
            if !queue.has_reader || !queue.has_writer {
                return Some(Err(io::ErrorKind::BrokenPipe.into()));
            }
            let room = queue.size - queue.bytes.len();
            (room > 0).then(|| Ok(write(&mut queue.bytes, room)))
        });
        if matches!(result, Poll::Ready(Ok(1..))) {
            pipe.reader.wake();
        }
        result
    }
}

/// Appends what has room, and returns how much that is.
fn append(queue: &mut VecDeque<u8>, bytes: &[u8], room: usize) -> usize {
    let count = bytes.len().min(room);
    queue.extend(&bytes[..count]);
    count
}

impl AsyncRead for SimplexReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(cx, |bytes| {
            let first = bytes.read(buffer)?;
            // A queue that goes round has two parts, and gives one at a time.
            Ok(first + bytes.read(&mut buffer[first..])?)
        })
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        if buffers.iter().all(|buffer| buffer.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(cx, |bytes| {
            let mut count = 0;
            for buffer in &mut *buffers {
                let first = bytes.read(buffer)?;
                count += first + bytes.read(&mut buffer[first..])?;
            }
            Ok(count)
        })
    }
}

impl AsyncWrite for SimplexWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(cx, |queue, room| append(queue, bytes, room))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if buffers.iter().all(|buffer| buffer.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(cx, |queue, room| {
            let mut count = 0;
            for buffer in buffers {
                count += append(queue, buffer, room - count);
            }
            count
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.end_writing();
        Poll::Ready(Ok(()))
    }
}

super::join::reads_from!([] DuplexStream);
super::join::writes_to!([] DuplexStream);

impl Drop for SimplexReader {
    fn drop(&mut self) {
        self.pipe.end_reading();
    }
}

impl Drop for SimplexWriter {
    fn drop(&mut self) {
        self.pipe.end_writing();
    }
}

impl Pipe {
    fn show(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, size) = {
            let queue = self.queue.lock();
            (queue.bytes.len(), queue.size)
        };
        f.debug_struct(name).field("length", &length).field("size", &size).finish_non_exhaustive()
    }
}

impl fmt::Debug for SimplexReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pipe.show("SimplexReader", f)
    }
}

impl fmt::Debug for SimplexWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pipe.show("SimplexWriter", f)
    }
}

impl fmt::Debug for DuplexStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DuplexStream")
            .field("reader", &self.reader)
            .field("writer", &self.writer)
            .finish()
    }
}
