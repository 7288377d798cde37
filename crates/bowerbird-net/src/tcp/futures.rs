//! The futures of the methods of [`TcpStream`] and of its halves.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Shutdown, TcpStream as OsStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_io::{Interest, Leaf, ReadyFor};

use super::TcpStream;
use crate::socket;

fn end_of_stream() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended before the buffer was full")
}

/// The future of [`TcpStream::read`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Read<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    leaf: Leaf,
}

impl<'a> Read<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, buffer: &'a mut [u8]) -> Self {
        Self { stream, buffer, leaf: Leaf::new("TcpStream::read") }
    }
}

impl Future for Read<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buffer, leaf } = self.get_mut();
        stream.poll_recv_leaf(cx, leaf, buffer)
    }
}

/// The future of [`TcpStream::read_exact`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadExact<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    filled: usize,
    leaf: Leaf,
}

impl<'a> ReadExact<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, buffer: &'a mut [u8]) -> Self {
        Self { stream, buffer, filled: 0, leaf: Leaf::new("TcpStream::read_exact") }
    }
}

impl Future for ReadExact<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buffer, filled, leaf } = self.get_mut();
        while *filled < buffer.len() {
            match ready!(stream.poll_recv_leaf(cx, leaf, &mut buffer[*filled..]))? {
                0 => return Poll::Ready(Err(end_of_stream())),
                count => *filled += count,
            }
        }
        // Also without a read, for an empty buffer.
        leaf.polled();
        Poll::Ready(Ok(()))
    }
}

/// How much room [`ReadToEnd`] makes at a time, at least and at most: room is zeroed before each read.
const ROOM: (usize, usize) = (8 * 1024, 64 * 1024);

/// The future of [`TcpStream::read_to_end`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToEnd<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut Vec<u8>,
    begin: usize,
    leaf: Leaf,
}

impl<'a> ReadToEnd<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, buffer: &'a mut Vec<u8>) -> Self {
        let begin = buffer.len();
        Self { stream, buffer, begin, leaf: Leaf::new("TcpStream::read_to_end") }
    }
}

impl Future for ReadToEnd<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buffer, begin, leaf } = self.get_mut();
        loop {
            let length = buffer.len();
            // As much again as there is, so that a short stream costs little and a long one few reads.
            let room = (length - *begin).clamp(ROOM.0, ROOM.1);
            buffer.resize(length + room, 0);
            let result = stream.poll_recv_leaf(cx, leaf, &mut buffer[length..]);
            let count = if let Poll::Ready(Ok(count)) = &result { *count } else { 0 };
            buffer.truncate(length + count);
            if ready!(result)? == 0 {
                return Poll::Ready(Ok(length - *begin));
            }
        }
    }
}

/// The future of [`TcpStream::write`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Write<'a> {
    stream: &'a TcpStream,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a> Write<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, bytes: &'a [u8]) -> Self {
        Self { stream, bytes, leaf: Leaf::new("TcpStream::write") }
    }
}

impl Future for Write<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, bytes, leaf } = self.get_mut();
        stream.poll_send_leaf(cx, leaf, bytes)
    }
}

/// The future of [`TcpStream::write_all`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAll<'a> {
    stream: &'a TcpStream,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a> WriteAll<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, bytes: &'a [u8]) -> Self {
        Self { stream, bytes, leaf: Leaf::new("TcpStream::write_all") }
    }
}

impl Future for WriteAll<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, bytes, leaf } = self.get_mut();
        while !bytes.is_empty() {
            match ready!(stream.poll_send_leaf(cx, leaf, bytes))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => *bytes = &bytes[count..],
            }
        }
        // Also without a write, for no bytes.
        leaf.polled();
        Poll::Ready(Ok(()))
    }
}

/// The future of [`TcpStream::flush`]: ready at once.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Flush(());

impl Flush {
    pub(super) fn new() -> Self {
        Self(())
    }
}

impl Future for Flush {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

/// The future of [`TcpStream::shutdown`]: ready at once.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ShutdownWrite<'a> {
    stream: &'a TcpStream,
    site: CallSite,
}

impl<'a> ShutdownWrite<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self { stream, site: CallSite::new("TcpStream::shutdown") }
    }
}

impl Future for ShutdownWrite<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        Poll::Ready(self.stream.shutdown_how(Shutdown::Write))
    }
}

/// The future of [`TcpStream::readable`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Readable<'a>(pub(super) ReadyFor<'a, OsStream>);

/// The future of [`TcpStream::writable`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Writable<'a>(pub(super) ReadyFor<'a, OsStream>);

impl Future for Readable<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(drop)
    }
}

impl Future for Writable<'_> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(drop)
    }
}

/// The future of [`TcpStream::peek`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Peek<'a> {
    stream: &'a TcpStream,
    buffer: &'a mut [u8],
    /// Polled when nothing is there.
    readable: ReadyFor<'a, OsStream>,
    is_suspended: bool,
    site: CallSite,
}

impl<'a> Peek<'a> {
    #[track_caller]
    pub(super) fn new(stream: &'a TcpStream, buffer: &'a mut [u8]) -> Self {
        let readable = stream.source().ready_for("TcpStream::peek", Interest::READABLE).into_part();
        let site = CallSite::new("TcpStream::peek");
        Self { stream, buffer, readable, is_suspended: false, site }
    }
}

impl Future for Peek<'_> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buffer, readable, is_suspended, site } = self.get_mut();
        site.polled();
        if *is_suspended && poll_context::is_offered() {
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        let source = stream.source();
        loop {
            let proceed = ready!(poll_context::poll_proceed(cx));
            match source.try_io(Interest::READABLE, |s| socket::peek(s, buffer)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    proceed.made_progress();
                    return Poll::Ready(result);
                }
            }
            *is_suspended = true;
            ready!(Pin::new(&mut *readable).poll(cx))?;
        }
    }
}

// A read or a write completes in the poll that has done it.
impl CancelSafe for Read<'_> {}
impl CancelSafe for Write<'_> {}
impl CancelSafe for Flush {}
impl CancelSafe for ShutdownWrite<'_> {}
impl CancelSafe for Readable<'_> {}
impl CancelSafe for Writable<'_> {}
impl CancelSafe for Peek<'_> {}

/// Shows the name only: what is in the buffers is the user's.
macro_rules! debug_by_name {
    ($($name:ident),*) => {
        $(impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

debug_by_name!(Read, ReadExact, ReadToEnd, Write, WriteAll, ShutdownWrite, Peek);
