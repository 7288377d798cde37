//! UDP on Windows: a datagram that is longer than the buffer is cut off here as everywhere else.
//!
//! Windows fills the buffer and makes an error of it (`WSAEMSGSIZE`). The standard library passes that on and
//! loses the sender with it; socket2 keeps both.

use std::io;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, UdpSocket};

use socket2::{MaybeUninitSlice, SockRef};

use super::datagram::datagram_calls;
use super::{DatagramCalls, OsDatagram};

/// `WSAEMSGSIZE`.
const MESSAGE_SIZE: i32 = 10040;
/// `MSG_PEEK`.
const PEEK: i32 = 2;

/// The count of a receive, where a datagram that was too long is one that has filled the buffer.
fn filled(received: io::Result<usize>, room: usize) -> io::Result<usize> {
    match received {
        Err(error) if error.raw_os_error() == Some(MESSAGE_SIZE) => Ok(room),
        result => result,
    }
}

/// Receives, and tells who has sent and whether the datagram was longer than the buffer.
fn receive(
    socket: &UdpSocket,
    buffer: &mut [u8],
    flags: i32,
) -> io::Result<(usize, SocketAddr, bool)> {
    let room = buffer.len();
    let memory = std::ptr::from_mut(buffer) as *mut [MaybeUninit<u8>];
    // SAFETY: the pointer is from a unique reference that nobody uses while this one lives, and the two types
    // have one layout. socket2 promises to put nothing but initialised bytes into it.
    let memory = unsafe { &mut *memory };
    let received = SockRef::from(socket)
        .recv_from_vectored_with_flags(&mut [MaybeUninitSlice::new(memory)], flags);
    let (count, flags, from) = received?;
    let from = from.as_socket().ok_or_else(|| io::Error::other("a datagram without an address"))?;
    let is_truncated = flags.is_truncated();
    Ok((if is_truncated { room } else { count }, from, is_truncated))
}

impl OsDatagram for UdpSocket {
    type Address = SocketAddr;
    type Target = SocketAddr;

    const CALLS: DatagramCalls = datagram_calls!("UdpSocket");

    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        filled(UdpSocket::recv(self, buffer), buffer.len())
    }

    #[inline]
    fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        receive(self, buffer, 0).map(|(count, from, _)| (count, from))
    }

    #[inline]
    fn recv_message(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr, bool)> {
        receive(self, buffer, 0)
    }

    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        filled(UdpSocket::peek(self, buffer), buffer.len())
    }

    fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        receive(self, buffer, PEEK).map(|(count, from, _)| (count, from))
    }

    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        UdpSocket::send(self, bytes)
    }

    #[inline]
    fn send_to(&self, bytes: &[u8], to: &SocketAddr) -> io::Result<usize> {
        UdpSocket::send_to(self, bytes, to)
    }
}
