//! What is called back for datagrams.

use std::io;
use std::sync::{Arc, Mutex};

use bowerbird_net::UdpSocket;

use super::{DatagramSocket, DatagramTransport};
use crate::protocols::protocol::{forward, lock};

/// Hears what happens on a datagram socket.
///
/// asyncio: `asyncio.DatagramProtocol`. `connection_made` is the first call and `connection_lost` the last;
/// both come once. Calls are made as for [`Protocol`](super::super::Protocol). One that panics is reported to the
/// exception handler, and the socket goes on, as in asyncio; only a panic in `connection_made` closes it.
///
/// `S` is the type of the socket: an internet one if nothing is said, else
/// [`UnixDatagram`](crate::net::UnixDatagram). [`create_datagram_endpoint`](super::create_datagram_endpoint) has
/// an example of each.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{DatagramProtocol, DatagramTransport};
/// use std::net::SocketAddr;
///
/// struct Echo(Option<DatagramTransport>);
///
/// impl DatagramProtocol for Echo {
///     fn connection_made(&mut self, transport: DatagramTransport) {
///         self.0 = Some(transport);
///     }
///     fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
///         self.0.as_ref().unwrap().sendto(data, Some(from));
///     }
/// }
/// # let _ = Echo(None);
/// ```
#[allow(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait DatagramProtocol<S: DatagramSocket = UdpSocket>: Send + 'static {
    /// The socket is there; the first call.
    ///
    /// asyncio: `BaseProtocol.connection_made`.
    fn connection_made(&mut self, transport: DatagramTransport<S>) {}

    /// A datagram has come.
    ///
    /// asyncio: `DatagramProtocol.datagram_received`.
    fn datagram_received(&mut self, data: &[u8], from: S::Address) {}

    /// A send or a receive failed. The socket goes on.
    ///
    /// asyncio: `DatagramProtocol.error_received`.
    fn error_received(&mut self, error: io::Error) {}

    /// The socket is being closed; the last call.
    ///
    /// asyncio: `BaseProtocol.connection_lost`.
    fn connection_lost(&mut self, error: Option<io::Error>) {}

    /// More waits to be sent than the high-water mark.
    ///
    /// asyncio: `BaseProtocol.pause_writing`.
    fn pause_writing(&mut self) {}

    /// No more than the low-water mark waits to be sent, after a pause.
    ///
    /// asyncio: `BaseProtocol.resume_writing`.
    fn resume_writing(&mut self) {}
}

forward! {
    DatagramProtocol<S: DatagramSocket>,
    connection_made(transport: DatagramTransport<S>);
    datagram_received(data: &[u8], from: S::Address);
    error_received(error: io::Error);
    connection_lost(error: Option<io::Error>);
    pause_writing();
    resume_writing();
}
