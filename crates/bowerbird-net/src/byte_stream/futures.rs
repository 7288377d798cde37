//! The futures of the methods of streams and of their halves. `O` is what the system's handle is.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_io::{Descriptor, Interest, Leaf, ReadyFor};

use super::Core;
use crate::socket::{OsRead, OsSocket, OsWrite};

fn end_of_stream() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ended before the buffer was full")
}

/// The future of [`TcpStream::read`](crate::TcpStream::read) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Read<'a, O: OsRead = TcpStream> {
    stream: &'a Core<O>,
    buffer: &'a mut [u8],
    leaf: Leaf,
}

impl<'a, O: OsRead> Read<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, buffer: &'a mut [u8]) -> Self {
        Self { stream, buffer, leaf: Leaf::new(O::CALLS.read) }
    }
}

impl<O: OsRead> Future for Read<'_, O> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, buffer, leaf } = self.get_mut();
        stream.poll_recv_leaf(cx, leaf, buffer)
    }
}

/// The future of [`TcpStream::read_exact`](crate::TcpStream::read_exact) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadExact<'a, O: OsRead = TcpStream> {
    stream: &'a Core<O>,
    buffer: &'a mut [u8],
    filled: usize,
    leaf: Leaf,
}

impl<'a, O: OsRead> ReadExact<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, buffer: &'a mut [u8]) -> Self {
        Self { stream, buffer, filled: 0, leaf: Leaf::new(O::CALLS.read_exact) }
    }
}

impl<O: OsRead> Future for ReadExact<'_, O> {
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

/// The future of [`TcpStream::read_to_end`](crate::TcpStream::read_to_end) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadToEnd<'a, O: OsRead = TcpStream> {
    stream: &'a Core<O>,
    buffer: &'a mut Vec<u8>,
    begin: usize,
    leaf: Leaf,
}

impl<'a, O: OsRead> ReadToEnd<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, buffer: &'a mut Vec<u8>) -> Self {
        let begin = buffer.len();
        Self { stream, buffer, begin, leaf: Leaf::new(O::CALLS.read_to_end) }
    }
}

impl<O: OsRead> Future for ReadToEnd<'_, O> {
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

/// The future of [`TcpStream::write`](crate::TcpStream::write) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Write<'a, O: OsWrite = TcpStream> {
    stream: &'a Core<O>,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a, O: OsWrite> Write<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, bytes: &'a [u8]) -> Self {
        Self { stream, bytes, leaf: Leaf::new(O::CALLS.write) }
    }
}

impl<O: OsWrite> Future for Write<'_, O> {
    type Output = io::Result<usize>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { stream, bytes, leaf } = self.get_mut();
        stream.poll_send_leaf(cx, leaf, bytes)
    }
}

/// The future of [`TcpStream::write_all`](crate::TcpStream::write_all) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct WriteAll<'a, O: OsWrite = TcpStream> {
    stream: &'a Core<O>,
    bytes: &'a [u8],
    leaf: Leaf,
}

impl<'a, O: OsWrite> WriteAll<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, bytes: &'a [u8]) -> Self {
        Self { stream, bytes, leaf: Leaf::new(O::CALLS.write_all) }
    }
}

impl<O: OsWrite> Future for WriteAll<'_, O> {
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

/// The future of [`TcpStream::flush`](crate::TcpStream::flush) and of its namesakes: ready at once.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Flush(());

impl Flush {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

impl Future for Flush {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(()))
    }
}

/// The future of [`TcpStream::shutdown`](crate::TcpStream::shutdown) and of its namesakes: ready at once.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ShutdownWrite<'a, O: OsSocket = TcpStream> {
    stream: &'a Core<O>,
    site: CallSite,
}

impl<'a, O: OsSocket> ShutdownWrite<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>) -> Self {
        Self { stream, site: CallSite::new(O::CALLS.shutdown) }
    }
}

impl<O: OsSocket> Future for ShutdownWrite<'_, O> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        Poll::Ready(self.stream.shutdown(Shutdown::Write))
    }
}

/// The future of [`TcpStream::readable`](crate::TcpStream::readable) and of its namesakes.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Readable<'a, O: Descriptor = TcpStream>(pub(crate) ReadyFor<'a, O>);

/// The future of [`TcpStream::writable`](crate::TcpStream::writable) and of its namesakes.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Writable<'a, O: Descriptor = TcpStream>(pub(crate) ReadyFor<'a, O>);

impl<O: Descriptor> Future for Readable<'_, O> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(drop)
    }
}

impl<O: Descriptor> Future for Writable<'_, O> {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_ok(drop)
    }
}

/// The future of [`TcpStream::peek`](crate::TcpStream::peek) and of its namesakes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Peek<'a, O: OsSocket = TcpStream> {
    stream: &'a Core<O>,
    buffer: &'a mut [u8],
    /// Polled when nothing is there.
    readable: ReadyFor<'a, O>,
    is_suspended: bool,
    site: CallSite,
}

impl<'a, O: OsSocket> Peek<'a, O> {
    #[track_caller]
    pub(crate) fn new(stream: &'a Core<O>, buffer: &'a mut [u8]) -> Self {
        let readable = stream.source().ready_for(O::CALLS.peek, Interest::READABLE).into_part();
        let site = CallSite::new(O::CALLS.peek);
        Self { stream, buffer, readable, is_suspended: false, site }
    }
}

impl<O: OsSocket> Future for Peek<'_, O> {
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
            match source.try_io(Interest::READABLE, |os| os.peek(buffer)) {
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
impl<O: OsRead> CancelSafe for Read<'_, O> {}
impl<O: OsWrite> CancelSafe for Write<'_, O> {}
impl CancelSafe for Flush {}
impl<O: OsSocket> CancelSafe for ShutdownWrite<'_, O> {}
impl<O: Descriptor> CancelSafe for Readable<'_, O> {}
impl<O: Descriptor> CancelSafe for Writable<'_, O> {}
impl<O: OsSocket> CancelSafe for Peek<'_, O> {}

/// Shows the name only: what is in the buffers is the user's.
macro_rules! debug_by_name {
    ($($name:ident: $os:ident),*) => {
        $(impl<O: $os> fmt::Debug for $name<'_, O> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        })*
    };
}

debug_by_name!(
    Read: OsRead,
    ReadExact: OsRead,
    ReadToEnd: OsRead,
    Write: OsWrite,
    WriteAll: OsWrite,
    ShutdownWrite: OsSocket,
    Peek: OsSocket
);
