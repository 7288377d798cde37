//! A listening Unix socket.

use std::fmt;
use std::io;
use std::os::unix::net::{SocketAddr, UnixListener as OsListener};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_io::{AsyncFd, Interest, IoDriver, expect_current};

use super::own_file::OwnFile;
use super::stream::UnixStream;
use crate::accepting::{self, Accept, Incoming, Listener};
use crate::socket;

/// A Unix socket that accepts connections.
///
/// asyncio: the `Server` of `start_unix_server`, one level below: connections are accepted by hand.
///
/// Any number of tasks may accept from one listener. Dropping it closes it, and removes the file that
/// [`bind`](Self::bind) has made: if it is still the same file, by device and inode. A socket that another
/// process has put in its place stays. Connections that it has accepted live on.
///
/// # Examples
/// ```
/// use bowerbird::net::{UnixListener, UnixStream};
/// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// let path = directory.join("server.sock");
///
/// bowerbird::run(async {
///     let listener = UnixListener::bind(&path)?;
///     let server = bowerbird::spawn(async move {
///         let (mut stream, _) = listener.accept().await?;
///         stream.write_all(b"hello").await
///     });
///
///     let mut client = UnixStream::connect(&path).await?;
///     let mut all = Vec::new();
///     client.read_to_end(&mut all).await?;
///     assert_eq!(all, b"hello");
///     server.await.unwrap()
/// }).unwrap();
/// assert!(!path.exists(), "the listener has removed its file");
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
pub struct UnixListener {
    // Before the socket: while that is open, nobody else can have its inode.
    file: Option<OwnFile>,
    source: AsyncFd<OsListener>,
}

impl Listener for UnixListener {
    type Os = OsListener;
    type Stream = UnixStream;

    fn source(&self) -> &AsyncFd<OsListener> {
        &self.source
    }
}

impl UnixListener {
    /// Binds a path, or an abstract name (`"\0name"`, Linux only), and listens.
    ///
    /// asyncio: `start_unix_server(.., path)`; but a socket that is there already is an error here, where
    /// asyncio removes it.
    ///
    /// Up to 1024 connections wait to be accepted, if the system allows as many.
    ///
    /// # Errors
    /// `InvalidInput` if the path is too long, with the limit; `AddrInUse` if there is a file already; else
    /// what the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::UnixListener;
    ///
    /// bowerbird::run(async {
    ///     let error = UnixListener::bind("x".repeat(200)).unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    ///     assert!(error.to_string().contains("200 bytes"), "{error}");
    /// });
    /// ```
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let driver = expect_current("UnixListener::bind");
        Self::bind_with(driver, &socket::unix_address(path.as_ref())?)
    }

    /// Binds an address, and listens, as [`bind`](Self::bind).
    ///
    /// asyncio: `start_unix_server(.., path)`.
    ///
    /// # Errors
    /// As for [`bind`](Self::bind); `InvalidInput` if the address has no name.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn bind_addr(address: &SocketAddr) -> io::Result<Self> {
        let driver = expect_current("UnixListener::bind_addr");
        Self::bind_with(driver, &socket::unix_address_of(address)?)
    }

    fn bind_with(driver: Arc<IoDriver>, address: &socket2::SockAddr) -> io::Result<Self> {
        Self::listening(driver, socket::listen_unix(address)?)
    }

    /// With a socket that was bound here, and so has a file of ours if it has one.
    pub(super) fn listening(driver: Arc<IoDriver>, listener: OsListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        // A file that is gone already need not be removed.
        let file = address.as_pathname().and_then(|path| OwnFile::remember(path).ok());
        Self::register(driver, listener, file)
    }

    /// Takes a listener of std over: it becomes non-blocking. Its file is not removed, unless
    /// [`set_remove_file`](Self::set_remove_file) says so.
    ///
    /// asyncio: `start_unix_server(.., sock=sock, cleanup_socket=False)`.
    ///
    /// # Errors
    /// The system cannot poll it, or the runtime is shutting down.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn from_std(listener: OsListener) -> io::Result<Self> {
        let driver = expect_current("UnixListener::from_std");
        listener.set_nonblocking(true)?;
        Self::register(driver, listener, None)
    }

    /// Gives the listener back to std, still non-blocking. Its file stays.
    ///
    /// asyncio: `server.sockets[0]`, with the ownership.
    pub fn into_std(mut self) -> OsListener {
        let _ = self.set_remove_file(false);
        self.source.into_inner()
    }

    fn register(
        driver: Arc<IoDriver>,
        listener: OsListener,
        file: Option<OwnFile>,
    ) -> io::Result<Self> {
        Ok(Self { file, source: AsyncFd::register(driver, listener, Interest::READABLE)? })
    }

    /// Says whether the socket's file is removed with the listener. After [`bind`](Self::bind) it is, after
    /// [`from_std`](Self::from_std) it is not.
    ///
    /// asyncio: `start_unix_server(.., cleanup_socket=..)`.
    ///
    /// # Errors
    /// Asked to remove it: what the system says of the file, which must be there now. A listener with an
    /// abstract name has none, and nothing happens.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::UnixListener;
    /// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory).unwrap();
    /// let path = directory.join("stays.sock");
    ///
    /// bowerbird::run(async {
    ///     let mut listener = UnixListener::bind(&path)?;
    ///     listener.set_remove_file(false)
    /// }).unwrap();
    /// assert!(path.exists());
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// ```
    pub fn set_remove_file(&mut self, remove: bool) -> io::Result<()> {
        let address = self.local_addr()?;
        OwnFile::set(&mut self.file, address.as_pathname(), remove)
    }

    /// Accepts a connection.
    ///
    /// asyncio: `loop.sock_accept`.
    ///
    /// The address is the peer's; most clients have none.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has accepted nothing.
    ///
    /// # Errors
    /// What the system says. Without a free descriptor (`EMFILE`) the connection stays in the queue and the
    /// next call fails at once again: wait a while before it.
    #[track_caller]
    pub fn accept(&self) -> Accept<'_, Self> {
        Accept::new(self)
    }

    /// Polls for a connection; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`accept`](Self::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        accepting::poll_accept(self, cx)
    }

    /// Gives the connections as a stream, which never ends.
    ///
    /// asyncio: no counterpart (`async for` over `accept`).
    ///
    /// # Cancel safety
    /// Nothing is lost: connections that were not taken stay in the queue.
    pub fn incoming(&self) -> Incoming<'_, Self> {
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

    /// The address that it listens on.
    ///
    /// asyncio: `server.sockets[0].getsockname()`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.source.get_ref().local_addr()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.get_ref().fmt(f)
    }
}
