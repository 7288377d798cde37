//! Unix datagram sockets.

use std::io::{self, IoSliceMut};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;

use rustix::net::{
    RecvAncillaryBuffer, RecvFlags, ReturnFlags, SocketAddrAny, SocketAddrUnix, recvfrom, recvmsg,
};
use socket2::{Domain, SockAddr, SockRef, Type};

use super::datagram::datagram_calls;
use super::{DatagramCalls, OsDatagram, os};

pub(crate) fn new_unix_datagram() -> io::Result<UnixDatagram> {
    os::new_socket(Domain::UNIX, Type::DGRAM, None).map(UnixDatagram::from)
}

pub(crate) fn connect_unix(socket: &UnixDatagram, address: &SockAddr) -> io::Result<()> {
    SockRef::from(socket).connect(address)
}

/// The sender of a datagram, as std has addresses. Most have no name.
fn sender(address: Option<SocketAddrAny>) -> io::Result<SocketAddr> {
    let address = address.and_then(|any| SocketAddrUnix::try_from(any).ok());
    let Some(address) = address else { return SocketAddr::from_pathname("") };
    #[cfg(target_os = "linux")]
    if let Some(name) = address.abstract_name() {
        return <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name);
    }
    let bytes = address.path_bytes().unwrap_or_default();
    let path: &Path = std::ffi::OsStr::from_bytes(bytes).as_ref();
    SocketAddr::from_pathname(path)
}

impl OsDatagram for UnixDatagram {
    type Address = SocketAddr;
    type Target = SockAddr;

    const CALLS: DatagramCalls = datagram_calls!("UnixDatagram");

    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        UnixDatagram::recv(self, buffer)
    }

    #[inline]
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        UnixDatagram::recv_from(self, buffer)
    }

    fn recv_message(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, bool)> {
        let mut no_control = RecvAncillaryBuffer::default();
        let room = &mut [IoSliceMut::new(buffer)];
        let received = recvmsg(self, room, &mut no_control, RecvFlags::empty())?;
        let is_truncated = received.flags.contains(ReturnFlags::TRUNC);
        Ok((received.bytes, sender(received.address)?, is_truncated))
    }

    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(self, buffer, RecvFlags::PEEK)?.0)
    }

    fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        let (count, _, address) = recvfrom(self, buffer, RecvFlags::PEEK)?;
        Ok((count, sender(address)?))
    }

    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(self).send_with_flags(bytes, os::SEND_FLAGS)
    }

    #[inline]
    fn send_to(&self, bytes: &[u8], to: &SockAddr) -> io::Result<usize> {
        SockRef::from(self).send_to_with_flags(bytes, to, os::SEND_FLAGS)
    }
}
