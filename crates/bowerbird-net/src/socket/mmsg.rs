//! Many datagrams in one call: `recvmmsg` and `sendmmsg`.

use std::io;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, UdpSocket};
use std::os::fd::AsRawFd;

use super::{DATAGRAMS, Meta};

/// A `sockaddr_in` or `sockaddr_in6`, byte by byte.
#[derive(Clone, Copy)]
#[repr(C, align(4))]
struct Name([u8; 28]);

const EMPTY: Name = Name([0; 28]);
const IPV4: u16 = libc::AF_INET as u16;
const IPV6: u16 = libc::AF_INET6 as u16;

impl Name {
    /// Encodes an address; gives its length too.
    fn encode(address: &SocketAddr) -> (Self, usize) {
        let mut name = [0; 28];
        name[2..4].copy_from_slice(&address.port().to_be_bytes());
        match address {
            SocketAddr::V4(v4) => {
                name[..2].copy_from_slice(&IPV4.to_ne_bytes());
                name[4..8].copy_from_slice(&v4.ip().octets());
                (Self(name), 16)
            }
            SocketAddr::V6(v6) => {
                name[..2].copy_from_slice(&IPV6.to_ne_bytes());
                name[4..8].copy_from_slice(&v6.flowinfo().to_ne_bytes());
                name[8..24].copy_from_slice(&v6.ip().octets());
                name[24..].copy_from_slice(&v6.scope_id().to_ne_bytes());
                (Self(name), 28)
            }
        }
    }

    /// Reads an address that the system wrote.
    fn decode(&self) -> io::Result<SocketAddr> {
        let four = |at: usize| [self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]];
        let port = u16::from_be_bytes([self.0[2], self.0[3]]);
        match u16::from_ne_bytes([self.0[0], self.0[1]]) {
            IPV4 => Ok(SocketAddrV4::new(Ipv4Addr::from(four(4)), port).into()),
            IPV6 => {
                let mut ip = [0; 16];
                ip.copy_from_slice(&self.0[8..24]);
                let (flow, scope) = (u32::from_ne_bytes(four(4)), u32::from_ne_bytes(four(24)));
                Ok(SocketAddrV6::new(Ipv6Addr::from(ip), port, flow, scope).into())
            }
            other => Err(io::Error::other(format!("a datagram from address family {other}"))),
        }
    }
}

/// A header without anything in it.
fn empty_header() -> libc::mmsghdr {
    // SAFETY: a header of zeros is a value: null pointers and numbers, for which zero is valid.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Fills the headers: `iovecs` and `names` have to outlive them, and stay where they are.
fn fill(
    headers: &mut [libc::mmsghdr],
    iovecs: &mut [libc::iovec],
    names: &mut [Name],
    lengths: impl Fn(usize) -> usize,
) {
    let parts = headers.iter_mut().zip(iovecs).zip(names).enumerate();
    for (index, ((header, iovec), name)) in parts {
        header.msg_hdr.msg_name = (&raw mut *name).cast();
        header.msg_hdr.msg_namelen = lengths(index) as libc::socklen_t;
        header.msg_hdr.msg_iov = iovec;
        header.msg_hdr.msg_iovlen = 1;
    }
}

const NO_BUFFER: libc::iovec = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 };

/// Receives as many datagrams as there are, one into each piece of the memory of that size, and gives their
/// number.
pub(crate) fn recv_many(
    socket: &UdpSocket,
    memory: &mut [u8],
    size: usize,
    metas: &mut [Meta],
) -> io::Result<usize> {
    let count = metas.len().min(DATAGRAMS);
    let mut names = [EMPTY; DATAGRAMS];
    let mut iovecs = [NO_BUFFER; DATAGRAMS];
    for (iovec, buffer) in iovecs[..count].iter_mut().zip(memory.chunks_exact_mut(size)) {
        *iovec = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    }
    let mut headers = [empty_header(); DATAGRAMS];
    fill(&mut headers[..count], &mut iovecs, &mut names, |_| size_of::<Name>());
    // SAFETY: the descriptor is open while it is borrowed. Each of the `count` headers points to a name and an
    // iovec on this stack, and the iovec to a piece of the memory that is borrowed mutably, with its length, or
    // to nothing, with the length 0; the timeout may be null.
    let received = unsafe {
        libc::recvmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            0,
            std::ptr::null_mut(),
        )
    };
    let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
    for ((meta, header), name) in metas.iter_mut().zip(&headers).zip(&names).take(received) {
        *meta = Meta {
            length: header.msg_len as usize,
            from: name.decode()?,
            is_truncated: header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
        };
    }
    Ok(received)
}

/// Sends the first of the datagrams, as many as the system takes, and gives their number.
pub(crate) fn send_many(socket: &UdpSocket, messages: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
    let count = messages.len().min(DATAGRAMS);
    let mut names = [EMPTY; DATAGRAMS];
    let mut lengths = [0; DATAGRAMS];
    let mut iovecs = [NO_BUFFER; DATAGRAMS];
    for (index, (bytes, to)) in messages.iter().enumerate().take(count) {
        (names[index], lengths[index]) = Name::encode(to);
        let base = bytes.as_ptr().cast_mut().cast();
        iovecs[index] = libc::iovec { iov_base: base, iov_len: bytes.len() };
    }
    let mut headers = [empty_header(); DATAGRAMS];
    fill(&mut headers[..count], &mut iovecs, &mut names, |index| lengths[index]);
    // SAFETY: the descriptor is open while it is borrowed. Each of the `count` headers points to a name and an
    // iovec on this stack, and the iovec to bytes that are borrowed, with their length; a send only reads them.
    let sent = unsafe {
        libc::sendmmsg(
            socket.as_raw_fd(),
            headers.as_mut_ptr(),
            count as libc::c_uint,
            libc::MSG_NOSIGNAL as _,
        )
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::Name;
    use std::net::SocketAddr;

    #[test]
    fn names_keep_addresses() {
        for text in ["127.0.0.1:80", "[fe80::1%3]:65535", "[::1]:1", "0.0.0.0:0"] {
            let address: SocketAddr = text.parse().unwrap();
            assert_eq!(Name::encode(&address).0.decode().unwrap(), address);
        }
        assert!(super::EMPTY.decode().is_err());
    }
}
