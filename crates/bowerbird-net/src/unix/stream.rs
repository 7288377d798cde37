//! A connection over a Unix socket.

use std::fmt;
use std::os::fd::AsFd;
use std::os::unix::net::{SocketAddr, UnixStream as OsStream};
use std::path::Path;

use socket2::Type;

use super::connect::Connect;
use super::credentials::UCred;
use crate::byte_stream::methods::prelude::*;
use crate::byte_stream::methods::{reading_methods, socket_methods, writing_methods};
use crate::socket;

/// A connection over a Unix socket.
///
/// asyncio: the pair of `StreamReader` and `StreamWriter` of `open_unix_connection`, without their buffers.
///
/// It is used as a [`TcpStream`](crate::TcpStream), and the same holds for it: one task may read while
/// another writes, dropping it closes the connection, and debug mode reports one that looks unclosed.
/// Descriptors that the peer sends with its bytes are closed by the system.
///
/// # Examples
/// ```
/// use bowerbird::net::UnixStream;
///
/// bowerbird::run(async {
///     let (mut client, mut server) = UnixStream::pair()?;
///     client.write_all(b"hello").await?;
///     client.shutdown().await?;
///
///     let mut all = Vec::new();
///     server.read_to_end(&mut all).await?;
///     assert_eq!(all, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct UnixStream(Core<OsStream>);

impl UnixStream {
    /// Connects to the socket at a path, or to an abstract name (`"\0name"`, Linux only).
    ///
    /// asyncio: `open_unix_connection(path)`.
    ///
    /// While the listener's queue is full it tries again, after 1 ms at first and after 50 ms at most: the
    /// system has no event for that.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up; there was no connection yet.
    ///
    /// # Errors
    /// `InvalidInput` if the path is too long, with the limit; else what the system says: `NotFound` if
    /// there is no file, `ConnectionRefused` if nobody listens.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{UnixListener, UnixStream};
    /// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory).unwrap();
    ///
    /// bowerbird::run(async {
    ///     let path = directory.join("connect.sock");
    ///     let listener = UnixListener::bind(&path)?;
    ///     let connect = UnixStream::connect(&path);
    ///     let (client, (server, _)) = bowerbird::try_join((connect, listener.accept())).await?;
    ///     assert_eq!(client.peer_addr()?.as_pathname(), Some(&*path));
    ///     assert!(server.peer_addr()?.is_unnamed());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// ```
    #[track_caller]
    pub fn connect(path: impl AsRef<Path>) -> Connect {
        let driver = expect_current("UnixStream::connect");
        Connect::new(driver, Leaf::new("UnixStream::connect"), socket::unix_address(path.as_ref()))
    }

    /// Connects to an address, as [`connect`](Self::connect).
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up; there was no connection yet.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect); `InvalidInput` if the address has no name.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect_addr(address: &SocketAddr) -> Connect {
        let driver = expect_current("UnixStream::connect_addr");
        let address = socket::unix_address_of(address);
        Connect::new(driver, Leaf::new("UnixStream::connect_addr"), address)
    }

    /// Makes two streams that are connected to each other.
    ///
    /// asyncio: no counterpart (`socket.socketpair()`).
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::UnixStream;
    ///
    /// bowerbird::run(async {
    ///     let (mut one, mut other) = UnixStream::pair()?;
    ///     one.write_all(b"hello").await?;
    ///     let mut buffer = [0; 5];
    ///     other.read_exact(&mut buffer).await?;
    ///     assert_eq!(&buffer, b"hello");
    ///     # one.shutdown().await?;
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let driver = expect_current("UnixStream::pair");
        let (one, other) = socket::unix_pair(Type::STREAM)?;
        let location = Some(Location::caller());
        let one = Core::register(driver.clone(), one.into(), location)?;
        Ok((Self(one), Self(Core::register(driver, other.into(), location)?)))
    }

    /// The address of this end; a client's has no name, as a rule.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.os().local_addr()
    }

    /// The address of the other end; a client's has no name, as a rule.
    ///
    /// asyncio: `get_extra_info("peername")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.0.os().peer_addr()
    }

    /// Who is at the other end: the user, and where the system tells it the process, that connected or
    /// listened.
    ///
    /// asyncio: `get_extra_info("socket").getsockopt(SOL_SOCKET, SO_PEERCRED, ..)`.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where there is no such call.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::UnixStream;
    ///
    /// bowerbird::run(async {
    ///     let (one, _other) = UnixStream::pair()?;
    ///     let peer = one.peer_cred()?;
    ///     # #[cfg(target_os = "linux")]
    ///     assert_eq!(peer.pid(), Some(std::process::id() as i32));
    ///     println!("user {}, group {}", peer.uid(), peer.gid());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn peer_cred(&self) -> io::Result<UCred> {
        UCred::of_peer(self.0.os().as_fd())
    }
}

/// Hands the beginning of the examples to a macro of methods.
macro_rules! unix_methods {
    ($($methods:ident),*) => {
        $($methods!(
            UnixStream,
            OsStream,
            "UnixStream",
            r#"# use bowerbird::net::UnixStream;
# bowerbird::run(async {
#     let (mut client, mut server) = UnixStream::pair()?;"#
        );)*
    };
}

unix_methods!(reading_methods, writing_methods, socket_methods);

impl Endpoint for UnixStream {
    type Os = OsStream;

    fn from_core(core: Core<OsStream>) -> Self {
        Self(core)
    }

    #[inline]
    fn core(&self) -> &Core<OsStream> {
        &self.0
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.os().fmt(f)
    }
}
