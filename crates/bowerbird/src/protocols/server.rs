//! Servers whose clients are served by protocols.

use std::any::type_name;
use std::panic::Location;
use std::sync::Arc;

use bowerbird_core::caught_at;
use bowerbird_net::ToAddrs;
#[cfg(feature = "tls")]
use bowerbird_net::tls::TlsAcceptor;

use super::Transport;
use super::any::StreamProtocol;
use super::name::named;
use super::spawn::spawn;
use super::stream::Stream;
use super::wire::Socket;
#[cfg(unix)]
use crate::streams::StartUnixServer;
use crate::streams::{Accepted, Connection, Serve, StartServer};

/// Starts a server: each client has a protocol of its own, which the factory makes.
///
/// asyncio: `loop.create_server`. The options and the [`Server`](crate::streams::Server) are those of
/// [`start_server`](crate::start_server), but `limit`, which is about readers. A factory that panics is reported to
/// the exception handler, and that client's connection is closed. With [`tls`](StartServer::tls), a protocol is made for
/// each client, and hears of the connection after the handshake; see `CreateConnection::tls`.
///
/// # Cancel safety
/// Dropping it starts nothing.
///
/// # Errors
/// As for [`start_server`](crate::start_server).
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{Protocol, Transport, create_server};
///
/// #[derive(Default)]
/// struct Echo(Option<Transport>);
/// impl Protocol for Echo {
///     fn connection_made(&mut self, transport: Transport) {
///         self.0 = Some(transport);
///     }
///     fn data_received(&mut self, data: &[u8]) {
///         self.0.as_ref().unwrap().write(data);
///     }
/// }
///
/// bowerbird::run(async {
///     let server = create_server(Echo::default, "127.0.0.1:0").await?;
///     let address = server.local_addr().unwrap();
///     let mut client = bowerbird::net::TcpStream::connect(address).await?;
///     client.write_all(b"hello").await?;
///     let mut echo = [0; 5];
///     client.read_exact(&mut echo).await?;
///     assert_eq!(&echo, b"hello");
///     drop(client);
///     server.close();
///     server.wait_closed().await;
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn create_server<P, K>(
    protocol_factory: impl Fn() -> P + Send + Sync + 'static,
    addrs: impl ToAddrs,
) -> StartServer
where
    P: StreamProtocol<K>,
{
    let serve = serve_by(protocol_factory, Location::caller());
    StartServer::new("create_server", serve).address(addrs)
}

/// Starts a server on a Unix socket; as [`create_server`].
///
/// asyncio: `loop.create_unix_server`.
///
/// # Cancel safety
/// Dropping it starts nothing.
///
/// # Errors
/// As for [`start_unix_server`](crate::start_unix_server).
///
/// # Panics
/// Called outside a runtime.
#[cfg(unix)]
#[track_caller]
pub fn create_unix_server<P, K>(
    protocol_factory: impl Fn() -> P + Send + Sync + 'static,
    path: impl AsRef<std::path::Path>,
) -> StartUnixServer
where
    P: StreamProtocol<K>,
{
    let serve = serve_by(protocol_factory, Location::caller());
    StartUnixServer::new(StartServer::new("create_unix_server", serve), path.as_ref())
}

fn serve_by<P, K>(
    protocol_factory: impl Fn() -> P + Send + Sync + 'static,
    location: &'static Location<'static>,
) -> Serve
where
    P: StreamProtocol<K>,
{
    Box::new(move |accepted, shared| {
        #[cfg(feature = "tls")]
        let Ok(session) = shared.tls().map(TlsAcceptor::session).transpose() else {
            // It would have failed for every client.
            return;
        };
        #[cfg(not(feature = "tls"))]
        let session = None;
        let message = "Error on transport creation for incoming connection";
        let made = caught_at(message, location, || protocol_factory().into_any());
        let Some(protocol) = made else { return };
        let (Socket(wire), peer) = match accepted {
            Accepted::Tcp(stream, peer) => (stream.into(), Some(peer)),
            #[cfg(unix)]
            Accepted::Unix(stream) => (stream.into(), None),
        };
        let kind = if session.is_some() { "tls" } else { wire.kind() };
        let options = named(type_name::<P>(), kind, peer);
        let wire = Arc::new(wire);
        let stream = Stream::new(wire.clone(), peer, session);
        let client = shared.enter(Connection::Protocol(Transport(stream.clone())));
        spawn(stream, wire, protocol, None, location, client, &options);
    })
}
