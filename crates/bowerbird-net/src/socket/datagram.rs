//! What a datagram socket asks of the system, and UDP's answer.

use std::fmt::Debug;
use std::io;
use std::net::{SocketAddr, UdpSocket};

use bowerbird_io::Descriptor;
use socket2::{Domain, Protocol, SockAddr, Type};

use super::os;

/// A non-blocking handle of the system that sends and receives datagrams.
pub trait OsDatagram: Descriptor + Debug {
    /// What it knows a sender by.
    type Address;
    /// What it sends to.
    type Target: Debug;

    /// What its calls are named.
    const CALLS: DatagramCalls;

    /// Receives from whom it is connected to, or from anybody.
    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Receives, and tells who has sent.
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Address)>;

    /// Receives, and tells who has sent and whether the datagram was longer than the buffer.
    fn recv_message(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Address, bool)>;

    /// Receives and leaves the datagram where it is.
    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// The same, and tells who has sent.
    fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, Self::Address)>;

    /// Sends to whom it is connected to.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends.
    fn send_to(&self, bytes: &[u8], to: &Self::Target) -> io::Result<usize>;
}

/// The names of the calls of one type of datagram socket, for debug mode and call graphs.
#[derive(Debug, Clone, Copy)]
pub struct DatagramCalls {
    pub(crate) recv: &'static str,
    pub(crate) recv_from: &'static str,
    pub(crate) recv_message: &'static str,
    pub(crate) peek: &'static str,
    pub(crate) peek_from: &'static str,
    pub(crate) send: &'static str,
    pub(crate) send_to: &'static str,
}

macro_rules! datagram_calls {
    ($name:literal) => {
        $crate::socket::DatagramCalls {
            recv: concat!($name, "::recv"),
            recv_from: concat!($name, "::recv_from"),
            recv_message: concat!($name, "::recv_message"),
            peek: concat!($name, "::peek"),
            peek_from: concat!($name, "::peek_from"),
            send: concat!($name, "::send"),
            send_to: concat!($name, "::send_to"),
        }
    };
}
pub(super) use datagram_calls;

/// What is set on a UDP socket before it is bound.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct UdpOptions {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: Option<bool>,
}

/// Makes a UDP socket.
pub(crate) fn bind_udp(address: SocketAddr, options: UdpOptions) -> io::Result<UdpSocket> {
    let socket = new_udp(address)?;
    if options.reuse_address {
        socket.set_reuse_address(true)?;
    }
    if options.reuse_port {
        share_port(&socket)?;
    }
    if let (Some(only_v6), true) = (options.only_v6, address.is_ipv6()) {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(&SockAddr::from(address))?;
    Ok(socket.into())
}

/// Lets several sockets bind one port.
#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
fn share_port(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
fn share_port(_socket: &socket2::Socket) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no SO_REUSEPORT"))
}

fn new_udp(address: SocketAddr) -> io::Result<socket2::Socket> {
    os::new_socket(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))
}

/// Sets the peer of a UDP socket.
pub(crate) fn connect_udp(socket: &UdpSocket, address: SocketAddr) -> io::Result<()> {
    socket.connect(address)
}

#[cfg(not(windows))]
impl OsDatagram for UdpSocket {
    type Address = SocketAddr;
    type Target = SocketAddr;

    const CALLS: DatagramCalls = datagram_calls!("UdpSocket");

    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        UdpSocket::recv(self, buffer)
    }

    #[inline]
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        os::recv_from(self, buffer)
    }

    #[inline]
    fn recv_message(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, bool)> {
        super::message::recv_message(self, buffer)
    }

    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        UdpSocket::peek(self, buffer)
    }

    fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        UdpSocket::peek_from(self, buffer)
    }

    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        UdpSocket::send(self, bytes)
    }

    #[inline]
    fn send_to(&self, bytes: &[u8], to: &SocketAddr) -> io::Result<usize> {
        os::send_to(self, bytes, to)
    }
}
