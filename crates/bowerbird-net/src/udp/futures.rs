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
use crate::socket;

/// The future of [`UdpSocket::bind`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct BindUdp {
    pub(super) driver: Arc<IoDriver>,
    pub(super) resolve: Resolve,
    pub(super) site: CallSite,
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
        let Self { driver, resolve, site } = self.get_mut();
        site.polled();
        let addrs = ready!(Pin::new(resolve).poll(cx))?;
        let socket = first(addrs, socket::bind_udp)?;
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
