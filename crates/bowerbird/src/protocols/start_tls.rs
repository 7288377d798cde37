//! TLS for transports: which side of a session one is, and the upgrade of a live connection.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_net::tls::{Session, TlsAcceptor, TlsConnector};
use bowerbird_sync::oneshot;

use super::Transport;
use super::any::{AnyProtocol, StreamProtocol};

/// Which side of a TLS session one is: of a [`TlsAcceptor`], or of a [`TlsConnector`] and the name of the server.
///
/// asyncio: `sslcontext`, `server_side` and `server_hostname`.
#[derive(Debug, Clone)]
pub struct TlsSide(Side);

#[derive(Debug, Clone)]
enum Side {
    Client(TlsConnector, String),
    Server(TlsAcceptor),
}

impl From<&TlsAcceptor> for TlsSide {
    fn from(acceptor: &TlsAcceptor) -> Self {
        Self(Side::Server(acceptor.clone()))
    }
}

impl From<(&TlsConnector, &str)> for TlsSide {
    fn from((connector, server_name): (&TlsConnector, &str)) -> Self {
        Self(Side::Client(connector.clone(), server_name.to_owned()))
    }
}

impl TlsSide {
    pub(super) fn session(&self) -> io::Result<Session> {
        match &self.0 {
            Side::Client(connector, server_name) => connector.session(server_name),
            Side::Server(acceptor) => acceptor.session(),
        }
    }
}

/// Begins a TLS session on a connection that has carried plain text.
///
/// asyncio: `loop.start_tls`. There a new transport and the old one stand for the connection from then on, and a
/// protocol is given; here the transport stays the same, and so does the protocol, unless
/// [`StartTls::protocol`] gives another. `connection_made` is not called again.
///
/// What was written before goes before the session, in plain text. What is written from then on waits for the
/// handshake, and goes through the session. Nothing is received during the handshake; after it reading goes on, also
/// where it was paused. Who lets the peer begin pauses reading first, in the callback that writes the go-ahead:
/// otherwise what the peer sends at once may still be received as plain text.
///
/// From then on the transport is as one of [`CreateConnection::tls`](super::CreateConnection::tls).
///
/// # Cancel safety
/// Dropping it before it completes aborts the connection.
///
/// # Errors
/// The handshake failed, or took too long; the connection was closed or lost during the handshake, and then or before
/// it the protocol hears `connection_lost`. The transport is closing, is one of a pipe or over TLS already, or one of
/// its directions has ended: nothing has happened then.
///
/// # Examples
/// ```no_run
/// use bowerbird::protocols::{Protocol, Transport, start_tls};
/// use bowerbird::tls::TlsAcceptor;
///
/// struct Server {
///     acceptor: TlsAcceptor,
///     transport: Option<Transport>,
/// }
///
/// impl Protocol for Server {
///     fn connection_made(&mut self, transport: Transport) {
///         self.transport = Some(transport);
///     }
///     fn data_received(&mut self, data: &[u8]) {
///         let transport = self.transport.clone().unwrap();
///         if data == b"STARTTLS\r\n" {
///             transport.pause_reading();
///             transport.write(b"220 go ahead\r\n");
///             let acceptor = self.acceptor.clone();
///             bowerbird::spawn(async move { start_tls(&transport, &acceptor).await });
///         }
///     }
/// }
/// ```
#[track_caller]
pub fn start_tls(transport: &Transport, side: impl Into<TlsSide>) -> StartTls {
    StartTls {
        transport: transport.clone(),
        begin: Some((side.into(), None)),
        done: None,
        site: CallSite::new("start_tls"),
    }
}

/// The future of [`start_tls`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct StartTls {
    transport: Transport,
    /// `None` once it was polled.
    begin: Option<(TlsSide, Option<AnyProtocol>)>,
    /// There while the handshake goes on.
    done: Option<oneshot::Receiver<io::Result<()>>>,
    site: CallSite,
}

impl StartTls {
    /// Goes on with another protocol, as [`Transport::set_protocol`], from the beginning of the handshake.
    ///
    /// asyncio: the argument `protocol`.
    pub fn protocol<P, Kind>(mut self, protocol: P) -> Self
    where
        P: StreamProtocol<Kind>,
    {
        if let Some((_, given)) = &mut self.begin {
            *given = Some(protocol.into_any());
        }
        self
    }
}

impl Future for StartTls {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.site.polled();
        if let Some((side, protocol)) = this.begin.take() {
            let (waiter, done) = oneshot::channel();
            this.transport.0.start_tls(side.session()?, waiter, protocol)?;
            this.done = Some(done);
        }
        let Some(done) = &mut this.done else { panic!("polled after it was ready") };
        let result = ready!(Pin::new(done).poll(cx));
        this.done = None;
        Poll::Ready(result.unwrap_or_else(|_| {
            let text = "the connection was closed during the TLS handshake";
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, text))
        }))
    }
}

impl Drop for StartTls {
    fn drop(&mut self) {
        if self.done.is_some() {
            self.transport.abort();
        }
    }
}

impl fmt::Debug for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTls").field("transport", &self.transport).finish_non_exhaustive()
    }
}
