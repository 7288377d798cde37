//! Listeners of any family.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

use bowerbird_net::TcpListener;
use bowerbird_net::streams::{StreamReader, StreamWriter, from_socket};

/// A connection that was accepted.
pub(super) type Accepted = (StreamReader, StreamWriter);

/// A listener that gives readers and writers.
pub(super) trait Accepts: Send + Sync + 'static {
    fn poll_accept(
        &self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<io::Result<Accepted>>;

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
    fn poll_accept(
        &self,
        cx: &mut Context<'_>,
        location: &'static Location<'static>,
    ) -> Poll<io::Result<Accepted>> {
        TcpListener::poll_accept(self, cx)
            .map_ok(|(stream, peer)| from_socket(stream, Some(peer), location))
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
