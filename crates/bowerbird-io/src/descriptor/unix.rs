//! Unix: file descriptors.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::interest::Interest;

/// What an [`AsyncFd`](crate::AsyncFd) can hold: anything with a file descriptor.
///
/// On Windows: anything with a socket.
pub trait Descriptor: AsFd {}

impl<T: AsFd> Descriptor for T {}

pub(crate) type Borrowed<'a> = BorrowedFd<'a>;

pub(crate) fn borrow<T: Descriptor>(source: &T) -> Borrowed<'_> {
    source.as_fd()
}

/// What the poller is given. (On Windows there are sources that it is not given.)
#[cfg(not(all(target_os = "linux", not(feature = "portable-poller"))))]
#[allow(clippy::unnecessary_wraps, reason = "as on Windows")]
pub(crate) fn polled(source: Borrowed<'_>) -> Option<BorrowedFd<'_>> {
    Some(source)
}

/// Asks the system, without waiting, whether a descriptor is ready now: level-triggered, as opposed to what
/// is remembered of a source. A closed or failing peer counts as ready.
///
/// # Errors
/// If the system cannot tell.
#[doc(hidden)]
pub fn is_ready_now(fd: BorrowedFd<'_>, interest: Interest) -> std::io::Result<bool> {
    let flags = if interest.is_writable() { PollFlags::OUT } else { PollFlags::IN };
    let mut fds = [PollFd::new(&fd, flags)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let ready_count = rustix::event::poll(&mut fds, Some(&now))?;
    Ok(ready_count > 0)
}

/// The number that the user knows the source by.
pub(crate) fn number(source: Borrowed<'_>) -> u64 {
    source.as_raw_fd() as u64
}

impl<T: Descriptor> AsRawFd for crate::AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: Descriptor> AsFd for crate::AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}
