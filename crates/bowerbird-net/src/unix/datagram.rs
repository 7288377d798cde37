//! A Unix datagram socket.

use std::fmt;
use std::os::fd::AsFd;
use std::os::unix::net::{SocketAddr, UnixDatagram as OsSocket};
use std::path::Path;
use std::sync::Arc;

use bowerbird_io::{IoDriver, Leaf};
use socket2::{SockAddr, Type};

use super::credentials::UCred;
use super::own_file::OwnFile;
use super::send_to::SendTo;
use crate::datagram::methods::datagram_methods;
use crate::datagram::methods::prelude::*;
use crate::socket;

/// A Unix datagram socket.
///
/// asyncio: the transport of `create_datagram_endpoint(.., family=AF_UNIX)`, by hand.
///
/// It is used as a [`UdpSocket`](crate::UdpSocket); no datagram is lost on the way, and a sender waits for a
/// receiver that is slow. Dropping it closes it, and removes the file that [`bind`](Self::bind) has made: if it
/// is still the same file, by device and inode.
///
/// # Examples
/// ```
/// use bowerbird::net::UnixDatagram;
///
/// bowerbird::run(async {
///     let (one, other) = UnixDatagram::pair()?;
///     one.send(b"hello").await?;
///     let mut buffer = [0; 16];
///     assert_eq!(other.recv(&mut buffer).await?, 5);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct UnixDatagram {
    // Before the socket: while that is open, nobody else can have its inode.
    file: Option<OwnFile>,
    source: AsyncFd<OsSocket>,
}

impl UnixDatagram {
    /// Binds a path, or an abstract name (`"\0name"`, Linux only).
    ///
    /// asyncio: `create_datagram_endpoint(.., local_addr=path, family=AF_UNIX)`.
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
    /// use bowerbird::net::UnixDatagram;
    /// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-{}", std::process::id()));
    /// # std::fs::create_dir_all(&directory).unwrap();
    ///
    /// bowerbird::run(async {
    ///     let path = directory.join("log.sock");
    ///     let server = UnixDatagram::bind(&path)?;
    ///     let client = UnixDatagram::unbound()?;
    ///     client.send_to(b"hello", &path).await?;
    ///     let mut buffer = [0; 16];
    ///     assert_eq!(server.recv(&mut buffer).await?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// # std::fs::remove_dir_all(directory).unwrap();
    /// ```
    #[track_caller]
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        let driver = expect_current("UnixDatagram::bind");
        let address = socket::unix_address(path.as_ref())?;
        let socket = socket::new_unix_datagram()?;
        socket::bind_unix(&socket, &address)?;
        // A file that is gone already need not be removed.
        let file = address.as_pathname().and_then(|path| OwnFile::remember(path).ok());
        let mut this = Self::register(driver, socket)?;
        this.file = file;
        Ok(this)
    }

    /// Makes a socket without an address: it can send, and receive only from whom it is connected to.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn unbound() -> io::Result<Self> {
        let driver = expect_current("UnixDatagram::unbound");
        Self::register(driver, socket::new_unix_datagram()?)
    }

    /// Makes two sockets that are connected to each other.
    ///
    /// asyncio: no counterpart (`socket.socketpair()`).
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(Self, Self)> {
        let driver = expect_current("UnixDatagram::pair");
        let (one, other) = socket::unix_pair(Type::DGRAM)?;
        let one = Self::register(driver.clone(), one.into())?;
        Ok((one, Self::register(driver, other.into())?))
    }

    /// Sets the peer: [`send`](Self::send) goes to it, and only its datagrams are received.
    ///
    /// asyncio: `create_datagram_endpoint(.., remote_addr=path, family=AF_UNIX)`.
    ///
    /// # Errors
    /// `InvalidInput` if the path is too long, with the limit; else what the system says.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        socket::connect_unix(self.os(), &socket::unix_address(path.as_ref())?)
    }

    /// Sets the peer by its address, as [`connect`](Self::connect).
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Errors
    /// As for [`connect`](Self::connect); `InvalidInput` if the address has no name.
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        socket::connect_unix(self.os(), &socket::unix_address_of(address)?)
    }

    /// Sends a datagram to the socket at a path, or with an abstract name.
    ///
    /// asyncio: `loop.sock_sendto(sock, data, path)`.
    ///
    /// While the receiver's queue is full it tries again, after 1 ms at first and after 20 ms at most: the
    /// system has no event for that. If the sockets are connected it has one, and [`send`](Self::send) waits
    /// for it.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has sent nothing.
    ///
    /// # Errors
    /// `InvalidInput` if the path is too long, with the limit; else what the system says.
    #[track_caller]
    pub fn send_to<'a>(&'a self, bytes: &'a [u8], path: impl AsRef<Path>) -> SendTo<'a> {
        let to = socket::unix_address(path.as_ref());
        SendTo::new(&self.source, Leaf::new("UnixDatagram::send_to"), bytes, to)
    }

    /// Sends a datagram to an address, as [`send_to`](Self::send_to).
    ///
    /// asyncio: `loop.sock_sendto`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has sent nothing.
    ///
    /// # Errors
    /// As for [`send_to`](Self::send_to); `InvalidInput` if the address has no name.
    #[track_caller]
    pub fn send_to_addr<'a>(&'a self, bytes: &'a [u8], to: &SocketAddr) -> SendTo<'a> {
        let to = socket::unix_address_of(to);
        SendTo::new(&self.source, Leaf::new("UnixDatagram::send_to_addr"), bytes, to)
    }

    /// Tries to send to a path; `WouldBlock` if the receiver's queue is full.
    ///
    /// asyncio: `sock.sendto` in an `add_writer` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or as for [`send_to`](Self::send_to).
    pub fn try_send_to(&self, bytes: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        // Past the readiness: a full queue of somebody else says nothing about it.
        let to: SockAddr = socket::unix_address(path.as_ref())?;
        OsDatagram::send_to(self.os(), bytes, &to)
    }

    /// Tries to send to an address, as [`try_send_to`](Self::try_send_to).
    ///
    /// asyncio: `sock.sendto` in an `add_writer` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or as for [`send_to_addr`](Self::send_to_addr).
    pub fn try_send_to_addr(&self, bytes: &[u8], to: &SocketAddr) -> io::Result<usize> {
        OsDatagram::send_to(self.os(), bytes, &socket::unix_address_of(to)?)
    }

    /// Gives the socket back to std, still non-blocking. Its file stays.
    ///
    /// asyncio: `transport.get_extra_info("socket")`, with the ownership.
    pub fn into_std(mut self) -> OsSocket {
        let _ = self.set_remove_file(false);
        self.source.into_inner()
    }

    /// Says whether the socket's file is removed with it. After [`bind`](Self::bind) it is, after
    /// [`from_std`](Self::from_std) it is not.
    ///
    /// asyncio: no counterpart for datagrams.
    ///
    /// # Errors
    /// Asked to remove it: what the system says of the file, which must be there now.
    pub fn set_remove_file(&mut self, remove: bool) -> io::Result<()> {
        let address = self.local_addr()?;
        OwnFile::set(&mut self.file, address.as_pathname(), remove)
    }

    /// Ends one direction or both.
    ///
    /// asyncio: `sock.shutdown(how)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn shutdown(&self, how: std::net::Shutdown) -> io::Result<()> {
        self.os().shutdown(how)
    }

    /// The address that it is bound to, if it is.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.os().local_addr()
    }

    /// The address that it is connected to.
    ///
    /// asyncio: `get_extra_info("peername")`.
    ///
    /// # Errors
    /// `NotConnected`, or what the system says.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.os().peer_addr()
    }

    /// Who is at the other end, if the two were made by [`pair`](Self::pair).
    ///
    /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_PEERCRED, ..)`.
    ///
    /// # Errors
    /// What the system says; `Unsupported` where there is no such call.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        UCred::of_peer(self.os().as_fd())
    }

    fn register(driver: Arc<IoDriver>, socket: OsSocket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(Self { file: None, source: AsyncFd::register(driver, socket, interest)? })
    }

    pub(crate) fn os(&self) -> &OsSocket {
        self.source.get_ref()
    }
}

datagram_methods!(
    UnixDatagram,
    OsSocket,
    SocketAddr,
    "UnixDatagram",
    r#"# use bowerbird::net::UnixDatagram;
# bowerbird::run(async {
#     let (one, other) = UnixDatagram::pair()?;"#
);

impl fmt::Debug for UnixDatagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.os().fmt(f)
    }
}
