//! Listeners of any family.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

#[cfg(unix)]
use bowerbird_net::UnixStream;
use bowerbird_net::streams::{StreamReader, StreamWriter, from_socket};
use bowerbird_net::{TcpListener, TcpStream};

/// A connection that was accepted.
pub(crate) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Accepted {
    /// For a server of streams.
    pub(super) fn into_streams(
        self,
        location: &'static Location<'static>,
    ) -> (StreamReader, StreamWriter) {
        match self {
            Self::Tcp(stream, peer) => from_socket(stream, Some(peer), location),
            #[cfg(unix)]
            Self::Unix(stream) => from_socket(stream, None, location),
        }
    }
}

/// A listener of any family.
pub(super) trait Accepts: Send + Sync + 'static {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>>;

    /// Its address, if it has one of the internet.
    fn local_addr(&self) -> Option<SocketAddr>;

    /// What it is called in names and reports.
    fn name(&self) -> String;
}

/// A socket that a [`Server`](super::Server) accepts from: made of a TCP or of a Unix listener.
///
/// asyncio: `sock=`.
///
/// # Examples
/// ```
/// use bowerbird::net::TcpListener;
/// use bowerbird::streams::Listener;
///
/// bowerbird::run(async {
///     let listener = Listener::from(TcpListener::bind("127.0.0.1:0").await?);
///     assert!(format!("{listener:?}").contains("127.0.0.1:"));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct Listener(pub(super) Box<dyn Accepts>);

impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Self {
        Self(Box::new(listener))
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.name()).finish()
    }
}

impl Accepts for TcpListener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        TcpListener::poll_accept(self, cx).map_ok(|(stream, peer)| Accepted::Tcp(stream, peer))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        TcpListener::local_addr(self).ok()
    }

    fn name(&self) -> String {
        match TcpListener::local_addr(self) {
            Ok(address) => address.to_string(),
            Err(_) => "an unknown address".into(),
        }
    }
}
