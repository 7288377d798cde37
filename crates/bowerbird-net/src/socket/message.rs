//! A datagram with all that the system tells of it.

use std::io::{self, IoSliceMut};
use std::os::fd::AsFd;

use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, SocketAddrAny, recvmsg};

/// Receives a datagram, and tells whether it was longer than the buffer.
pub(super) fn recv_message<A: TryFrom<SocketAddrAny>>(
    socket: impl AsFd,
    buffer: &mut [u8],
) -> io::Result<(usize, A, bool)> {
    let mut no_control = RecvAncillaryBuffer::default();
    let buffers = &mut [IoSliceMut::new(buffer)];
    let received = recvmsg(socket, buffers, &mut no_control, RecvFlags::empty())?;
    let from = received.address.and_then(|address| address.try_into().ok());
    let from = from.ok_or_else(|| io::Error::other("a datagram without an address"))?;
    Ok((received.bytes, from, received.flags.contains(ReturnFlags::TRUNC)))
}
