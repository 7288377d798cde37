//! What a datagram transport asks of its socket.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A socket that [`DatagramTransport`](super::DatagramTransport) goes through: an internet one
/// ([`UdpSocket`](crate::net::UdpSocket)) or, on Unix, one of this machine
/// ([`UnixDatagram`](crate::net::UnixDatagram)).
///
/// asyncio: `family=`. Nobody else implements it.
pub trait DatagramSocket: Sealed + fmt::Debug + Send + Sync + Sized + 'static {
    /// What names a socket of this kind: who has sent a datagram, and where one is sent to.
    type Address: Clone + fmt::Debug + Send + Sync + 'static;

    /// What is asked for when an endpoint is created.
    #[doc(hidden)]
    type Options: Default + Send + 'static;

    /// What the task keeps while it cannot send.
    #[doc(hidden)]
    type Pause: Default + Send + Unpin;

    /// For the name of the task.
    #[doc(hidden)]
    const KIND: &'static str;

    /// Makes the socket.
    #[doc(hidden)]
    fn open(options: Self::Options) -> Creation<Opened<Self>>;

    /// The options that were given and that a socket that there is already cannot have.
    #[doc(hidden)]
    fn given(options: &Self::Options) -> Vec<&'static str>;

    /// Where it is bound, if that has a name.
    #[doc(hidden)]
    fn own_address(&self) -> Option<Self::Address>;

    /// Whom it is connected to, if it is.
    #[doc(hidden)]
    fn peer_address(&self) -> Option<Self::Address>;

    #[doc(hidden)]
    fn is_same(one: &Self::Address, other: &Self::Address) -> bool;

    /// Sends now, to that address or to the peer.
    #[doc(hidden)]
    fn send_now(&self, data: &[u8], to: Option<&Self::Address>) -> io::Result<usize>;

    #[doc(hidden)]
    fn receive_now(&self, room: &mut [u8]) -> io::Result<(usize, Self::Address)>;

    /// Waits until a datagram that could not be sent is worth another try.
    #[doc(hidden)]
    fn poll_send_ready(
        &self,
        pause: &mut Self::Pause,
        cx: &mut Context<'_>,
        has_peer: bool,
    ) -> Poll<io::Result<()>>;

    #[doc(hidden)]
    fn poll_receive_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// Keeps the trait here.
pub trait Sealed {}

/// Something on its way.
pub(super) type Creation<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// A socket, and the only address that it may send to.
#[derive(Debug)]
pub struct Opened<S: DatagramSocket> {
    pub(super) socket: S,
    pub(super) remote: Option<S::Address>,
}

impl<S: DatagramSocket> Opened<S> {
    pub(super) fn new(socket: S) -> Self {
        let remote = socket.peer_address();
        Self { socket, remote }
    }
}
