//! The futures that make connections.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
#[cfg(feature = "tls")]
use bowerbird_net::tls::TlsConnector;
use bowerbird_net::{Connect, ConnectOptions};

use crate::protocols::Transport;
use crate::protocols::any::{AnyProtocol, StreamProtocol};
use crate::protocols::name::named;
use crate::protocols::spawn::spawn_and_wait;
#[cfg(feature = "tls")]
use crate::protocols::start_tls::TlsSide;
use crate::protocols::stream::Stream;
use crate::protocols::wire::Socket;

/// Where a connection comes from.
#[doc(hidden)]
pub trait Source: Send + 'static {
    fn socket(self) -> impl Future<Output = io::Result<Socket>> + Send;
}

impl Source for Connect {
    async fn socket(self) -> io::Result<Socket> {
        self.await.map(Socket::from)
    }
}

#[cfg(unix)]
impl Source for bowerbird_net::unix::Connect {
    async fn socket(self) -> io::Result<Socket> {
        self.await.map(Socket::from)
    }
}

impl Source for Socket {
    async fn socket(self) -> io::Result<Socket> {
        Ok(self)
    }
}

/// What a transport is made of.
pub(super) struct Parts<S> {
    source: S,
    factory: Box<dyn FnOnce() -> AnyProtocol + Send>,
    /// The type of the protocol, for the name of the task.
    protocol_type: &'static str,
    #[cfg(feature = "tls")]
    tls: Option<TlsSide>,
    location: &'static Location<'static>,
}

impl<S: Source> Parts<S> {
    #[track_caller]
    pub(super) fn new<P: StreamProtocol<K>, K>(
        source: S,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        Self {
            source,
            factory: Box::new(|| protocol_factory().into_any()),
            protocol_type: type_name::<P>(),
            #[cfg(feature = "tls")]
            tls: None,
            location: Location::caller(),
        }
    }

    pub(super) async fn make(self) -> io::Result<Transport> {
        // A name that is none is told before anything is connected.
        #[cfg(feature = "tls")]
        let session = self.tls.map(|side| side.session()).transpose()?;
        #[cfg(not(feature = "tls"))]
        let session = None;
        let Socket(wire) = self.source.socket().await?;
        let protocol = (self.factory)();
        // After a reset it cannot be asked for.
        let peer_addr = wire.peer_addr();
        let kind = if session.is_some() { "tls" } else { wire.kind() };
        let options = named(self.protocol_type, kind, peer_addr);
        let wire = Arc::new(wire);
        let stream = Stream::new(wire.clone(), peer_addr, session);
        spawn_and_wait(stream.clone(), wire, protocol, self.location, &options).await?;
        Ok(Transport(stream))
    }
}

type Making<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// The future of [`create_connection`](super::create_connection) and of those that make the same of a Unix socket
/// or of a socket that there is already, and its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateConnection<S = Connect> {
    /// `None` once it was polled.
    parts: Option<Parts<S>>,
    making: Option<Making<Transport>>,
    site: CallSite,
}

impl<S: Source> CreateConnection<S> {
    #[track_caller]
    pub(super) fn new<P: StreamProtocol<K>, K>(
        call: &'static str,
        source: S,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let parts = Parts::new(source, protocol_factory);
        let site = CallSite::at(call, parts.location);
        Self { parts: Some(parts), making: None, site }
    }
}

impl CreateConnection {
    bowerbird_net::connect_options!();

    fn with(mut self, change: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        self.parts = self.parts.map(|parts| Parts { source: parts.source.with(change), ..parts });
        self
    }
}

#[cfg(feature = "tls")]
impl<S: Source> CreateConnection<S> {
    fn over(mut self, side: TlsSide) -> Self {
        if let Some(parts) = &mut self.parts {
            parts.tls = Some(side);
        }
        self
    }
}

#[cfg(feature = "tls")]
impl CreateConnection {
    /// Does a TLS handshake with the server of that name before the protocol hears of the connection; as
    /// [`TlsConnector::connect`].
    ///
    /// asyncio: `ssl=`, `server_hostname=`; the name is not taken from the address here. A handshake that fails, or
    /// takes longer than
    /// [`handshake_timeout`](bowerbird_net::tls::TlsConnectorBuilder::handshake_timeout), is the error of this
    /// future, and the protocol hears nothing.
    ///
    /// The transport is as any other, but:
    /// - There is no [`write_eof`](Transport::write_eof); [`tls_info`](Transport::tls_info) tells of the session.
    /// - A peer that says that this is its end ends the session: what `eof_received` returns has no effect.
    /// - A stream that ends otherwise may have been cut by somebody else. There is no `eof_received` then; what waits is
    ///   sent, and `connection_lost` hears [`UnexpectedEof`](io::ErrorKind::UnexpectedEof). asyncio makes no
    ///   difference.
    /// - [`close`](Transport::close) sends what waits, says that this is the end, and waits for the peer to say so too.
    ///   What still comes is dropped, and the protocol hears nothing of it (in asyncio it may hear `eof_received`
    ///   after a close). If that takes longer than
    ///   [`shutdown_timeout`](bowerbird_net::tls::TlsConnectorBuilder::shutdown_timeout) in all, `connection_lost`
    ///   hears [`TimedOut`](io::ErrorKind::TimedOut). What is written after the last byte was sent comes too late.
    ///
    /// # Errors
    /// As for [`TlsConnector::connect`], too.
    ///
    /// # Examples
    /// ```no_run
    /// use bowerbird::protocols::{Protocol, Transport, create_connection};
    /// use bowerbird::tls::TlsConnector;
    ///
    /// struct Ask;
    /// impl Protocol for Ask {
    ///     fn connection_made(&mut self, transport: Transport) {
    ///         transport.write(b"GET / HTTP/1.0\r\nHost: example.org\r\n\r\n");
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let connector = TlsConnector::new()?;
    /// bowerbird::run(async move {
    ///     let connecting = create_connection(|| Ask, "example.org:443");
    ///     let transport = connecting.tls(&connector, "example.org").await?;
    ///     println!("{:?}", transport.tls_info().unwrap().cipher_suite);
    ///     std::io::Result::Ok(())
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls(self, connector: &TlsConnector, server_name: &str) -> Self {
        self.over((connector, server_name).into())
    }
}

#[cfg(all(unix, feature = "tls"))]
impl CreateConnection<bowerbird_net::unix::Connect> {
    /// Does a TLS handshake with the server of that name, as that of [`create_connection`](super::create_connection).
    ///
    /// asyncio: `ssl=`, `server_hostname=`.
    ///
    /// # Errors
    /// As for [`TlsConnector::connect`], too.
    pub fn tls(self, connector: &TlsConnector, server_name: &str) -> Self {
        self.over((connector, server_name).into())
    }
}

#[cfg(feature = "tls")]
impl CreateConnection<Socket> {
    /// Does a TLS handshake before the protocol hears of the connection, as that of
    /// [`create_connection`](super::create_connection): as the server with a `&TlsAcceptor`, as the client with a
    /// `(&TlsConnector, &str)`.
    ///
    /// asyncio: `connect_accepted_socket(ssl=..)`; `create_connection(sock=.., ssl=.., server_hostname=..)`.
    ///
    /// # Errors
    /// As for [`TlsConnector::connect`] and [`TlsAcceptor::accept`](bowerbird_net::tls::TlsAcceptor::accept), too.
    pub fn tls(self, side: impl Into<TlsSide>) -> Self {
        self.over(side.into())
    }
}

// What is pinned is in a box.
impl<S> Unpin for CreateConnection<S> {}

impl<S: Source> Future for CreateConnection<S> {
    type Output = io::Result<Transport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        if let Some(parts) = self.parts.take() {
            self.making = Some(Box::pin(parts.make()));
        }
        match &mut self.making {
            Some(making) => making.as_mut().poll(cx),
            None => unreachable!("put there above"),
        }
    }
}

// Dropped, it has given up what it made.
impl<S> CancelSafe for CreateConnection<S> {}

impl<S> fmt::Debug for CreateConnection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateConnection").finish_non_exhaustive()
    }
}

/// The future of what makes other transports: of pipes, and of processes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateTransport<T = Transport> {
    making: Making<T>,
    site: CallSite,
}

impl<T> CreateTransport<T> {
    pub(in crate::protocols) fn new(
        call: &'static str,
        location: &'static Location<'static>,
        making: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> Self {
        Self { making: Box::pin(making), site: CallSite::at(call, location) }
    }
}

impl CreateTransport {
    #[cfg(unix)]
    #[track_caller]
    pub(super) fn over<P: StreamProtocol<K>, K>(
        call: &'static str,
        socket: Socket,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let parts = Parts::new(socket, protocol_factory);
        Self::new(call, parts.location, parts.make())
    }
}

impl<T> Future for CreateTransport<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        self.making.as_mut().poll(cx)
    }
}

// Dropped, it has given up what it made.
impl<T> CancelSafe for CreateTransport<T> {}

impl<T> fmt::Debug for CreateTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTransport").finish_non_exhaustive()
    }
}
