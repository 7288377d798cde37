//! A TCP connection.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Shutdown, SocketAddr, TcpStream as OsStream};
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_base::unclosed::{Input, Unclosed};
use bowerbird_io::{AsyncFd, Interest, IoDriver, Leaf, expect_current};

use super::connect::Connect;
use super::futures::{
    Flush, Peek, Read, ReadExact, ReadToEnd, Readable, ShutdownWrite, Writable, Write, WriteAll,
};
use super::split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf};
use crate::socket;
use crate::to_addrs::ToAddrs;

/// A TCP connection.
///
/// asyncio: the pair of `StreamReader` and `StreamWriter` of `open_connection`, without their buffers; a
/// `write` here waits until the system has taken the bytes, where `StreamWriter.write` queues them.
///
/// `TCP_NODELAY` is on. Dropping it closes the connection; debug mode reports one that was written to and is
/// dropped without [`shutdown`](Self::shutdown), or with input that nobody has read.
///
/// One task may read while another writes: through the traits on `&TcpStream`, or through the halves of
/// [`split`](Self::split) and [`into_split`](Self::into_split), which need no lock. Two tasks that both
/// read (or both write) at the same time through these have to agree on who is woken: the last one is.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let connect = TcpStream::connect(listener.local_addr()?);
///     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
///     client.write_all(b"hello").await?;
///     client.shutdown().await?;
///
///     let mut all = Vec::new();
///     server.read_to_end(&mut all).await?;
///     assert_eq!(all, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct TcpStream {
    source: AsyncFd<OsStream>,
    unclosed: Unclosed,
}

impl TcpStream {
    pub(crate) const INTEREST: Interest = Interest::READABLE.union(Interest::WRITABLE);

    /// Connects to the first address that answers.
    ///
    /// asyncio: `open_connection(host, port)` with `happy_eyeballs_delay=0.25`.
    ///
    /// A name is looked up on the blocking pool, a literal address on the spot. Of several addresses the
    /// next is tried when the one before has failed or has not answered within 250 ms (RFC 8305).
    ///
    /// # Cancel safety
    /// Dropping it gives the attempts up; there was no connection yet.
    ///
    /// # Errors
    /// The name cannot be looked up, or no address could be connected: the error of the only attempt, or
    /// one that lists them all.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{TcpListener, TcpStream};
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let connect = TcpStream::connect(("127.0.0.1", listener.local_addr()?.port()));
    ///     let (client, (_, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
    ///     assert_eq!(client.local_addr()?, peer);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect(addrs: impl ToAddrs) -> Connect {
        Connect::new(expect_current("TcpStream::connect"), Leaf::new("TcpStream::connect"), &addrs)
    }

    /// Connects to one address.
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up; there was no connection yet.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect_addr(address: SocketAddr) -> Connect {
        let driver = expect_current("TcpStream::connect_addr");
        Connect::new(driver, Leaf::new("TcpStream::connect_addr"), &address)
    }

    /// Takes a connection of std over: it becomes non-blocking. Its `TCP_NODELAY` is left as it is.
    ///
    /// asyncio: `open_connection(sock=sock)`.
    ///
    /// # Errors
    /// The system cannot poll it, or the runtime is shutting down.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn from_std(stream: OsStream) -> io::Result<Self> {
        let driver = expect_current("TcpStream::from_std");
        socket::adopt_stream(&stream)?;
        Self::register(driver, stream, Some(Location::caller()))
    }

    /// Gives the connection back to std, still non-blocking.
    ///
    /// asyncio: `transport.get_extra_info("socket")`, with the ownership.
    pub fn into_std(mut self) -> OsStream {
        self.unclosed = Unclosed::default();
        self.source.take_inner()
    }

    /// A connection that was made at the user's line, if that is known.
    pub(super) fn register(
        driver: Arc<IoDriver>,
        stream: OsStream,
        location: Option<&'static Location<'static>>,
    ) -> io::Result<Self> {
        let source = AsyncFd::register(driver, stream, Self::INTEREST)?;
        Ok(Self { source, unclosed: Unclosed::new(location) })
    }

    pub(super) fn connected(
        source: AsyncFd<OsStream>,
        location: Option<&'static Location<'static>>,
    ) -> io::Result<Self> {
        socket::set_nodelay(source.get_ref(), true)?;
        Ok(Self { source, unclosed: Unclosed::new(location) })
    }

    /// Somebody else sees to the end of the connection: debug mode does not look at it.
    pub(crate) fn closed_elsewhere(&self) {
        self.unclosed.intend();
    }

    pub(super) fn source(&self) -> &AsyncFd<OsStream> {
        &self.source
    }

    // ----- reading -----------------------------------------------------------------------------------

    /// Reads what is there, at least one byte; 0 means the end of the stream.
    ///
    /// asyncio: `StreamReader.read(n)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has read nothing.
    ///
    /// # Errors
    /// What the system says; or the runtime has shut down.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// server.write_all(b"hello").await?;
    /// drop(server);
    ///
    /// let mut buffer = [0; 16];
    /// let mut seen = Vec::new();
    /// loop {
    ///     match client.read(&mut buffer).await? {
    ///         0 => break, // the end of the stream
    ///         count => seen.extend_from_slice(&buffer[..count]),
    ///     }
    /// }
    /// assert_eq!(seen, b"hello");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn read<'a>(&'a mut self, buffer: &'a mut [u8]) -> Read<'a> {
        Read::new(self, buffer)
    }

    /// Fills the buffer.
    ///
    /// asyncio: `StreamReader.readexactly(n)`; its `IncompleteReadError` is `UnexpectedEof`.
    ///
    /// # Cancel safety
    /// Not safe: dropped half-way, what it has read is in the buffer, and how much is lost.
    ///
    /// # Errors
    /// `UnexpectedEof` if the stream ends before; else as for [`TcpStream::read`].
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// server.write_all(b"\x05hello").await?;
    /// let mut length = [0];
    /// client.read_exact(&mut length).await?;
    /// let mut body = vec![0; length[0].into()];
    /// client.read_exact(&mut body).await?;
    /// assert_eq!(body, b"hello");
    ///
    /// drop(server);
    /// let error = client.read_exact(&mut length).await.unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_exact<'a>(&'a mut self, buffer: &'a mut [u8]) -> ReadExact<'a> {
        ReadExact::new(self, buffer)
    }

    /// Reads to the end of the stream, appends to `buffer` and returns how many bytes there were.
    ///
    /// asyncio: `StreamReader.read(-1)`.
    ///
    /// # Cancel safety
    /// Not safe: dropped half-way, what it has read is in the buffer, but the stream is not at its end.
    ///
    /// # Errors
    /// As for [`TcpStream::read`]; what was read before is in the buffer.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// server.write_all(b"all of it").await?;
    /// drop(server);
    ///
    /// let mut all = Vec::new();
    /// assert_eq!(client.read_to_end(&mut all).await?, 9);
    /// assert_eq!(all, b"all of it");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_to_end<'a>(&'a mut self, buffer: &'a mut Vec<u8>) -> ReadToEnd<'a> {
        ReadToEnd::new(self, buffer)
    }

    /// Reads without taking the bytes from the stream. Any number of tasks may do so.
    ///
    /// asyncio: no counterpart (`sock.recv(n, MSG_PEEK)`).
    ///
    /// # Cancel safety
    /// Nothing is lost: nothing is taken.
    ///
    /// # Errors
    /// As for [`TcpStream::read`].
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// server.write_all(b"hello").await?;
    /// let (mut first, mut again) = ([0; 1], [0; 5]);
    /// assert_eq!(client.peek(&mut first).await?, 1);
    /// client.read_exact(&mut again).await?;
    /// assert_eq!((&first, &again), (b"h", b"hello"));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn peek<'a>(&'a self, buffer: &'a mut [u8]) -> Peek<'a> {
        Peek::new(self, buffer)
    }

    /// Waits until a read may succeed. Any number of tasks may do so.
    ///
    /// asyncio: `loop.add_reader`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// The runtime has shut down.
    #[track_caller]
    pub fn readable(&self) -> Readable<'_> {
        Readable(self.source.ready_for("TcpStream::readable", Interest::READABLE))
    }

    /// Tries to read; `WouldBlock` if nothing is there.
    ///
    /// asyncio: `sock.recv_into` in an `add_reader` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = buffer.len();
        self.source
            .try_io(Interest::READABLE, |_| self.recv_with(length, |s| socket::recv(s, buffer)))
    }

    /// Tries to read into several buffers; `WouldBlock` if nothing is there.
    ///
    /// asyncio: `sock.recvmsg_into` in an `add_reader` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        let mut recv = |s: &OsStream| socket::recv_vectored(s, buffers);
        self.source.try_io(Interest::READABLE, |_| self.recv_with(length, &mut recv))
    }

    /// One receive, and the note that it was short.
    #[inline]
    pub(super) fn recv_with(
        &self,
        length: usize,
        recv: impl FnOnce(&OsStream) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let before = self.source.before_read();
        let count = recv(self.source.get_ref())?;
        if 0 < count && count < length {
            self.source.clear_after_short_read(before);
        }
        Ok(count)
    }

    #[inline]
    pub(crate) fn poll_recv_leaf(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_with_leaf(cx, Interest::READABLE, leaf, |_| {
            let length = buffer.len();
            self.recv_with(length, |s| socket::recv(s, buffer))
        })
    }

    #[inline]
    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_read_with(cx, |_| {
            let length = buffer.len();
            self.recv_with(length, |s| socket::recv(s, buffer))
        })
    }

    pub(crate) fn poll_recv_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = buffers.iter().map(|buffer| buffer.len()).sum();
        self.source
            .poll_read_with(cx, |_| self.recv_with(length, |s| socket::recv_vectored(s, buffers)))
    }

    // ----- writing -----------------------------------------------------------------------------------

    /// Writes what the system takes, at least one byte, and returns how many.
    ///
    /// asyncio: `loop.sock_send`; `StreamWriter.write` and `drain` are [`write_all`](Self::write_all).
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has written nothing.
    ///
    /// # Errors
    /// What the system says; or the runtime has shut down.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (_server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// let count = client.write(b"hello").await?;
    /// assert!((1..=5).contains(&count));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Write<'a> {
        Write::new(self, bytes)
    }

    /// Writes all of it.
    ///
    /// asyncio: `StreamWriter.write(data)` and `await drain()`, with nothing left in a buffer.
    ///
    /// # Cancel safety
    /// Not safe: dropped half-way, how much was written is lost.
    ///
    /// # Errors
    /// As for [`TcpStream::write`].
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// client.write_all(b"hello").await?;
    /// let mut buffer = [0; 5];
    /// server.read_exact(&mut buffer).await?;
    /// assert_eq!(&buffer, b"hello");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> WriteAll<'a> {
        WriteAll::new(self, bytes)
    }

    /// Does nothing: there is no buffer here.
    ///
    /// asyncio: `StreamWriter.drain()`, for code that is written for buffers.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// None.
    pub fn flush(&mut self) -> Flush {
        Flush::new()
    }

    /// Ends the writing direction: the peer reads the end of the stream; reading goes on.
    ///
    /// asyncio: `StreamWriter.write_eof()`.
    ///
    /// # Cancel safety
    /// It never waits.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// client.shutdown().await?;
    /// assert_eq!(server.read(&mut [0; 1]).await?, 0);
    ///
    /// server.write_all(b"still there").await?;
    /// assert!(client.read(&mut [0; 16]).await? > 0);
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    #[track_caller]
    pub fn shutdown(&mut self) -> ShutdownWrite<'_> {
        ShutdownWrite::new(self)
    }

    /// Ends one direction or both, at once.
    ///
    /// asyncio: `sock.shutdown(how)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn shutdown_how(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.unclosed.ended();
        }
        socket::shutdown(self.source.get_ref(), how)
    }

    /// Waits until a write may succeed. Any number of tasks may do so.
    ///
    /// asyncio: `loop.add_writer`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// The runtime has shut down.
    #[track_caller]
    pub fn writable(&self) -> Writable<'_> {
        Writable(self.source.ready_for("TcpStream::writable", Interest::WRITABLE))
    }

    /// Tries to write; `WouldBlock` if the system takes nothing.
    ///
    /// asyncio: `sock.send` in an `add_writer` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.source.try_io(Interest::WRITABLE, |_| self.send_with(|s| socket::send(s, bytes)))
    }

    /// Tries to write several buffers; `WouldBlock` if the system takes nothing.
    ///
    /// asyncio: `sock.sendmsg` in an `add_writer` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or what the system says.
    pub fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.source
            .try_io(Interest::WRITABLE, |_| self.send_with(|s| socket::send_vectored(s, bytes)))
    }

    /// One send, and the note that there was one.
    #[inline]
    fn send_with(&self, send: impl FnOnce(&OsStream) -> io::Result<usize>) -> io::Result<usize> {
        let count = send(self.source.get_ref())?;
        self.unclosed.wrote();
        Ok(count)
    }

    #[inline]
    pub(super) fn poll_send_leaf(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_with_leaf(cx, Interest::WRITABLE, leaf, |_| {
            self.send_with(|s| socket::send(s, bytes))
        })
    }

    #[inline]
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.source.poll_write_with(cx, |_| self.send_with(|s| socket::send(s, bytes)))
    }

    #[inline]
    pub(crate) fn poll_send_vectored(
        &self,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.source.poll_write_with(cx, |_| self.send_with(|s| socket::send_vectored(s, bytes)))
    }

    // ----- halves ------------------------------------------------------------------------------------

    /// Borrows a reading and a writing half, for one task or two that do not outlive the stream.
    ///
    /// asyncio: the two values of `open_connection`.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// let (mut read, mut write) = client.split();
    /// let mut echo = [0; 5];
    /// let mut greeting = [0; 5];
    /// bowerbird::try_join((write.write_all(b"hello"), read.read_exact(&mut echo), async {
    ///     server.read_exact(&mut greeting).await?;
    ///     server.write_all(&greeting).await
    /// })).await?;
    /// assert_eq!(&echo, b"hello");
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn split(&mut self) -> (ReadHalf<'_>, WriteHalf<'_>) {
        (ReadHalf::new(self), WriteHalf::new(self))
    }

    /// Splits into a reading and a writing half, for two tasks. Dropping the writing half ends that
    /// direction, so that the peer reads the end of the stream.
    ///
    /// asyncio: the two values of `open_connection`.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// #     let connect = TcpStream::connect(listener.local_addr()?);
    /// #     let (client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    /// let (mut read, mut write) = client.into_split();
    /// let reader = bowerbird::spawn(async move {
    ///     let mut all = Vec::new();
    ///     read.read_to_end(&mut all).await.map(|_| all)
    /// });
    /// let writer = bowerbird::spawn(async move { write.write_all(b"question").await });
    /// server.write_all(b"answer").await?;
    /// writer.await.unwrap()?; // the half is dropped: the server reads the end of the stream
    /// let mut question = Vec::new();
    /// server.read_to_end(&mut question).await?;
    /// drop(server);
    /// assert_eq!((question, reader.await.unwrap()?), (b"question".to_vec(), b"answer".to_vec()));
    /// # std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn into_split(self) -> (OwnedReadHalf, OwnedWriteHalf) {
        super::split::into_split(self)
    }

    // ----- addresses and options ---------------------------------------------------------------------

    /// The address of this end.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// asyncio: `get_extra_info("peername")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.source.get_ref().peer_addr()
    }

    /// Returns whether `TCP_NODELAY` is on.
    ///
    /// # Errors
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.source.get_ref().nodelay()
    }

    /// Sets `TCP_NODELAY`. It is on from the beginning, as in asyncio.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        socket::set_nodelay(self.source.get_ref(), on)
    }

    /// The time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.get_ref().ttl()
    }

    /// Sets the time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source.get_ref().set_ttl(ttl)
    }

    /// How long a close waits for unsent data (`SO_LINGER`).
    ///
    /// # Errors
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        socket::linger(self.source.get_ref())
    }

    /// Sets `SO_LINGER`. With zero a close resets the connection; with more it **blocks the worker** that
    /// closes, if data is unsent.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        if linger == Some(Duration::ZERO) {
            self.unclosed.intend();
        }
        socket::set_linger(self.source.get_ref(), linger)
    }

    /// Takes the error that waits on the socket, if there is one (`SO_ERROR`).
    ///
    /// # Errors
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.get_ref().take_error()
    }
}

impl Drop for TcpStream {
    #[inline]
    fn drop(&mut self) {
        let source = &self.source;
        let look = || match socket::peek(source.get_ref(), &mut [0; 1]) {
            Ok(0) => Input::Ended,
            Ok(_) => Input::Unread,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Input::Nothing,
            Err(_) => Input::Ended,
        };
        let peer = || Some(source.get_ref().peer_addr().ok()?.to_string());
        self.unclosed.dropped("TcpStream", look, peer);
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.get_ref().fmt(f)
    }
}
