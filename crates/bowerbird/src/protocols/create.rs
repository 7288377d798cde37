//! Connections that are made.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_core::{SpawnOptions, spawn_with};
use bowerbird_net::{TcpStream, ToAddrs};

use super::Transport;
use super::any::StreamProtocol;
use super::connection::{Connection, Kind, Made};
use super::name::named;
use super::stream::Stream;
use super::wire::Socket;
use crate::future;

/// Connects, and gives the connection to a protocol.
///
/// asyncio: `loop.create_connection`. It gives the transport alone, for the protocol now belongs to the
/// connection; who needs both gives an `Arc<Mutex<_>>` as protocol and keeps a clone. The factory is called
/// when the connection is there, and `connection_made` has been called when this completes.
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
) -> CreateTransport
where
    P: StreamProtocol<K>,
{
    let location = Location::caller();
    let connect = TcpStream::connect(addrs);
    CreateTransport::new("create_connection", location, async move {
        let socket = connect.await?;
        connect_socket(socket.into(), protocol_factory, location).await
    })
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
) -> CreateTransport
where
    P: StreamProtocol<K>,
{
    let location = Location::caller();
    let connect = bowerbird_net::UnixStream::connect(path);
    CreateTransport::new("create_unix_connection", location, async move {
        let socket = connect.await?;
        connect_socket(socket.into(), protocol_factory, location).await
    })
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
/// See [`Transport`].
#[track_caller]
pub fn connect_accepted_socket<P, K>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    socket: impl Into<Socket>,
) -> CreateTransport
where
    P: StreamProtocol<K>,
{
    CreateTransport::over("connect_accepted_socket", socket.into(), protocol_factory)
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
/// asyncio: `loop.connect_write_pipe`. That the reader has gone is noticed by the next write, as an error; asyncio
/// watches for it.
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

/// Starts the task of a connection; the waiter, if there is one, hears when `connection_made` has been called.
pub(super) fn spawn<K: Kind, G: Send + Unpin + 'static>(
    shared: Arc<K>,
    wire: Arc<K::Wire>,
    protocol: K::Protocol,
    made: Option<Made>,
    location: &'static Location<'static>,
    guard: G,
    options: &SpawnOptions,
) {
    let connection = Connection::new(shared, wire, protocol, made, location, guard);
    match spawn_with(connection, options, location) {
        Ok(task) => drop(task),
        Err(error) => error.panic("create_connection"),
    }
}

/// Starts the task of a connection, and waits until `connection_made` has been called.
pub(super) async fn spawn_and_wait<K: Kind>(
    shared: Arc<K>,
    wire: Arc<K::Wire>,
    protocol: K::Protocol,
    location: &'static Location<'static>,
    options: &SpawnOptions,
) -> io::Result<()> {
    let (made, is_made) = future::promise();
    spawn(shared.clone(), wire, protocol, Some(made), location, (), options);
    let mut guard = AbortOnDrop { shared, is_made: false };
    wait_until_made(is_made).await?;
    guard.is_made = true;
    Ok(())
}

/// Waits until `connection_made` has been called.
pub(super) async fn wait_until_made(is_made: future::Future<bool>) -> io::Result<()> {
    match is_made.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(io::Error::other("protocol.connection_made() panicked")),
        Err(_) => Err(io::Error::other("the connection's task ended before it was made")),
    }
}

/// A connection that nobody waits for any more.
struct AbortOnDrop<K: Kind> {
    shared: Arc<K>,
    is_made: bool,
}

impl<K: Kind> Drop for AbortOnDrop<K> {
    fn drop(&mut self) {
        if !self.is_made {
            self.shared.fail(None);
        }
    }
}

async fn connect_socket<P: StreamProtocol<K>, K>(
    Socket(wire): Socket,
    protocol_factory: impl FnOnce() -> P,
    location: &'static Location<'static>,
) -> io::Result<Transport> {
    let protocol = protocol_factory().into_any();
    // After a reset it cannot be asked for.
    let peer_addr = wire.peer_addr();
    let options = named::<P>(wire.kind(), peer_addr);
    let wire = Arc::new(wire);
    let stream = Stream::new(wire.clone(), peer_addr);
    spawn_and_wait(stream.clone(), wire, protocol, location, &options).await?;
    Ok(Transport(stream))
}

/// The future of [`create_connection`] and its relatives.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateTransport<T = Transport> {
    future: Pin<Box<dyn Future<Output = io::Result<T>> + Send>>,
    site: CallSite,
}

impl<T> CreateTransport<T> {
    pub(super) fn new(
        call: &'static str,
        location: &'static Location<'static>,
        future: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> Self {
        Self { future: Box::pin(future), site: CallSite::at(call, location) }
    }
}

impl CreateTransport {
    #[track_caller]
    fn over<P: StreamProtocol<K>, K>(
        call: &'static str,
        socket: Socket,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let location = Location::caller();
        Self::new(call, location, async move {
            connect_socket(socket, protocol_factory, location).await
        })
    }
}

impl<T> Future for CreateTransport<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        self.future.as_mut().poll(cx)
    }
}

// Dropped, it has given up what it made.
impl<T> CancelSafe for CreateTransport<T> {}

impl<T> fmt::Debug for CreateTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTransport").finish_non_exhaustive()
    }
}
