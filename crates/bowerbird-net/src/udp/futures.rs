//! The futures that may have to look a name up first.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::IoDriver;

use super::UdpSocket;
use crate::resolve::Resolve;
use crate::socket::{self, UdpOptions};

/// The future of [`UdpSocket::bind`], with its options.
///
/// # Examples
/// ```
/// use bowerbird::net::UdpSocket;
///
/// # #[cfg(unix)]
/// bowerbird::run(async {
///     let one = UdpSocket::bind("127.0.0.1:0").reuse_port(true).await?;
///     let _other = UdpSocket::bind(one.local_addr()?).reuse_port(true).await?;
///     assert!(UdpSocket::bind(one.local_addr()?).await.is_err());
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct BindUdp {
    pub(super) driver: Arc<IoDriver>,
    pub(super) resolve: Resolve,
    pub(super) options: UdpOptions,
    pub(super) site: CallSite,
}

impl BindUdp {
    /// Lets other sockets bind the port too, which have set this as well (`SO_REUSEPORT`): the system gives each
    /// datagram to one of them. Where it cannot, binding is an error (`Unsupported`).
    ///
    /// asyncio: `reuse_port=`.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Lets other sockets bind the address too (`SO_REUSEADDR`), as several receivers of one group do.
    ///
    /// asyncio: no counterpart: it has taken `reuse_address=` away from datagrams, since what is sent to the address
    /// alone then goes to one of the sockets, and not to all.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.options.reuse_address = on;
        self
    }

    /// Sets whether an IPv6 socket refuses IPv4 (`IPV6_V6ONLY`); the system has a default.
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, ..)`.
    pub fn only_v6(mut self, on: bool) -> Self {
        self.options.only_v6 = Some(on);
        self
    }
}

/// The future of [`UdpSocket::connect`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ConnectUdp<'a> {
    pub(super) socket: &'a UdpSocket,
    pub(super) resolve: Resolve,
    pub(super) site: CallSite,
}

/// Tries the addresses until one succeeds; else the last error.
fn first<T>(
    addrs: Vec<SocketAddr>,
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "there is no address");
    for address in addrs {
        match attempt(address) {
            Ok(value) => return Ok(value),
            Err(error) => last = error,
        }
    }
    Err(last)
}

impl Future for BindUdp {
    type Output = io::Result<UdpSocket>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { driver, resolve, options, site } = self.get_mut();
        site.polled();
        let addrs = ready!(Pin::new(resolve).poll(cx))?;
        let socket = first(addrs, |address| socket::bind_udp(address, *options))?;
        Poll::Ready(UdpSocket::register(driver.clone(), socket))
    }
}

impl Future for ConnectUdp<'_> {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { socket, resolve, site } = self.get_mut();
        site.polled();
        let addrs = ready!(Pin::new(resolve).poll(cx))?;
        Poll::Ready(first(addrs, |address| socket::connect_udp(socket.os(), address)))
    }
}

impl CancelSafe for BindUdp {}
impl CancelSafe for ConnectUdp<'_> {}

impl fmt::Debug for BindUdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BindUdp").finish_non_exhaustive()
    }
}

impl fmt::Debug for ConnectUdp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectUdp").field("socket", self.socket).finish_non_exhaustive()
    }
}
