//! A Unix stream socket that neither listens nor is connected yet.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream as OsStream;
use std::path::Path;

use bowerbird_io::{Leaf, expect_current};

use super::connect::Connect;
use super::listener::UnixListener;
use crate::options::buffer_options;
use crate::socket;

/// A Unix stream socket whose options are set before it connects or listens.
///
/// asyncio: the `socket.socket(AF_UNIX)` that `create_unix_connection(sock=..)` and
/// `create_unix_server(sock=..)` take.
///
/// # Examples
/// ```
/// use bowerbird::net::{UnixListener, UnixSocket};
/// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
///
/// bowerbird::run(async {
///     let (path, own) = (directory.join("listens"), directory.join("own"));
///     let socket = UnixSocket::new()?;
///     socket.bind(&path)?;
///     let listener = socket.listen(16)?;
///
///     let client = UnixSocket::new()?;
///     client.bind(&own)?;
///     let (_client, (_, peer)) = bowerbird::try_join((client.connect(&path), listener.accept())).await?;
///     assert_eq!(peer.as_pathname(), Some(&*own));
///     std::io::Result::Ok(())
/// }).unwrap();
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
pub struct UnixSocket(OsStream);

impl UnixSocket {
    /// Makes a socket.
    ///
    /// asyncio: `socket.socket(AF_UNIX)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        socket::new_unix_stream().map(Self)
    }

    /// Binds to a path, or to an abstract name (`"\0name"`, Linux only). Of a client, the file stays.
    ///
    /// asyncio: `sock.bind(path)`.
    ///
    /// # Errors
    /// `InvalidInput` if the path is too long, with the limit; `AddrInUse` if there is a file already; else
    /// what the system says.
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        socket::bind_unix(&self.0, &socket::unix_address(path.as_ref())?)
    }

    /// Connects, as [`UnixStream::connect`](super::UnixStream::connect).
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up, and closes the socket.
    ///
    /// # Errors
    /// As for [`UnixStream::connect`](super::UnixStream::connect).
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect(self, path: impl AsRef<Path>) -> Connect {
        let driver = expect_current("UnixSocket::connect");
        let address = socket::unix_address(path.as_ref());
        Connect::with_socket(driver, Leaf::new("UnixSocket::connect"), address, self.0)
    }

    /// Listens; `backlog` connections wait to be accepted, if the system allows as many. The listener removes
    /// the file, as after [`UnixListener::bind`].
    ///
    /// asyncio: `start_unix_server(.., backlog=..)`.
    ///
    /// # Errors
    /// What the system says; or the runtime is shutting down.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        let driver = expect_current("UnixSocket::listen");
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        UnixListener::listening(driver, socket::begin_listen_unix(self.0, backlog)?)
    }

    pub(crate) fn socket(&self) -> &OsStream {
        &self.0
    }
}

buffer_options!(UnixSocket, this => &this.0);

impl fmt::Debug for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
