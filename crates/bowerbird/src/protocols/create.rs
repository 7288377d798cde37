//! Connections that are made.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_core::{SpawnOptions, spawn_with};
use bowerbird_net::{TcpStream, ToAddrs};

use super::Transport;
use super::any::{AnyProtocol, StreamProtocol};
use super::connection::Connection;
use super::stream::Stream;
use super::wire::Wire;
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
pub fn create_connection<P, Kind>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    addrs: impl ToAddrs,
) -> CreateTransport
where
    P: StreamProtocol<Kind>,
{
    let location = Location::caller();
    let connect = TcpStream::connect(addrs);
    CreateTransport::new("create_connection", location, async move {
        let stream = connect.await?;
        let peer = stream.peer_addr().ok();
        let protocol = protocol_factory().into_any();
        connect_wire(Wire::Tcp(stream), peer, protocol, location).await
    })
}

/// Gives a connection that there is already to a protocol.
///
/// asyncio: `loop.connect_accepted_socket`, and `create_connection(sock=sock)`. A socket of std goes through
/// [`TcpStream::from_std`](crate::net::TcpStream::from_std).
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
pub fn connect_accepted_socket<P, Kind>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
    socket: TcpStream,
) -> CreateTransport
where
    P: StreamProtocol<Kind>,
{
    let location = Location::caller();
    CreateTransport::new("connect_accepted_socket", location, async move {
        let peer = socket.peer_addr().ok();
        let protocol = protocol_factory().into_any();
        connect_wire(Wire::Tcp(socket), peer, protocol, location).await
    })
}

/// Starts the task of a connection; the waiter, if there is one, hears when `connection_made` has been called.
pub(super) fn start<G: Send + Unpin + 'static>(
    wire: Wire,
    peer_addr: Option<SocketAddr>,
    protocol: AnyProtocol,
    made: Option<super::connection::Made>,
    location: &'static Location<'static>,
    guard: G,
) -> Transport {
    let wire = Arc::new(wire);
    let stream = Stream::new(wire.clone(), peer_addr);
    let transport = Transport(stream.clone());
    let connection = Connection::new(stream, wire, protocol, made, location, guard);
    match spawn_with(connection, &SpawnOptions::default(), location) {
        Ok(task) => drop(task),
        Err(error) => error.panic("create_connection"),
    }
    transport
}

/// Starts a connection and waits until it is made.
async fn connect_wire(
    wire: Wire,
    peer_addr: Option<SocketAddr>,
    protocol: AnyProtocol,
    location: &'static Location<'static>,
) -> io::Result<Transport> {
    let (made, is_made) = future::promise();
    let transport = start(wire, peer_addr, protocol, Some(made), location, ());
    let mut guard = AbortOnDrop { transport, is_made: false };
    match is_made.await {
        Ok(true) => {}
        Ok(false) => return Err(io::Error::other("protocol.connection_made() panicked")),
        Err(_) => return Err(io::Error::other("the connection's task ended before it was made")),
    }
    guard.is_made = true;
    Ok(guard.transport.clone())
}

/// A connection that nobody waits for any more.
struct AbortOnDrop {
    transport: Transport,
    is_made: bool,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if !self.is_made {
            self.transport.abort();
        }
    }
}

/// The future of [`create_connection`] and its relatives.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateTransport {
    future: Pin<Box<dyn Future<Output = io::Result<Transport>> + Send>>,
    site: CallSite,
}

impl CreateTransport {
    fn new(
        call: &'static str,
        location: &'static Location<'static>,
        future: impl Future<Output = io::Result<Transport>> + Send + 'static,
    ) -> Self {
        Self { future: Box::pin(future), site: CallSite::at(call, location) }
    }
}

impl Future for CreateTransport {
    type Output = io::Result<Transport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        self.future.as_mut().poll(cx)
    }
}

// Dropped, it has given up what it made.
impl CancelSafe for CreateTransport {}

impl fmt::Debug for CreateTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTransport").finish_non_exhaustive()
    }
}
