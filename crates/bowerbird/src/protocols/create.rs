//! Connections that are made.

use bowerbird_net::{TcpStream, ToAddrs};

use super::any::StreamProtocol;
use super::wire::Socket;

mod futures;

pub use futures::{CreateConnection, CreateTransport};

/// Connects, and gives the connection to a protocol.
///
/// asyncio: `loop.create_connection`. It gives the transport alone, for the protocol now belongs to the
/// connection; who needs both gives an `Arc<Mutex<_>>` as protocol and keeps a clone. The factory is called
/// when the connection is there, and `connection_made` has been called when this completes. The keyword
/// arguments are methods of what it returns.
///
/// # Cancel safety
/// Dropping it gives the connection up: one that is made already is aborted.
///
/// # Errors
/// As for [`TcpStream::connect`](crate::net::TcpStream::connect); `connection_made` panicked.
///
/// # Panics
/// Called outside a runtime. A panic of the factory goes on.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{Protocol, create_connection};
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// bowerbird::run(async {
///     let listener = bowerbird::net::TcpListener::bind("127.0.0.1:0").await?;
///     let transport = create_connection(|| Quiet, listener.local_addr()?).await?;
///     assert_eq!(transport.peer_addr(), Some(listener.local_addr()?));
///     transport.close();
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn create_connection<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    addrs: impl ToAddrs,
) -> CreateConnection
where
    P: StreamProtocol<K>,
{
    let connect = TcpStream::connect(addrs);
    CreateConnection::new("create_connection", connect, protocol_factory)
}

/// Connects to a Unix socket, and gives the connection to a protocol.
///
/// asyncio: `loop.create_unix_connection`; else as [`create_connection`].
///
/// # Cancel safety
/// Dropping it gives the connection up: one that is made already is aborted.
///
/// # Errors
/// As for [`UnixStream::connect`](crate::net::UnixStream::connect); `connection_made` panicked.
///
/// # Panics
/// Called outside a runtime. A panic of the factory goes on.
#[cfg(unix)]
#[track_caller]
pub fn create_unix_connection<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    path: impl AsRef<std::path::Path>,
) -> CreateConnection<bowerbird_net::unix::Connect>
where
    P: StreamProtocol<K>,
{
    let connect = bowerbird_net::UnixStream::connect(path);
    CreateConnection::new("create_unix_connection", connect, protocol_factory)
}

/// Gives a connection that there is already to a protocol.
///
/// asyncio: `loop.connect_accepted_socket`, and `create_connection(sock=sock)`. The socket is a [`TcpStream`] or a
/// `UnixStream`; one of std goes through their `from_std`.
///
/// # Cancel safety
/// Dropping it aborts the connection.
///
/// # Errors
/// `connection_made` panicked.
///
/// # Panics
/// Polled outside a runtime. A panic of the factory goes on.
///
/// # Examples
/// See [`Transport`](super::Transport).
#[track_caller]
pub fn connect_accepted_socket<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    socket: impl Into<Socket>,
) -> CreateConnection<Socket>
where
    P: StreamProtocol<K>,
{
    CreateConnection::new("connect_accepted_socket", socket.into(), protocol_factory)
}

/// Gives the reading end of a pipe to a protocol.
///
/// asyncio: `loop.connect_read_pipe`. The end of the pipe closes the transport, whatever `eof_received` returns.
///
/// # Cancel safety
/// Dropping it closes the pipe.
///
/// # Errors
/// `connection_made` panicked.
///
/// # Panics
/// Polled outside a runtime. A panic of the factory goes on.
///
/// # Examples
/// ```
/// use bowerbird::net::pipe;
/// use bowerbird::protocols::{Protocol, connect_read_pipe, connect_write_pipe};
///
/// struct Listen(Option<bowerbird::future::Promise<Vec<u8>>>);
/// impl Protocol for Listen {
///     fn data_received(&mut self, data: &[u8]) {
///         self.0.take().unwrap().set_result(data.to_vec()).unwrap();
///     }
/// }
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// bowerbird::run(async {
///     let (sender, receiver) = pipe::pipe()?;
///     let (promise, heard) = bowerbird::future::promise();
///     connect_read_pipe(move || Listen(Some(promise)), receiver).await?;
///     let transport = connect_write_pipe(|| Quiet, sender).await?;
///     transport.write(b"hello");
///     assert_eq!(heard.await.unwrap(), b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[cfg(unix)]
#[track_caller]
pub fn connect_read_pipe<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    pipe: bowerbird_net::pipe::Receiver,
) -> CreateTransport
where
    P: StreamProtocol<K>,
{
    CreateTransport::over("connect_read_pipe", pipe.into(), protocol_factory)
}

/// Gives the writing end of a pipe to a protocol, which hears of its pauses and of its end.
///
/// asyncio: `loop.connect_write_pipe`. When the reader has gone, the transport closes: with nothing to send
/// `connection_lost` is told no error, else `BrokenPipe`. Where the system does not tell (other than Linux), the next
/// write finds out.
///
/// # Cancel safety
/// Dropping it closes the pipe.
///
/// # Errors
/// `connection_made` panicked.
///
/// # Panics
/// Polled outside a runtime. A panic of the factory goes on.
///
/// # Examples
/// See [`connect_read_pipe`].
#[cfg(unix)]
#[track_caller]
pub fn connect_write_pipe<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    pipe: bowerbird_net::pipe::Sender,
) -> CreateTransport
where
    P: StreamProtocol<K>,
{
    CreateTransport::over("connect_write_pipe", pipe.into(), protocol_factory)
}
