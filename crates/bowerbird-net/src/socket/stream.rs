//! What a stream of bytes asks of the system, and TCP's answer.

use std::fmt::Debug;
use std::io::{self, IoSlice, IoSliceMut, Read};
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
use std::mem::MaybeUninit;
use std::net::{Shutdown, TcpStream};

use bowerbird_base::unclosed::Input;
use bowerbird_io::{Descriptor, Interest};
use socket2::SockRef;

use super::os;

/// The names of the calls of one type of stream, for debug mode and call graphs.
#[derive(Debug, Clone, Copy)]
pub struct Calls {
    pub(crate) name: &'static str,
    pub(crate) read: &'static str,
    pub(crate) read_exact: &'static str,
    pub(crate) read_to_end: &'static str,
    pub(crate) peek: &'static str,
    pub(crate) write: &'static str,
    pub(crate) write_all: &'static str,
    pub(crate) shutdown: &'static str,
}

macro_rules! calls {
    ($name:literal) => {
        $crate::socket::Calls {
            name: $name,
            read: concat!($name, "::read"),
            read_exact: concat!($name, "::read_exact"),
            read_to_end: concat!($name, "::read_to_end"),
            peek: concat!($name, "::peek"),
            write: concat!($name, "::write"),
            write_all: concat!($name, "::write_all"),
            shutdown: concat!($name, "::shutdown"),
        }
    };
}
pub(super) use calls;

/// A non-blocking handle of the system at one end of a stream of bytes.
pub trait OsSource: Descriptor + Debug {
    /// What its calls are named.
    const CALLS: Calls;

    /// What it is registered for.
    const INTEREST: Interest = Interest::READABLE.union(Interest::WRITABLE);

    /// Whether debug mode tells of one that is dropped without being closed.
    const REPORTS_UNCLOSED: bool = true;

    /// What is there to be read, without taking it.
    fn unread(&self) -> Input {
        Input::Ended
    }

    /// Names the other end for a message.
    fn peer(&self) -> Option<String> {
        None
    }
}

/// What a receive gave.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    pub(crate) count: usize,
    /// Fewer bytes than there was room for mean that no more are there. Not so where a receive may stop at
    /// something else than the end of what is there.
    pub(crate) is_all: bool,
}

impl Received {
    #[inline]
    pub(crate) fn all(count: usize) -> Self {
        Self { count, is_all: true }
    }

    #[inline]
    pub(crate) fn some(count: usize) -> Self {
        Self { count, is_all: false }
    }
}

/// What bytes can be read from.
pub trait OsRead: OsSource {
    /// Receives.
    fn recv(&self, buffer: &mut [u8]) -> io::Result<Received>;

    /// Receives into several buffers.
    fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Received>;

    /// Receives; the bytes that are counted are initialised.
    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    fn recv_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<Received>;
}

/// What bytes can be written to.
pub trait OsWrite: OsSource {
    /// Sends; no `SIGPIPE`.
    fn send(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Sends several pieces; no `SIGPIPE`.
    fn send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Ends this direction, if that is possible before the handle is closed.
    fn end(&self) -> io::Result<()> {
        Ok(())
    }
}

/// A connected stream socket.
pub trait OsSocket: OsRead + OsWrite {
    /// Receives and leaves the bytes where they are.
    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Ends one direction or both.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;
}

/// [`OsSource::unread`] of a socket.
pub(super) fn look_unread(socket: &impl OsSocket) -> Input {
    match socket.peek(&mut [0; 1]) {
        Ok(0) => Input::Ended,
        Ok(_) => Input::Unread,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Input::Nothing,
        Err(_) => Input::Ended,
    }
}

/// The only piece that is not empty, if there is just one: it goes by a shorter call.
#[inline]
pub(super) fn only_piece<'a>(bytes: &'a [IoSlice<'_>]) -> Option<&'a [u8]> {
    let mut pieces = bytes.iter().filter(|piece| !piece.is_empty());
    match (pieces.next(), pieces.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

impl OsSource for TcpStream {
    const CALLS: Calls = calls!("TcpStream");

    fn unread(&self) -> Input {
        look_unread(self)
    }

    fn peer(&self) -> Option<String> {
        Some(self.peer_addr().ok()?.to_string())
    }
}

impl OsRead for TcpStream {
    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        os::recv(self, buffer).map(Received::all)
    }

    #[inline]
    fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        let mut stream = self;
        stream.read_vectored(buffers).map(Received::all)
    }

    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    #[inline]
    fn recv_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<Received> {
        SockRef::from(self).recv(buffer).map(Received::all)
    }
}

impl OsWrite for TcpStream {
    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        os::send(self, bytes)
    }

    #[inline]
    fn send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match only_piece(bytes) {
            Some(only) => self.send(only),
            None => SockRef::from(self).send_vectored_with_flags(bytes, os::SEND_FLAGS),
        }
    }

    fn end(&self) -> io::Result<()> {
        TcpStream::shutdown(self, Shutdown::Write)
    }
}

impl OsSocket for TcpStream {
    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        TcpStream::peek(self, buffer)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        TcpStream::shutdown(self, how)
    }
}
