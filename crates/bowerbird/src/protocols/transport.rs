//! The handle of a stream.

use std::any::Any;
use std::fmt;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::sync::Arc;

use super::any::StreamProtocol;
use super::life::bad_limits;
use super::stream::{Misuse, Stream};

/// A stream, as its [`Protocol`](super::Protocol) sees it: what is written is sent by itself.
///
/// asyncio: `asyncio.Transport`. It is a handle: clones are the same transport, and any thread may use them.
/// Dropping handles does nothing; the connection lives until it is closed or lost.
///
/// All methods return at once. What they cause (`pause_writing`, `connection_lost`, ...) is called by the task
/// of the connection afterwards.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{Protocol, Transport, create_connection, connect_accepted_socket};
/// use bowerbird::net::TcpListener;
///
/// struct Greet;
/// impl Protocol for Greet {
///     fn connection_made(&mut self, transport: Transport) {
///         transport.write(b"hello");
///         transport.close(); // after what was written
///     }
/// }
///
/// struct Listen(Option<bowerbird::future::Promise<Vec<u8>>>);
/// impl Protocol for Listen {
///     fn data_received(&mut self, data: &[u8]) {
///         self.0.take().unwrap().set_result(data.to_vec()).unwrap();
///     }
/// }
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let (promise, heard) = bowerbird::future::promise();
///     let client = create_connection(move || Listen(Some(promise)), listener.local_addr()?);
///     let (_client, (socket, _)) = bowerbird::try_join((client, listener.accept())).await?;
///     connect_accepted_socket(|| Greet, socket).await?;
///     assert_eq!(heard.await.unwrap(), b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Clone)]
pub struct Transport(pub(super) Arc<Stream>);

impl Transport {
    // ----- writing -----------------------------------------------------------------------------------

    /// Sends bytes: at once what the system takes, the rest by itself. Never waits.
    ///
    /// asyncio: `WriteTransport.write`. On a connection that is lost it does nothing; on the fifth of such
    /// writes the exception handler is told, once (asyncio logs "socket.send() raised exception." for each
    /// from the fifth on). An error loses the connection.
    ///
    /// # Panics
    /// At the reading end of a pipe; after [`write_eof`](Self::write_eof); while
    /// [`sendfile`](super::sendfile) sends a file.
    #[track_caller]
    pub fn write(&self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        if let Err(misuse) = self.0.write(&[IoSlice::new(data)]) {
            misused("write", misuse);
        }
    }

    /// Sends several pieces, by one system call if the system takes them.
    ///
    /// asyncio: `WriteTransport.writelines`.
    ///
    /// # Panics
    /// As for [`write`](Self::write).
    #[track_caller]
    pub fn writelines<I>(&self, pieces: I)
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        let pieces: Vec<I::Item> = pieces.into_iter().collect();
        let slices: Vec<IoSlice<'_>> = pieces
            .iter()
            .map(|piece| IoSlice::new(piece.as_ref()))
            .filter(|slice| !slice.is_empty())
            .collect();
        if slices.is_empty() {
            return;
        }
        if let Err(misuse) = self.0.write(&slices) {
            misused("writelines", misuse);
        }
    }

    /// Ends the writing direction when everything is sent: the peer reads the end of the stream. Reading goes
    /// on; the transport of a pipe is closed. On a transport that is closing it does nothing.
    ///
    /// asyncio: `WriteTransport.write_eof`.
    ///
    /// # Panics
    /// Over TLS, or when that has begun: there [`close`](Self::close) is the only end.
    #[track_caller]
    pub fn write_eof(&self) {
        if let Err(misuse) = self.0.write_eof() {
            misused("write_eof", misuse);
        }
    }

    /// Returns whether [`write_eof`](Self::write_eof) is possible: not at the reading end of a pipe, and not over TLS.
    ///
    /// asyncio: `WriteTransport.can_write_eof`.
    pub fn can_write_eof(&self) -> bool {
        self.0.can_write_eof()
    }

    /// Sets the marks by which the protocol is told to pause and to resume, in bytes that wait to be sent.
    ///
    /// asyncio: `WriteTransport.set_write_buffer_limits`. Without `high` it is four times `low`, or 64 KiB;
    /// without `low` it is a quarter of `high`. With `high` 0 any byte that has to wait is told. A protocol that
    /// is paused is told to resume if no more than the new `low` waits; in asyncio at the next send.
    ///
    /// # Panics
    /// If `low` is above `high`.
    #[track_caller]
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        if let Err(limits) = self.0.set_limits(high, low) {
            bad_limits(limits);
        }
    }

    /// Returns the marks, `(low, high)`.
    ///
    /// asyncio: `WriteTransport.get_write_buffer_limits`.
    pub fn get_write_buffer_limits(&self) -> (usize, usize) {
        self.0.limits()
    }

    /// Returns how many bytes wait to be sent.
    ///
    /// asyncio: `WriteTransport.get_write_buffer_size`.
    pub fn get_write_buffer_size(&self) -> usize {
        self.0.backlog_size()
    }

    // ----- reading -----------------------------------------------------------------------------------

    /// Stops reading: `data_received` is not called until [`resume_reading`](Self::resume_reading). Called in a
    /// callback, there is none after it; called elsewhere, one may be going on at the moment. The end of the
    /// stream is not seen meanwhile.
    ///
    /// asyncio: `ReadTransport.pause_reading`.
    pub fn pause_reading(&self) {
        self.0.set_reading(false);
    }

    /// Reads again. Without a pause, or on a transport that is closing, it does nothing.
    ///
    /// asyncio: `ReadTransport.resume_reading`.
    pub fn resume_reading(&self) {
        self.0.set_reading(true);
    }

    /// Returns whether it neither is paused nor closing.
    ///
    /// asyncio: `ReadTransport.is_reading`.
    pub fn is_reading(&self) -> bool {
        self.0.is_reading()
    }

    // ----- the end -----------------------------------------------------------------------------------

    /// Closes the transport when everything is sent. Nothing is received any more; what is written while
    /// something still waits to be sent is sent too. `connection_lost(None)` is called then.
    ///
    /// asyncio: `BaseTransport.close`.
    pub fn close(&self) {
        self.0.close();
    }

    /// Closes the transport at once; what waits to be sent is lost. `connection_lost(None)` is called.
    ///
    /// asyncio: `WriteTransport.abort`.
    pub fn abort(&self) {
        self.0.abort();
    }

    /// Returns whether it is closing, or closed.
    ///
    /// asyncio: `BaseTransport.is_closing`.
    pub fn is_closing(&self) -> bool {
        self.0.is_closing()
    }

    // ----- around it ---------------------------------------------------------------------------------

    /// Goes on with another protocol: the next call is its. Its `connection_made` is not called; the old one is
    /// dropped, and hears nothing of it. On a connection that is lost it does nothing.
    ///
    /// asyncio: `BaseTransport.set_protocol`. There is no `get_protocol`: who needs to reach a protocol from
    /// outside gives the transport an `Arc<Mutex<_>>` of it, which is a protocol too.
    pub fn set_protocol<P, Kind>(&self, protocol: P)
    where
        P: StreamProtocol<Kind>,
    {
        self.0.set_protocol(protocol.into_any());
    }

    /// The address of this end, if it is an internet address; once asked for, it is known after the end.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.0.local_addr()
    }

    /// The address of the other end, if it is an internet address; known after the end too.
    ///
    /// asyncio: `get_extra_info("peername")`.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.0.peer_addr()
    }

    /// What the two sides of its TLS session agreed on; `None` without TLS, or before the handshake is done. It is known
    /// after the end too.
    ///
    /// asyncio: `get_extra_info("ssl_object")`, `"peercert"`, `"cipher"`.
    ///
    /// # Examples
    /// See [`CreateConnection::tls`](super::CreateConnection::tls).
    #[cfg(feature = "tls")]
    pub fn tls_info(&self) -> Option<&bowerbird_net::tls::TlsInfo> {
        self.0.tls_info()
    }

    /// Looks at the socket, to set its options: a [`TcpStream`](crate::net::TcpStream), a `UnixStream`,
    /// an end of a pipe. `None` if it is closed, or of another type. What is read from it or written to it is missing in the transport.
    ///
    /// asyncio: `get_extra_info("socket")`.
    ///
    /// # Examples
    /// ```
    /// # use bowerbird::protocols::{Protocol, create_connection};
    /// # use bowerbird::net::{TcpListener, TcpStream};
    /// # struct Quiet;
    /// # impl Protocol for Quiet {}
    /// # bowerbird::run(async {
    /// #     let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// let transport = create_connection(|| Quiet, listener.local_addr()?).await?;
    /// let is_on = transport.with_socket(|socket: &TcpStream| socket.nodelay());
    /// assert!(is_on.unwrap()?);
    /// #     std::io::Result::Ok(())
    /// # }).unwrap();
    /// ```
    pub fn with_socket<T: Any, R>(&self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.wire()?.socket().downcast_ref().map(look)
    }
}

#[track_caller]
#[cold]
fn misused(call: &str, misuse: Misuse) {
    match misuse {
        Misuse::AfterEof => panic!(
            "{call}() was called after write_eof() on a transport; write everything before it, or use close() \
             at the end instead"
        ),
        Misuse::Sending => panic!(
            "{call}() was called on a transport that sends a file; await the sendfile() first"
        ),
        Misuse::OverTls => panic!(
            "{call}() was called on a transport over TLS, whose directions do not end apart; use close() at the end"
        ),
        Misuse::ReadingEnd => panic!(
            "{call}() was called on the reading end of a pipe; give its writing end to connect_write_pipe()"
        ),
    }
}

impl PartialEq for Transport {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Transport {}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("peer_addr", &self.peer_addr())
            .field("closing", &self.is_closing())
            .field("reading", &self.is_reading())
            .field("write_buffer_size", &self.get_write_buffer_size())
            .finish()
    }
}
