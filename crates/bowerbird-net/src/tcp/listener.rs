//! A listening socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener as OsListener};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Interest, IoDriver, expect_current};

use super::TcpStream;
use crate::accepting::{self, Accept, Incoming, Listener};
use crate::resolve::Resolve;
use crate::socket;
use crate::to_addrs::ToAddrs;

/// A socket that accepts TCP connections.
///
/// asyncio: the `Server` of `start_server`, one level below: connections are accepted by hand.
///
/// Any number of tasks may accept from one listener. Dropping it closes it; connections that it has
/// accepted live on.
///
/// # Examples
/// ```
/// use bowerbird::net::{TcpListener, TcpStream};
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = bowerbird::spawn(async move {
///         let (mut stream, peer) = listener.accept().await?;
///         stream.write_all(format!("hello, {peer}").as_bytes()).await
///     });
///
///     let mut client = TcpStream::connect(address).await?;
///     let mut all = Vec::new();
///     client.read_to_end(&mut all).await?;
///     assert_eq!(all, format!("hello, {}", client.local_addr()?).into_bytes());
///     server.await.unwrap()
/// }).unwrap();
/// ```
pub struct TcpListener {
    source: AsyncFd<OsListener>,
}

impl Listener for TcpListener {
    type Os = OsListener;
    type Stream = TcpStream;

    fn source(&self) -> &AsyncFd<OsListener> {
        &self.source
    }
}

impl TcpListener {
    /// Binds the first of the addresses that can be bound, and listens.
    ///
    /// asyncio: `start_server(.., host, port)`, which listens on all of a name's addresses; here it is one.
    ///
    /// Up to 1024 connections wait to be accepted, if the system allows as many. On Unix `SO_REUSEADDR` is
    /// on, so that a restarted server gets its port back; on Windows, where that option lets others steal
    /// the port, it is off. `[::]` also accepts IPv4 connections where the system says so: on Linux it does
    /// (unless `net.ipv6.bindv6only` is set), on Windows and OpenBSD it does not. Where it does, `[::]` and
    /// `0.0.0.0` cannot be bound to the same port side by side.
    ///
    /// # Cancel safety
    /// Nothing is lost; nothing is bound before it completes.
    ///
    /// # Errors
    /// The name cannot be looked up, or the last address cannot be bound.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::TcpListener;
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     assert_ne!(listener.local_addr()?.port(), 0, "the system has chosen one");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind(addrs: impl ToAddrs) -> Bind {
        let site = CallSite::new("TcpListener::bind");
        Bind { driver: expect_current("TcpListener::bind"), resolve: Resolve::new(&addrs), site }
    }

    /// Takes a listener of std over: it becomes non-blocking.
    ///
    /// asyncio: `start_server(.., sock=sock)`.
    ///
    /// # Errors
    /// The system cannot poll it, or the runtime is shutting down.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn from_std(listener: OsListener) -> io::Result<Self> {
        let driver = expect_current("TcpListener::from_std");
        socket::adopt_listener(&listener)?;
        Self::register(driver, listener)
    }

    /// Gives the listener back to std, still non-blocking.
    ///
    /// asyncio: `server.sockets[0]`, with the ownership.
    pub fn into_std(self) -> OsListener {
        self.source.into_inner()
    }

    pub(super) fn register(driver: Arc<IoDriver>, listener: OsListener) -> io::Result<Self> {
        Ok(Self { source: AsyncFd::register(driver, listener, Interest::READABLE)? })
    }

    /// Accepts a connection.
    ///
    /// asyncio: `loop.sock_accept`.
    ///
    /// A connection that was aborted before it could be accepted is passed over. `TCP_NODELAY` is on.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has accepted nothing.
    ///
    /// # Errors
    /// What the system says. Without a free descriptor (`EMFILE`) the connection stays in the queue and the
    /// next call fails at once again: wait a while before it.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{TcpListener, TcpStream};
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let connect = TcpStream::connect(listener.local_addr()?);
    ///     let (client, (server, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
    ///     assert_eq!((peer, server.peer_addr()?), (client.local_addr()?, peer));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn accept(&self) -> Accept<'_> {
        Accept::new(self)
    }

    /// Polls for a connection; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`TcpListener::accept`].
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        accepting::poll_accept(self, cx)
    }

    /// Gives the connections as a stream, which never ends.
    ///
    /// asyncio: no counterpart (`async for` over `accept`).
    ///
    /// # Cancel safety
    /// Nothing is lost: connections that were not taken stay in the queue.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{TcpListener, TcpStream};
    /// use futures_core::Stream;
    /// use std::{future::poll_fn, pin::Pin};
    ///
    /// bowerbird::run(async {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let client = TcpStream::connect(listener.local_addr()?).await?;
    ///
    ///     let mut incoming = listener.incoming();
    ///     // `next()` of the crate futures, spelt out:
    ///     let first = poll_fn(|cx| Pin::new(&mut incoming).poll_next(cx)).await.unwrap()?;
    ///     assert_eq!(first.peer_addr()?, client.local_addr()?);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn incoming(&self) -> Incoming<'_> {
        Incoming::new(self)
    }

    /// Takes the error that waits on the socket, if there is one (`SO_ERROR`).
    ///
    /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_ERROR)`.
    ///
    /// # Errors
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.source.get_ref().take_error()
    }

    /// The address that it listens on; tells the port if 0 was bound.
    ///
    /// asyncio: `server.sockets[0].getsockname()`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get_ref().local_addr()
    }

    /// The time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn ttl(&self) -> io::Result<u32> {
        self.source.get_ref().ttl()
    }

    /// Sets the time to live of packets.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.source.get_ref().set_ttl(ttl)
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.get_ref().fmt(f)
    }
}

/// The future of [`TcpListener::bind`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Bind {
    driver: Arc<IoDriver>,
    resolve: Resolve,
    site: CallSite,
}

impl Future for Bind {
    type Output = io::Result<TcpListener>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { driver, resolve, site } = self.get_mut();
        site.polled();
        let addrs = ready!(Pin::new(resolve).poll(cx))?;
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "there is no address to bind");
        for address in addrs {
            match socket::listen(address) {
                Ok(listener) => {
                    return Poll::Ready(TcpListener::register(driver.clone(), listener));
                }
                Err(error) => last = error,
            }
        }
        Poll::Ready(Err(last))
    }
}

impl CancelSafe for Bind {}

impl fmt::Debug for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bind").finish_non_exhaustive()
    }
}
