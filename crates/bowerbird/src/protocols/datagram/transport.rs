//! The handle of a datagram socket.

use std::fmt;
use std::sync::Arc;

use bowerbird_net::UdpSocket;

use super::{DatagramProtocol, DatagramSocket, Endpoint, Misuse};
use crate::protocols::life::{Backlog, bad_limits};

/// A datagram socket, as its [`DatagramProtocol`] sees it: what is given to it is sent by itself.
///
/// asyncio: `asyncio.DatagramTransport`. It is a handle, as [`Transport`](super::super::Transport) is.
///
/// # Examples
/// See [`create_datagram_endpoint`](super::create_datagram_endpoint).
pub struct DatagramTransport<S: DatagramSocket = UdpSocket>(pub(super) Arc<Endpoint<S>>);

impl<S: DatagramSocket> DatagramTransport<S> {
    /// Sends a datagram: at once, or when the system takes it. An error is told to
    /// [`error_received`](DatagramProtocol::error_received). An empty one is sent too.
    ///
    /// asyncio: `DatagramTransport.sendto`. On a transport that is closed it does nothing; on the fifth time
    /// the exception handler is told, once. The address of a Unix path is
    /// [`unix::socket_addr`](crate::net::unix::socket_addr).
    ///
    /// # Panics
    /// Without an address if the socket is not connected; with another one than its own if it is.
    #[track_caller]
    pub fn sendto(&self, data: &[u8], to: impl Into<Option<S::Address>>) {
        match self.0.send(data, to.into()) {
            Ok(()) => {}
            Err(Misuse::OtherAddress(remote)) => panic!(
                "sendto() was called with another address than that of the connected socket; give None or {remote:?}"
            ),
            Err(Misuse::NoAddress) => panic!(
                "sendto() was called without an address on a socket that is not connected; give one, or set \
                 remote_addr() when the endpoint is created"
            ),
        }
    }

    /// Closes the transport when everything is sent. Nothing is received any more.
    ///
    /// asyncio: `BaseTransport.close`.
    pub fn close(&self) {
        self.0.hub.change(|state| ((), state.life.close()));
    }

    /// Closes the transport at once; what waits to be sent is lost.
    ///
    /// asyncio: `DatagramTransport.abort`.
    pub fn abort(&self) {
        self.0.hub.change(|state| ((), state.life.fail(None)));
    }

    /// Returns whether it is closing, or closed.
    ///
    /// asyncio: `BaseTransport.is_closing`.
    pub fn is_closing(&self) -> bool {
        self.0.hub.with(|state| state.life.is_closing())
    }

    /// Sets the marks by which the protocol is told to pause and to resume, as
    /// [`Transport::set_write_buffer_limits`](super::super::Transport::set_write_buffer_limits).
    ///
    /// asyncio: `WriteTransport.set_write_buffer_limits`. A datagram counts its bytes and eight more, as there.
    ///
    /// # Panics
    /// If `low` is above `high`.
    #[track_caller]
    pub fn set_write_buffer_limits(&self, high: Option<usize>, low: Option<usize>) {
        let set = self.0.hub.change(|state| (state.life.set_limits(high, low), true));
        if let Err(limits) = set {
            bad_limits(limits);
        }
    }

    /// Returns the marks, `(low, high)`.
    ///
    /// asyncio: `WriteTransport.get_write_buffer_limits`.
    pub fn get_write_buffer_limits(&self) -> (usize, usize) {
        self.0.hub.with(|state| state.life.limits())
    }

    /// Returns how much waits to be sent, by the count of
    /// [`set_write_buffer_limits`](Self::set_write_buffer_limits).
    ///
    /// asyncio: `WriteTransport.get_write_buffer_size`.
    pub fn get_write_buffer_size(&self) -> usize {
        self.0.hub.with(|state| state.life.backlog.size())
    }

    /// Goes on with another protocol, as [`Transport::set_protocol`](super::super::Transport::set_protocol).
    ///
    /// asyncio: `BaseTransport.set_protocol`.
    pub fn set_protocol(&self, protocol: impl DatagramProtocol<S>) {
        let mut other: Option<super::Boxed<S>> = Some(Box::new(protocol));
        self.0.hub.change(|state| {
            if state.socket.is_some() {
                std::mem::swap(&mut state.next_protocol, &mut other);
            }
            ((), true)
        });
        drop(other);
    }

    /// The address of this socket, if it has one; known after the end too.
    ///
    /// asyncio: `get_extra_info("sockname")`.
    pub fn local_addr(&self) -> Option<S::Address> {
        self.0.local_addr.clone()
    }

    /// The address that the socket is connected to.
    ///
    /// asyncio: `get_extra_info("peername")`.
    pub fn peer_addr(&self) -> Option<S::Address> {
        self.0.peer_addr.clone()
    }

    /// Looks at the socket, to set its options; `None` if it is closed.
    ///
    /// asyncio: `get_extra_info("socket")`.
    pub fn with_socket<R>(&self, look: impl FnOnce(&S) -> R) -> Option<R> {
        let socket = self.0.hub.with(|state| state.socket.clone())?;
        Some(look(&socket))
    }
}

impl<S: DatagramSocket> Clone for DatagramTransport<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S: DatagramSocket> PartialEq for DatagramTransport<S> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<S: DatagramSocket> Eq for DatagramTransport<S> {}

impl<S: DatagramSocket> fmt::Debug for DatagramTransport<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DatagramTransport")
            .field("local_addr", &self.local_addr())
            .field("peer_addr", &self.peer_addr())
            .field("closing", &self.is_closing())
            .field("write_buffer_size", &self.get_write_buffer_size())
            .finish()
    }
}
