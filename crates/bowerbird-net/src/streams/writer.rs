//! The writing side.

use std::any::{Any, TypeId};
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bowerbird_base::debug::{self, Warning, WarningKind};
use bowerbird_io::Leaf;
use futures_io::AsyncWrite;

use super::boxed::{BoxedWire, WriteOnly};
use super::connection::{Connection, Goal};
use super::waits::{Drain, WaitClosed};
use crate::tcp::TcpStream;

/// Writes to a connection through a buffer that is emptied without anybody awaiting it.
///
/// asyncio: `StreamWriter`, with the transport under it. All methods take `&self`: a writer in an `Arc` may be
/// used by many tasks, and what one call writes stays together.
///
/// [`write`](Self::write) hands to the system what it takes and keeps the rest, which is sent as soon as the
/// system takes more. So it never waits, and the buffer grows as long as nobody awaits
/// [`drain`](Self::drain): that waits while more than 64 KiB are in it, until there are less than 16 KiB.
/// Who writes and drains in turns holds 64 KiB and one write at most.
///
/// What is written after the connection was closed or failed is thrown away; `drain` and
/// [`wait_closed`](Self::wait_closed) tell of that.
///
/// A writer that is dropped ends its direction after what it has buffered, and the connection is closed when its
/// reader is gone too; asyncio closes it at once. Debug mode reports a writer that was not closed by hand before.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
/// use bowerbird::streams::from_tcp;
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let connect = TcpStream::connect(listener.local_addr()?);
///     let (client, (server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
///     let (mut reader, writer) = from_tcp(client);
///     let (mut server_reader, server_writer) = from_tcp(server);
///
///     writer.write(b"hello\n");
///     writer.drain().await?;
///     let line = server_reader.readline().await?;
///     server_writer.writelines([&b"you said: "[..], &line]);
///     server_writer.close();
///     server_writer.wait_closed().await?;
///
///     assert_eq!(reader.read_to_end().await?, b"you said: hello\n");
///     writer.close();
///     writer.wait_closed().await
/// }).unwrap();
/// ```
pub struct StreamWriter {
    pub(super) connection: Arc<Connection>,
    /// The connection again, as the waker that its wire is given.
    waker: Waker,
    location: &'static Location<'static>,
    /// Of the traits' `poll_*` forms.
    pub(super) waiting: Waiting,
}

/// What a wait for the connection keeps between its polls.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) key: Option<u64>,
    is_suspended: bool,
}

impl StreamWriter {
    pub(super) fn over(connection: Arc<Connection>, location: &'static Location<'static>) -> Self {
        let waker = Waker::from(connection.clone());
        Self { connection, waker, location, waiting: Waiting::default() }
    }

    /// Writes to anything that can be written to, such as the end of a pipe.
    ///
    /// asyncio: `StreamWriter` with `loop.connect_write_pipe`.
    ///
    /// To close it is to flush it, to call its `poll_close` and to drop it.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamWriter;
    /// use futures_io::AsyncWrite;
    /// use std::{io, pin::Pin, sync::mpsc, task::{Context, Poll}};
    ///
    /// struct Channel(mpsc::Sender<Vec<u8>>);
    ///
    /// impl AsyncWrite for Channel {
    ///     fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
    ///         self.0.send(bytes.to_vec()).unwrap();
    ///         Poll::Ready(Ok(bytes.len()))
    ///     }
    ///     fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    ///     fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
    ///         Poll::Ready(Ok(()))
    ///     }
    /// }
    ///
    /// bowerbird::run(async {
    ///     let (sender, receiver) = mpsc::channel();
    ///     let writer = StreamWriter::new(Channel(sender));
    ///     writer.write("hello");
    ///     writer.close();
    ///     writer.wait_closed().await?;
    ///     assert_eq!(receiver.into_iter().collect::<Vec<_>>(), [b"hello"]);
    ///     io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn new(stream: impl AsyncWrite + Send + 'static) -> Self {
        let wire = BoxedWire::new(WriteOnly(Box::pin(stream)));
        Self::over(Connection::new(wire, false), Location::caller())
    }

    /// Writes bytes: sends what the system takes now, and keeps the rest.
    ///
    /// asyncio: `write(data)`.
    ///
    /// # Panics
    /// After [`write_eof`](Self::write_eof).
    #[track_caller]
    pub fn write(&self, data: impl AsRef<[u8]>) {
        self.write_pieces(&[IoSlice::new(data.as_ref())]);
    }

    /// Writes several pieces, by one system call where they are not too many.
    ///
    /// asyncio: `writelines(list)`; nothing is put between them there either.
    ///
    /// # Panics
    /// After [`write_eof`](Self::write_eof).
    #[track_caller]
    pub fn writelines<P: AsRef<[u8]>>(&self, pieces: impl IntoIterator<Item = P>) {
        let pieces: Vec<P> = pieces.into_iter().collect();
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece.as_ref())).collect();
        self.write_pieces(&slices);
    }

    #[track_caller]
    pub(super) fn write_pieces(&self, pieces: &[IoSlice<'_>]) {
        self.connection.write(&self.waker, pieces);
    }

    /// Waits while too much is buffered.
    ///
    /// asyncio: `drain()`. Any number of tasks may wait.
    ///
    /// # Cancel safety
    /// Nothing is lost: what is buffered is sent in any case.
    ///
    /// # Errors
    /// What the connection failed with, also in its reader; `ConnectionReset` if it is closed.
    #[track_caller]
    pub fn drain(&self) -> Drain<'_> {
        Drain::new(&self.connection)
    }

    /// Ends the writing direction when everything is sent: the peer reads the end, and may still write.
    ///
    /// asyncio: `write_eof()`.
    pub fn write_eof(&self) {
        self.connection.write_eof(&self.waker);
    }

    /// Returns whether reading goes on after [`write_eof`](Self::write_eof).
    ///
    /// asyncio: `can_write_eof()`.
    pub fn can_write_eof(&self) -> bool {
        self.connection.wire.can_write_eof()
    }

    /// Closes the connection when everything is sent, in both directions. Returns at once.
    ///
    /// asyncio: `close()`. The reader gives what it has, then the end. The descriptor goes with the later of
    /// reader and writer.
    pub fn close(&self) {
        self.connection.close(&self.waker);
    }

    /// Closes this connection, and not the one that has it for a wire.
    #[cfg(feature = "tls")]
    pub(super) fn close_itself(&self) {
        self.connection.close_itself(&self.waker);
    }

    /// Returns whether the connection is closed, or being closed.
    ///
    /// asyncio: `is_closing()`.
    pub fn is_closing(&self) -> bool {
        self.connection.is_closing()
    }

    /// Waits until the connection is closed: for [`close`](Self::close), [`abort`](Self::abort) or an error.
    ///
    /// asyncio: `wait_closed()`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// What the connection failed with.
    #[track_caller]
    pub fn wait_closed(&self) -> WaitClosed<'_> {
        WaitClosed::new(&self.connection)
    }

    /// Closes the connection now. What is buffered here is lost.
    ///
    /// asyncio: `writer.transport.abort()`.
    pub fn abort(&self) {
        self.connection.abort();
    }

    /// How much is buffered.
    ///
    /// asyncio: `writer.transport.get_write_buffer_size()`.
    pub fn get_write_buffer_size(&self) -> usize {
        self.connection.buffer_size()
    }

    /// The marks of [`drain`](Self::drain): the low and the high one.
    ///
    /// asyncio: `writer.transport.get_write_buffer_limits()`.
    pub fn get_write_buffer_limits(&self) -> (usize, usize) {
        self.connection.buffer_limits()
    }

    /// Sets above how many bytes [`drain`](Self::drain) begins to wait, and down to how many.
    ///
    /// asyncio: `writer.transport.set_write_buffer_limits(high, low)`; what is `None` follows from the other,
    /// or is 64 KiB and a quarter of it.
    ///
    /// # Panics
    /// `low` is larger than `high`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::streams::StreamWriter;
    /// let writer = StreamWriter::new(Vec::new());
    /// writer.set_write_buffer_limits(1000, None);
    /// assert_eq!(writer.get_write_buffer_limits(), (250, 1000));
    /// ```
    #[track_caller]
    pub fn set_write_buffer_limits(
        &self,
        high: impl Into<Option<usize>>,
        low: impl Into<Option<usize>>,
    ) {
        let (high, low) = match (high.into(), low.into()) {
            (None, None) => (64 * 1024, 16 * 1024),
            (None, Some(low)) => (low.saturating_mul(4), low),
            (Some(high), None) => (high, high / 4),
            (Some(high), Some(low)) => (high, low),
        };
        assert!(
            high >= low,
            "StreamWriter::set_write_buffer_limits: high ({high}) must be at least low ({low})"
        );
        self.connection.set_buffer_limits(low, high);
    }

    /// The address of the peer, as it was when the connection was made; `None` where there are no addresses.
    ///
    /// asyncio: `get_extra_info("peername")`.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.connection.wire.peer_addr()
    }

    /// The address of this end; `None` if it has none.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.get_extra_info::<TcpStream>()?.local_addr().ok()
    }

    /// What is under the connection, by its type: the [`TcpStream`], the `UnixStream`, and the `TlsInfo` of a TLS
    /// session.
    ///
    /// asyncio: `get_extra_info(name)`, with a type for a name.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{TcpListener, TcpStream};
    /// use bowerbird::streams::from_tcp;
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let (_reader, writer) = from_tcp(TcpStream::connect(listener.local_addr()?).await?);
    ///     let socket = writer.get_extra_info::<TcpStream>().unwrap();
    ///     assert!(socket.nodelay()?);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn get_extra_info<T: Any>(&self) -> Option<&T> {
        self.connection.wire.extra(TypeId::of::<T>())?.downcast_ref()
    }

    /// A handle of the connection, which closes and aborts it from elsewhere.
    ///
    /// asyncio: `writer.transport`.
    pub fn transport(&self) -> StreamTransport {
        StreamTransport(self.connection.clone())
    }

    /// Waits for the goal, for a `poll_*` form.
    pub(super) fn poll_form(&mut self, cx: &mut Context<'_>, goal: Goal) -> Poll<io::Result<()>> {
        let mut leaf = Leaf::without_location(self.waiting.is_suspended);
        let polled =
            super::waits::poll_goal(&self.connection, goal, cx, &mut leaf, &mut self.waiting.key);
        self.waiting.is_suspended = polled.is_pending();
        polled
    }
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        self.connection.forget(self.waiting.key);
        if self.connection.is_closing() {
            return;
        }
        if debug::is_on() {
            self.report();
        }
        self.connection.leave_writer(&self.waker);
    }
}

impl StreamWriter {
    #[cold]
    fn report(&self) {
        let peer = match self.peer_addr() {
            Some(peer) => format!(" to {peer}"),
            None => String::new(),
        };
        let text = format!("unclosed StreamWriter{peer}: it was dropped without close()");
        debug::report(Warning::new(WarningKind::NeverUsed, text).at(self.location));
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWriter").field("transport", &self.transport()).finish()
    }
}

/// A handle of a connection: it closes and aborts it, and waits for its end.
///
/// asyncio: `writer.transport`. It does not keep the connection open.
#[derive(Clone)]
pub struct StreamTransport(Arc<Connection>);

impl StreamTransport {
    /// Closes the connection when everything is sent; as [`StreamWriter::close`].
    ///
    /// asyncio: `transport.close()`.
    pub fn close(&self) {
        self.0.close(&Waker::from(self.0.clone()));
    }

    /// Closes the connection now; as [`StreamWriter::abort`].
    ///
    /// asyncio: `transport.abort()`.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Returns whether the connection is closed, or being closed.
    ///
    /// asyncio: `transport.is_closing()`.
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    /// How much is buffered.
    ///
    /// asyncio: `transport.get_write_buffer_size()`.
    pub fn get_write_buffer_size(&self) -> usize {
        self.0.buffer_size()
    }

    /// Waits until the connection is closed; as [`StreamWriter::wait_closed`].
    ///
    /// asyncio: no counterpart (the protocol's `connection_lost`).
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// What the connection failed with.
    #[track_caller]
    pub fn wait_closed(&self) -> WaitClosed<'_> {
        WaitClosed::new(&self.0)
    }
}

impl fmt::Debug for StreamTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("StreamTransport");
        if let Some(peer) = self.0.wire.peer_addr() {
            shown.field("peer", &peer);
        }
        shown.field("is_closing", &self.is_closing());
        shown.field("buffered", &self.get_write_buffer_size()).finish()
    }
}
