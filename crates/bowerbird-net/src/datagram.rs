//! What all datagram sockets have in common: the futures, and the methods by a macro.
//!
//! An operation is a value ([`Operation`]), so that the future around it has a name. Each future has an entry of
//! its own in the list of those who wait for the socket: any number of tasks may use one socket.
//!
//! Readiness is never cleared after a receive that gave something: only `WouldBlock` says that no datagram is
//! there.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::UdpSocket;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Descriptor, Interest, IoPart};

use crate::socket::OsDatagram;

pub(crate) mod methods;

/// One attempt at a time at something that a socket does.
pub trait Operation<O> {
    /// What it gives.
    type Output;
    /// What it waits for.
    const INTEREST: Interest;

    /// Tries.
    fn attempt(&mut self, os: &O) -> io::Result<Self::Output>;
}

/// The future of an operation on a socket, such as [`UdpSocket::recv_from`](crate::UdpSocket::recv_from).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Transfer<'a, O: Descriptor, P> {
    part: IoPart<'a, O>,
    operation: P,
}

impl<'a, O: Descriptor, P: Operation<O>> Transfer<'a, O, P> {
    #[track_caller]
    pub(crate) fn new(call: &'static str, source: &'a AsyncFd<O>, operation: P) -> Self {
        Self { part: IoPart::new(call, source, P::INTEREST), operation }
    }
}

// The operation is called, never pinned.
impl<O: Descriptor, P> Unpin for Transfer<'_, O, P> {}

impl<O: Descriptor, P: Operation<O>> Future for Transfer<'_, O, P> {
    type Output = io::Result<P::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { part, operation } = self.get_mut();
        part.poll(cx, &mut |os| operation.attempt(os))
    }
}

// An operation that succeeds completes the future in the same poll.
impl<O: Descriptor, P> CancelSafe for Transfer<'_, O, P> {}

impl<O: Descriptor, P> fmt::Debug for Transfer<'_, O, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfer").finish_non_exhaustive()
    }
}

/// A datagram that was received.
///
/// asyncio: the pair of `loop.sock_recvfrom`, which does not tell whether it is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message<A = std::net::SocketAddr> {
    /// How many bytes are in the buffer.
    pub len: usize,
    /// Who sent it.
    pub from: A,
    /// It was longer than the buffer; the rest is lost.
    pub is_truncated: bool,
}

pub(crate) fn receive_message<O: OsDatagram>(
    os: &O,
    buffer: &mut [u8],
) -> io::Result<Message<O::Address>> {
    let (len, from, is_truncated) = os.recv_message(buffer)?;
    Ok(Message { len, from, is_truncated })
}

/// Defines operations of datagram sockets, and names for their futures.
macro_rules! operations {
    ($(
        $(#[$doc:meta])*
        $future:ident, $operation:ident($($field:ident: $type:ty),*) -> $output:ty, $interest:ident,
        |$os:ident, $this:ident| $attempt:expr;
    )*) => {
        $(
            $(#[$doc])*
            pub type $future<'a, O = UdpSocket> = Transfer<'a, O, operation::$operation<'a, O>>;
        )*

        /// What the futures do.
        pub(crate) mod operation {
            use std::marker::PhantomData;

            use super::*;

            $(
                /// An operation.
                #[derive(Debug)]
                pub struct $operation<'a, O: OsDatagram> {
                    $(pub(crate) $field: $type,)*
                    pub(crate) marker: PhantomData<(&'a (), fn(O))>,
                }

                impl<O: OsDatagram> Operation<O> for $operation<'_, O> {
                    type Output = $output;
                    const INTEREST: Interest = Interest::$interest;

                    #[inline]
                    fn attempt(&mut self, $os: &O) -> io::Result<$output> {
                        let $this = self;
                        $attempt
                    }
                }
            )*
        }
    };
}

operations! {
    /// The future of `recv`.
    Recv, RecvOnce(buffer: &'a mut [u8]) -> usize, READABLE, |os, this| os.recv(this.buffer);

    /// The future of `recv_from`.
    RecvFrom, RecvFromOnce(buffer: &'a mut [u8]) -> (usize, O::Address), READABLE,
    |os, this| os.recv_from(this.buffer);

    /// The future of `recv_message`.
    RecvMessage, RecvMessageOnce(buffer: &'a mut [u8]) -> Message<O::Address>, READABLE,
    |os, this| receive_message(os, this.buffer);

    /// The future of `peek`.
    PeekDatagram, PeekOnce(buffer: &'a mut [u8]) -> usize, READABLE, |os, this| os.peek(this.buffer);

    /// The future of `peek_from`.
    PeekFrom, PeekFromOnce(buffer: &'a mut [u8]) -> (usize, O::Address), READABLE,
    |os, this| os.peek_from(this.buffer);

    /// The future of `send`.
    Send, SendOnce(bytes: &'a [u8]) -> usize, WRITABLE, |os, this| os.send(this.bytes);

    /// The future of `send_to`.
    SendTo, SendToOnce(bytes: &'a [u8], to: io::Result<O::Target>) -> usize, WRITABLE,
    |os, this| match &mut this.to {
        Ok(to) => os.send_to(this.bytes, to),
        // Told once; a clone of an error keeps its kind and text.
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    };
}
