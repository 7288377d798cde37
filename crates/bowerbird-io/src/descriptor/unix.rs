//! Unix: file descriptors.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// What an [`AsyncFd`](crate::AsyncFd) can hold: anything with a file descriptor.
///
/// On Windows: anything with a socket.
pub trait Descriptor: AsFd {}

impl<T: AsFd> Descriptor for T {}

pub(crate) type Borrowed<'a> = BorrowedFd<'a>;

pub(crate) fn borrow<T: Descriptor>(source: &T) -> Borrowed<'_> {
    source.as_fd()
}

/// The number that the user knows the source by.
pub(crate) fn number(source: Borrowed<'_>) -> u64 {
    source.as_raw_fd() as u64
}

impl<T: Descriptor> AsFd for crate::AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}
