//! Windows: sockets.

use std::os::windows::io::{AsRawSocket, AsSocket, BorrowedSocket, RawSocket};

/// What an [`AsyncFd`](crate::AsyncFd) can hold: anything with a socket.
///
/// On Unix: anything with a file descriptor.
pub trait Descriptor: AsSocket {}

impl<T: AsSocket> Descriptor for T {}

pub(crate) type Borrowed<'a> = BorrowedSocket<'a>;

pub(crate) fn borrow<T: Descriptor>(source: &T) -> Borrowed<'_> {
    source.as_socket()
}

/// The number that the user knows the source by.
pub(crate) fn number(source: Borrowed<'_>) -> u64 {
    source.as_raw_socket() as u64
}

impl<T: Descriptor> AsRawSocket for crate::AsyncFd<T> {
    fn as_raw_socket(&self) -> RawSocket {
        self.as_socket().as_raw_socket()
    }
}

impl<T: Descriptor> AsSocket for crate::AsyncFd<T> {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.get_ref().as_socket()
    }
}
