//! A UDP socket.

use std::fmt;
use std::net::{SocketAddr, UdpSocket as OsSocket};
use std::sync::Arc;

use bowerbird_base::call_site::CallSite;
use bowerbird_io::IoDriver;

use super::futures::{BindUdp, ConnectUdp};
use crate::datagram::SendTo;
use crate::datagram::methods::datagram_methods;
use crate::datagram::methods::prelude::*;
use crate::resolve::Resolve;
use crate::socket::UdpOptions;
use crate::to_addrs::ToAddrs;

/// A UDP socket.
///
/// asyncio: the transport of `create_datagram_endpoint`, by hand: `recv_from` in place of
/// `datagram_received`, `send_to` in place of `sendto`.
///
/// Any number of tasks may receive and send at the same time, through shared references; each datagram goes to
/// one of them. `quinn-udp` and its like find the descriptor (`AsFd`), [`try_io`](Self::try_io) and the `poll_*`
/// forms.
///
/// # Examples
/// ```
/// use bowerbird::net::UdpSocket;
///
/// bowerbird::run(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?;
///     let client = UdpSocket::bind("127.0.0.1:0").await?;
///     client.connect(server.local_addr()?).await?;
///     client.send(b"question").await?;
///
///     let mut buffer = [0; 1500];
///     let (count, from) = server.recv_from(&mut buffer).await?;
///     assert_eq!((&buffer[..count], from), (&b"question"[..], client.local_addr()?));
///     server.send_to(b"answer", from).await?;
///     assert_eq!(client.recv(&mut buffer).await?, 6);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct UdpSocket {
    pub(super) source: AsyncFd<OsSocket>,
}

impl UdpSocket {
    /// Binds the first of the addresses that can be bound. What has to be set before is a method of the future.
    ///
    /// asyncio: `create_datagram_endpoint(.., local_addr=..)`.
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
    /// use bowerbird::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let socket = UdpSocket::bind("127.0.0.1:0").await?;
    ///     assert_ne!(socket.local_addr()?.port(), 0, "the system has chosen one");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn bind(addrs: impl ToAddrs) -> BindUdp {
        let site = CallSite::new("UdpSocket::bind");
        let driver = expect_current("UdpSocket::bind");
        BindUdp { driver, resolve: Resolve::new(&addrs), options: UdpOptions::default(), site }
    }

    /// Sets the peer: [`send`](Self::send) goes to it, and only its datagrams are received. The first of the
    /// addresses is taken that the system can reach.
    ///
    /// asyncio: `create_datagram_endpoint(.., remote_addr=..)`, `loop.sock_connect`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Errors
    /// The name cannot be looked up, or the last address cannot be reached.
    #[track_caller]
    pub fn connect(&self, addrs: impl ToAddrs) -> ConnectUdp<'_> {
        let site = CallSite::new("UdpSocket::connect");
        ConnectUdp { socket: self, resolve: Resolve::new(&addrs), site }
    }

    /// Sends a datagram to an address. A name has to be looked up first, with `lookup_host`.
    ///
    /// asyncio: `loop.sock_sendto(sock, data, address)`, `DatagramTransport.sendto`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has sent nothing.
    ///
    /// # Errors
    /// What the system says: it is too long, or the address cannot be reached; or the runtime has shut down.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    ///     assert_eq!(one.send_to(b"hello", other.local_addr()?).await?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn send_to<'a>(&'a self, bytes: &'a [u8], to: impl Into<SocketAddr>) -> SendTo<'a> {
        let once = operation::SendToOnce { bytes, to: Ok(to.into()), marker: PhantomData };
        Transfer::new(<OsSocket as OsDatagram>::CALLS.send_to, &self.source, once)
    }

    /// Tries to send to an address; `WouldBlock` if the system takes nothing.
    ///
    /// asyncio: `sock.sendto` in an `add_writer` callback.
    ///
    /// # Errors
    /// `WouldBlock`, or as for [`send_to`](Self::send_to).
    pub fn try_send_to(&self, bytes: &[u8], to: impl Into<SocketAddr>) -> io::Result<usize> {
        let to = to.into();
        self.source.try_io(Interest::WRITABLE, |os| OsDatagram::send_to(os, bytes, &to))
    }

    /// The poll form of [`send_to`](Self::send_to); the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves those who keep no future.
    ///
    /// # Errors
    /// As for [`send_to`](Self::send_to).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        bytes: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.source.poll_write_with(cx, |os| OsDatagram::send_to(os, bytes, &to))
    }

    /// Gives the socket back to std, still non-blocking.
    ///
    /// asyncio: `transport.get_extra_info("socket")`, with the ownership.
    pub fn into_std(self) -> OsSocket {
        self.source.into_inner()
    }

    /// The address that it is bound to; tells the port if 0 was bound.
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

    pub(super) fn register(driver: Arc<IoDriver>, socket: OsSocket) -> io::Result<Self> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        Ok(Self { source: AsyncFd::register(driver, socket, interest)? })
    }

    pub(crate) fn os(&self) -> &OsSocket {
        self.source.get_ref()
    }
}

datagram_methods!(
    UdpSocket,
    OsSocket,
    SocketAddr,
    "UdpSocket",
    r#"# use bowerbird::net::UdpSocket;
# bowerbird::run(async {
#     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
#     one.connect(other.local_addr()?).await?;
#     other.connect(one.local_addr()?).await?;"#
);

impl fmt::Debug for UdpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.os().fmt(f)
    }
}
