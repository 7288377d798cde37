//! Windows: sockets, and sources that tell of their readiness themselves.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

/// What an [`AsyncFd`](crate::AsyncFd) can hold: anything with a socket.
///
/// On Unix: anything with a file descriptor.
pub trait Descriptor {
    /// What there is to watch.
    #[doc(hidden)]
    fn watched(&self) -> Watched<'_>;
}

impl<T: AsSocket> Descriptor for T {
    fn watched(&self) -> Watched<'_> {
        Watched::Socket(self.as_socket())
    }
}

/// What the poller watches of a source.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum Watched<'a> {
    /// A socket.
    Socket(BorrowedSocket<'a>),
    /// Nothing: who owns the handle of this number reports its readiness, by a
    /// [`Reporter`](crate::Reporter).
    Nothing(u64),
}

pub(crate) type Borrowed<'a> = Watched<'a>;

pub(crate) fn borrow<T: Descriptor>(source: &T) -> Borrowed<'_> {
    source.watched()
}

/// What the poller is given, if anything.
pub(crate) fn polled(source: Borrowed<'_>) -> Option<BorrowedSocket<'_>> {
    match source {
        Watched::Socket(socket) => Some(socket),
        Watched::Nothing(_) => None,
    }
}

/// The number that the user knows the source by.
#[allow(clippy::unnecessary_cast, reason = "it has 32 bits where pointers have")]
pub(crate) fn number(source: Borrowed<'_>) -> u64 {
    match source {
        Watched::Socket(socket) => socket.as_raw_socket() as u64,
        Watched::Nothing(number) => number,
    }
}

impl<T: Descriptor + AsSocket> AsRawSocket for crate::AsyncFd<T> {
    fn as_raw_socket(&self) -> RawSocket {
        self.as_socket().as_raw_socket()
    }
}

impl<T: Descriptor + AsSocket> AsSocket for crate::AsyncFd<T> {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.get_ref().as_socket()
    }
}
