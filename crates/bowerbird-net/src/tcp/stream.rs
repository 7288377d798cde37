//! A TCP connection.

use std::fmt;
use std::net::{SocketAddr, TcpStream as OsStream};
use std::time::Duration;

use bowerbird_io::AsyncFd;

use super::connect::Connect;
use super::connect_options::ConnectOptions;
use crate::byte_stream::methods::prelude::*;
use crate::byte_stream::methods::{reading_methods, socket_methods, writing_methods};
use crate::socket;
use crate::to_addrs::ToAddrs;

/// A TCP connection.
///
/// asyncio: the pair of `StreamReader` and `StreamWriter` of `open_connection`, without their buffers; a
/// `write` here waits until the system has taken the bytes, where `StreamWriter.write` queues them.
///
/// `TCP_NODELAY` is on. Dropping it closes the connection; debug mode reports one that was written to and is
/// dropped without [`shutdown`](Self::shutdown), or with input that nobody has read.
///
/// One task may read while another writes: through the traits on `&TcpStream`, or through the halves of
/// [`split`](Self::split) and [`into_split`](Self::into_split), which need no lock. Two tasks that both
/// read (or both write) at the same time through these have to agree on who is woken: the last one is.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let connect = TcpStream::connect(listener.local_addr()?);
///     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
///     client.write_all(b"hello").await?;
///     client.shutdown().await?;
///
///     let mut all = Vec::new();
///     server.read_to_end(&mut all).await?;
///     assert_eq!(all, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct TcpStream(Core<OsStream>);

impl TcpStream {
    /// Connects to the first address that answers.
    ///
    /// asyncio: `open_connection(host, port)` with `happy_eyeballs_delay=0.25`.
    ///
    /// A name is looked up on the blocking pool, a literal address on the spot. Of several addresses the
    /// next is tried when the one before has failed or has not answered within 250 ms (RFC 8305).
    ///
    /// # Cancel safety
    /// Dropping it gives the attempts up; there was no connection yet.
    ///
    /// # Errors
    /// The name cannot be looked up, or no address could be connected: the error of the only attempt, or
    /// one that lists them all ([`ConnectErrors`](crate::ConnectErrors)).
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{TcpListener, TcpStream};
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let connect = TcpStream::connect(("127.0.0.1", listener.local_addr()?.port()));
    ///     let (client, (_, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
    ///     assert_eq!(client.local_addr()?, peer);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect(addrs: impl ToAddrs) -> Connect {
        let driver = expect_current("TcpStream::connect");
        Connect::new(driver, Leaf::new("TcpStream::connect"), &addrs, ConnectOptions::new())
    }

    /// Connects as [`connect`](Self::connect), with options.
    ///
    /// asyncio: `open_connection(host, port, happy_eyeballs_delay=.., interleave=.., local_addr=..)`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempts up; there was no connection yet.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect); a local address cannot be bound, or none is of the right family.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect_with(addrs: impl ToAddrs, options: &ConnectOptions) -> Connect {
        let driver = expect_current("TcpStream::connect_with");
        Connect::new(driver, Leaf::new("TcpStream::connect_with"), &addrs, options.clone())
    }

    /// Connects to one address.
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up; there was no connection yet.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect_addr(address: SocketAddr) -> Connect {
        let driver = expect_current("TcpStream::connect_addr");
        let options = ConnectOptions::new();
        Connect::new(driver, Leaf::new("TcpStream::connect_addr"), &address, options)
    }

    /// What has just been connected.
    pub(super) fn connected(
        source: AsyncFd<OsStream>,
        location: Option<&'static Location<'static>>,
        nodelay: bool,
    ) -> io::Result<Self> {
        if nodelay {
            socket::set_nodelay(source.get_ref(), true)?;
        }
        Ok(Self(Core::registered(source, location)))
    }

    // ----- addresses and options ---------------------------------------------------------------------

    /// The address of this end.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.os().local_addr()
    }

    /// The address of the other end.
    ///
    /// asyncio: `get_extra_info("peername")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.os().peer_addr()
    }

    /// Returns whether `TCP_NODELAY` is on.
    ///
    /// # Errors
    /// What the system says.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.0.os().nodelay()
    }

    /// Sets `TCP_NODELAY`. It is on from the beginning, as in asyncio.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        socket::set_nodelay(self.0.os(), on)
    }

    /// The time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.0.os().ttl()
    }

    /// Sets the time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.0.os().set_ttl(ttl)
    }

    /// How long a close waits for unsent data (`SO_LINGER`).
    ///
    /// # Errors
    /// What the system says.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        socket::linger(self.0.os())
    }

    /// Sets `SO_LINGER`. With zero a close resets the connection; with more it **blocks the worker** that
    /// closes, if data is unsent.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        if linger == Some(Duration::ZERO) {
            self.0.intend();
        }
        socket::set_linger(self.0.os(), linger)
    }
}

/// Hands the beginning of the examples to a macro of methods.
macro_rules! tcp_methods {
    ($($methods:ident),*) => {
        $($methods!(
            TcpStream,
            OsStream,
            "TcpStream",
            r#"# use bowerbird::net::{TcpListener, TcpStream};
# bowerbird::run(async {
#     let listener = TcpListener::bind("127.0.0.1:0").await?;
#     let connect = TcpStream::connect(listener.local_addr()?);
#     let (mut client, (mut server, _)) = bowerbird::try_join((connect, listener.accept())).await?;"#
        );)*
    };
}

tcp_methods!(reading_methods, writing_methods, socket_methods);

impl Endpoint for TcpStream {
    type Os = OsStream;

    fn from_core(core: Core<OsStream>) -> Self {
        Self(core)
    }

    #[inline]
    fn core(&self) -> &Core<OsStream> {
        &self.0
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.os().fmt(f)
    }
}
