//! Many datagrams in one call.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket as OsSocket};

use bowerbird_io::Interest;

use super::UdpSocket;
use crate::datagram::{Message, Operation, Transfer};
use crate::socket::{self, Meta};

/// Room for datagrams, filled by [`UdpSocket::recv_many`].
///
/// asyncio: no counterpart.
pub struct Datagrams {
    memory: Vec<u8>,
    size: usize,
    metas: Vec<Meta>,
    count: usize,
}

impl Datagrams {
    /// Makes room for `count` datagrams of at most `size` bytes each.
    ///
    /// # Panics
    /// `count` or `size` is 0.
    #[track_caller]
    pub fn new(count: usize, size: usize) -> Self {
        assert!(
            count > 0 && size > 0,
            "Datagrams::new: make room for one datagram of one byte at least"
        );
        let from = (Ipv4Addr::UNSPECIFIED, 0).into();
        let meta = Meta { length: 0, from, is_truncated: false };
        Self { memory: vec![0; count * size], size, metas: vec![meta; count], count: 0 }
    }

    /// How many datagrams the last receive has brought.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The datagrams of the last receive, with who sent them and whether they were too long.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], Message)> {
        let filled = self.memory.chunks_exact(self.size).zip(&self.metas).take(self.count);
        filled.map(|(bytes, meta)| {
            let Meta { length: len, from, is_truncated } = *meta;
            (&bytes[..len], Message { len, from, is_truncated })
        })
    }

    fn fill(&mut self, socket: &OsSocket) -> io::Result<usize> {
        self.count = 0;
        self.count = socket::recv_many(socket, &mut self.memory, self.size, &mut self.metas)?;
        Ok(self.count)
    }
}

impl fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datagrams")
            .field("len", &self.count)
            .field("room", &self.metas.len())
            .field("size", &self.size)
            .finish()
    }
}

/// The future of [`UdpSocket::recv_many`].
pub type RecvMany<'a> = Transfer<'a, OsSocket, RecvManyOnce<'a>>;

/// The future of [`UdpSocket::send_many`].
pub type SendMany<'a> = Transfer<'a, OsSocket, SendManyOnce<'a>>;

/// What [`RecvMany`] does.
#[derive(Debug)]
pub struct RecvManyOnce<'a>(&'a mut Datagrams);

/// What [`SendMany`] does.
#[derive(Debug)]
pub struct SendManyOnce<'a>(&'a [(&'a [u8], SocketAddr)]);

impl Operation<OsSocket> for RecvManyOnce<'_> {
    type Output = usize;
    const INTEREST: Interest = Interest::READABLE;

    fn attempt(&mut self, os: &OsSocket) -> io::Result<usize> {
        self.0.fill(os)
    }
}

impl Operation<OsSocket> for SendManyOnce<'_> {
    type Output = usize;
    const INTEREST: Interest = Interest::WRITABLE;

    fn attempt(&mut self, os: &OsSocket) -> io::Result<usize> {
        if self.0.is_empty() { Ok(0) } else { socket::send_many(os, self.0) }
    }
}

impl UdpSocket {
    /// Receives all datagrams that are there, as many as there is room for and at most 32, and returns how
    /// many; waits for the first.
    ///
    /// asyncio: no counterpart.
    ///
    /// It is one system call on Linux (`recvmmsg`), and one for each datagram elsewhere.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has received nothing.
    ///
    /// # Errors
    /// As for [`recv`](Self::recv); an error behind the first datagram is told by the next call.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::{Datagrams, UdpSocket};
    ///
    /// bowerbird::run(async {
    ///     let (one, other) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
    ///     let to = other.local_addr()?;
    ///     assert_eq!(one.send_many(&[(b"hello", to), (b"world", to)]).await?, 2);
    ///
    ///     let mut datagrams = Datagrams::new(16, 1500);
    ///     let mut seen = Vec::new();
    ///     while seen.len() < 2 {
    ///         other.recv_many(&mut datagrams).await?;
    ///         seen.extend(datagrams.iter().map(|(bytes, message)| (bytes.to_vec(), message.from)));
    ///     }
    ///     let from = one.local_addr()?;
    ///     assert_eq!(seen, [(b"hello".to_vec(), from), (b"world".to_vec(), from)]);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn recv_many<'a>(&'a self, datagrams: &'a mut Datagrams) -> RecvMany<'a> {
        Transfer::new("UdpSocket::recv_many", &self.source, RecvManyOnce(datagrams))
    }

    /// Tries to receive many; `WouldBlock` if nothing is there.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// `WouldBlock`, or as for [`recv_many`](Self::recv_many).
    pub fn try_recv_many(&self, datagrams: &mut Datagrams) -> io::Result<usize> {
        self.source.try_io(Interest::READABLE, |os| datagrams.fill(os))
    }

    /// Sends datagrams, as many as the system takes and at most 32, and returns how many; waits until it takes
    /// the first.
    ///
    /// asyncio: no counterpart.
    ///
    /// It is one system call on Linux (`sendmmsg`), and one for each datagram elsewhere.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has sent nothing.
    ///
    /// # Errors
    /// As for [`send`](Self::send), if the first cannot be sent; later ones are told by the next call.
    #[track_caller]
    pub fn send_many<'a>(&'a self, messages: &'a [(&'a [u8], SocketAddr)]) -> SendMany<'a> {
        Transfer::new("UdpSocket::send_many", &self.source, SendManyOnce(messages))
    }

    /// Tries to send many; `WouldBlock` if the system takes none.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// `WouldBlock`, or as for [`send_many`](Self::send_many).
    pub fn try_send_many(&self, messages: &[(&[u8], SocketAddr)]) -> io::Result<usize> {
        self.source.try_io(Interest::WRITABLE, |os| SendManyOnce(messages).attempt(os))
    }
}
