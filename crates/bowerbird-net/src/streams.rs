//! asyncio's streams: [`StreamReader`] and [`StreamWriter`] over a connection.
//!
//! In the order in which bytes pass them:
//!
//! 1. `wire`: what moves bytes both ways; `boxed` makes one of anything with the traits of futures-io.
//! 2. `connection`: what reader and writer share: the wire, and what is to be written to it.
//! 3. `reader`, with `buffer`, `reads` (its futures) and `feeder` (readers fed by hand).
//! 4. `writer`, with `waits` (its futures).
//! 5. `traits`: the foreign traits.
//! 6. `open`, `listen`, `activation`: where connections and listeners come from.
//!
//! A reader reads when somebody waits for it and has no task in the background. A writer sends at once what it
//! can, and the rest by a waker of its own. Nothing here knows an executor.

use std::any::Any;
use std::net::SocketAddr;
use std::panic::Location;
use std::sync::Arc;

use futures_io::{AsyncRead, AsyncWrite};

use crate::byte_stream::Endpoint;
use crate::tcp::TcpStream;
#[cfg(unix)]
use crate::unix::UnixStream;

mod error;
mod wire;
mod boxed;
mod waiters;
mod connection;
mod buffer;
mod reader;
mod reads;
mod feeder;
mod writer;
mod waits;
mod traits;
#[cfg(feature = "tls")]
pub(crate) mod tls;
mod open;
mod listen;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "descriptors that are handed over are numbers in the environment")]
mod activation;

#[cfg(target_os = "linux")]
pub use activation::{ActivatedSocket, activated_sockets};
pub use error::{IncompleteReadError, LimitOverrunError, ReadError};
pub use feeder::StreamFeeder;
#[doc(hidden)]
pub use listen::{ListenOptions, listen};
pub use open::{OpenConnection, open_connection};
#[cfg(unix)]
pub use open::{OpenUnixConnection, open_unix_connection};
pub use reader::StreamReader;
pub use reads::{
    IntoSeparators, Next, Read, ReadExactly, ReadLine, ReadLineRef, ReadToEnd, ReadUntil,
};
pub use waits::{Drain, WaitClosed};
pub use writer::{StreamTransport, StreamWriter};

use boxed::BoxedWire;
use connection::Connection;
use reader::Source;
use wire::{SocketWire, Wire};

/// Makes a reader and a writer of a TCP connection.
///
/// asyncio: `open_connection(sock=sock)`.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
/// use bowerbird::streams::from_tcp;
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let connect = TcpStream::connect(listener.local_addr()?);
///     let (client, (mut server, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
///     let (mut reader, writer) = from_tcp(client);
///     assert_eq!(writer.local_addr(), Some(peer));
///     server.write_all(b"hello\n").await?;
///     assert_eq!(reader.readline().await?, b"hello\n");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn from_tcp(stream: TcpStream) -> (StreamReader, StreamWriter) {
    let peer = stream.peer_addr().ok();
    from_socket(stream, peer, Location::caller())
}

/// Makes a reader and a writer of a Unix connection.
///
/// asyncio: `open_unix_connection(sock=sock)`.
///
/// # Examples
/// ```
/// use bowerbird::net::UnixStream;
/// use bowerbird::streams::from_unix;
///
/// bowerbird::run(async {
///     let (one, other) = UnixStream::pair()?;
///     let ((_, writer), (mut reader, _)) = (from_unix(one), from_unix(other));
///     writer.write(b"hello\n");
///     assert_eq!(reader.readline().await?, b"hello\n");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[cfg(unix)]
#[track_caller]
pub fn from_unix(stream: UnixStream) -> (StreamReader, StreamWriter) {
    from_socket(stream, None, Location::caller())
}

/// Makes a reader and a writer of a socket whose peer is known, for the user's line.
#[doc(hidden)]
pub fn from_socket<E: Endpoint + Any + Send + Sync>(
    stream: E,
    peer: Option<SocketAddr>,
    location: &'static Location<'static>,
) -> (StreamReader, StreamWriter) {
    // Debug mode looks at the writer instead.
    stream.core().intend();
    over(SocketWire { stream, peer }, location)
}

/// Makes a reader and a writer of any stream that reads and writes.
///
/// asyncio: no counterpart.
///
/// To close the writer is to flush the stream, to call its `poll_close` and to drop it; the reader then reads
/// the end.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
/// use bowerbird::streams::from_stream;
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let connect = TcpStream::connect(listener.local_addr()?);
///     let (client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
///     let (mut reader, writer) = from_stream(client);
///     writer.write("hello");
///     writer.write_eof();
///     let mut greeting = Vec::new();
///     server.read_to_end(&mut greeting).await?;
///     server.write_all(&greeting).await?;
///     assert_eq!(reader.readexactly(5).await?, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn from_stream(
    stream: impl AsyncRead + AsyncWrite + Send + 'static,
) -> (StreamReader, StreamWriter) {
    over(BoxedWire::new(stream), Location::caller())
}

fn over(
    wire: impl Wire + 'static,
    location: &'static Location<'static>,
) -> (StreamReader, StreamWriter) {
    let connection: Arc<Connection> = Connection::new(wire, true);
    let reader = StreamReader::over(Source::Connection(connection.clone()));
    (reader, StreamWriter::over(connection, location))
}
