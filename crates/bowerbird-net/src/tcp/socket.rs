//! A TCP socket that neither listens nor is connected yet.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use bowerbird_io::{Leaf, expect_current};
use socket2::{SockAddr, Socket};

use super::connect::Connect;
use super::connect_options::ConnectOptions;
use super::listener::TcpListener;
use crate::options::options;
use crate::socket::{self, option};

/// A TCP socket whose options are set before it connects or listens.
///
/// asyncio: the `socket.socket` that `create_connection(sock=..)` and `create_server(sock=..)` take.
///
/// # Examples
/// ```
/// use bowerbird::net::TcpSocket;
///
/// bowerbird::run(async {
///     let server = TcpSocket::new_v4()?;
///     server.set_reuse_address(true)?;
///     server.set_recv_buffer_size(64 * 1024)?;
///     server.bind("127.0.0.1:0".parse().unwrap())?;
///     let listener = server.listen(128)?;
///
///     let client = TcpSocket::new_v4()?;
///     client.set_keepalive(true)?;
///     client.bind("127.0.0.1:0".parse().unwrap())?;
///     let connect = client.connect(listener.local_addr()?);
///     let (client, (_, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
///     assert_eq!(client.local_addr()?, peer);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct TcpSocket {
    socket: Socket,
    nodelay: bool,
}

impl TcpSocket {
    /// Makes an IPv4 socket.
    ///
    /// asyncio: `socket.socket(AF_INET)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_v4() -> io::Result<Self> {
        Self::for_addr((Ipv4Addr::UNSPECIFIED, 0).into())
    }

    /// Makes an IPv6 socket.
    ///
    /// asyncio: `socket.socket(AF_INET6)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn new_v6() -> io::Result<Self> {
        Self::for_addr((Ipv6Addr::UNSPECIFIED, 0).into())
    }

    /// Makes a socket of the family of an address.
    ///
    /// asyncio: `socket.socket(family)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn for_addr(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { socket: socket::new_tcp(address)?, nodelay: true })
    }

    /// Takes a socket of std over that neither listens nor is connected: it becomes non-blocking.
    ///
    /// asyncio: `create_connection(.., sock=sock)`.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::TcpSocket;
    ///
    /// bowerbird::run(async {
    ///     // One that another library has made, and has set its options on.
    ///     let made = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None)?;
    ///     let socket = TcpSocket::from_std(made.into())?;
    ///     socket.bind("127.0.0.1:0".parse().unwrap())?;
    ///     assert_ne!(socket.listen(16)?.local_addr()?.port(), 0);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn from_std(socket: std::net::TcpStream) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket: socket.into(), nodelay: true })
    }

    /// Binds to an address.
    ///
    /// asyncio: `sock.bind(address)`, `local_addr`.
    ///
    /// # Errors
    /// What the system says.
    pub fn bind(&self, address: SocketAddr) -> io::Result<()> {
        self.socket.bind(&SockAddr::from(address))
    }

    /// Connects to one address.
    ///
    /// asyncio: `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Dropping it gives the attempt up, and closes the socket.
    ///
    /// # Errors
    /// What the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn connect(self, address: SocketAddr) -> Connect {
        let driver = expect_current("TcpSocket::connect");
        let leaf = Leaf::new("TcpSocket::connect");
        let options = ConnectOptions::new().nodelay(self.nodelay);
        let socket = socket::connect(self.socket, address);
        Connect::begun(driver, leaf, address, socket, options)
    }

    /// Listens; `backlog` connections wait to be accepted, if the system allows as many.
    ///
    /// asyncio: `create_server(sock=.., backlog=..)`.
    ///
    /// # Errors
    /// What the system says; or the runtime is shutting down.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        let driver = expect_current("TcpSocket::listen");
        let backlog = i32::try_from(backlog).unwrap_or(i32::MAX);
        TcpListener::register(driver, socket::begin_listen(self.socket, backlog)?)
    }

    /// The address that it is bound to.
    ///
    /// asyncio: `sock.getsockname()`.
    ///
    /// # Errors
    /// What the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::other("no address of IPv4 or IPv6"))
    }

    /// Returns whether `TCP_NODELAY` will be on, once it is connected.
    pub fn nodelay(&self) -> bool {
        self.nodelay
    }

    /// Says whether `TCP_NODELAY` will be on, once it is connected. It will, unless this says no; what a
    /// listener accepts has it in any case.
    pub fn set_nodelay(&mut self, on: bool) {
        self.nodelay = on;
    }

    /// Returns the name of the device that it is bound to (`SO_BINDTODEVICE`). Linux.
    ///
    /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, ..)`.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(target_os = "linux")]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        option(&self.socket, |socket| socket.device())
    }

    /// Binds to a device, or to none (`SO_BINDTODEVICE`). Linux.
    ///
    /// asyncio: `sock.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, ..)`.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(target_os = "linux")]
    pub fn bind_device(&self, device: Option<&[u8]>) -> io::Result<()> {
        option(&self.socket, |socket| socket.bind_device(device))
    }

    /// Takes the error that waits on the socket, if there is one (`SO_ERROR`).
    ///
    /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_ERROR)`.
    ///
    /// # Errors
    /// What the system says about the question itself.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        option(&self.socket, |socket| socket.take_error())
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }
}

options! {
    TcpSocket, this => &this.socket;
    reuse_address, set_reuse_address: bool, reuse_address, set_reuse_address,
        "whether an address in TIME_WAIT may be bound (`SO_REUSEADDR`; on Windows it lets others steal the port).";
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos"))))]
    reuse_port, set_reuse_port: bool, reuse_port, set_reuse_port,
        "whether several sockets may bind one port (`SO_REUSEPORT`). Unix.";
    linger, set_linger: Option<Duration>, linger, set_linger,
        "how long a close waits for unsent data (`SO_LINGER`); with zero it resets the connection.";
    ttl, set_ttl: u32, ttl_v4, set_ttl_v4, "the time to live of IPv4 packets (`IP_TTL`).";
    only_v6, set_only_v6: bool, only_v6, set_only_v6,
        "whether an IPv6 socket refuses IPv4 (`IPV6_V6ONLY`).";
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
