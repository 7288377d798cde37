//! Receiving into memory that is not initialised, for the traits whose buffers are like that.

use std::io;
use std::mem::MaybeUninit;
use std::net::TcpStream;

use socket2::SockRef;

/// Receives; the bytes that are counted are initialised.
#[inline]
pub(crate) fn recv_uninit(stream: &TcpStream, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    SockRef::from(stream).recv(buffer)
}
