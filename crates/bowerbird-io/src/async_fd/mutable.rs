//! Operations that need the descriptor's owner mutably, such as those of `std::io::Read`.
//!
//! Who borrows the source mutably is alone with it. So these futures need no entry in the list of waiters: they
//! wait in the slots, as the `poll_*` forms do.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use super::{AsyncFd, Place, is_would_block, poll_io};
use crate::descriptor::Descriptor;
use crate::interest::Interest;
use crate::leaf::Leaf;

impl<T: Descriptor> AsyncFd<T> {
    /// As [`AsyncFd::try_io`], for what needs the descriptor's owner mutably.
    ///
    /// asyncio: the non-blocking call in an `add_reader` callback.
    ///
    /// # Errors
    /// As for [`AsyncFd::try_io`].
    pub fn try_io_mut<R>(
        &mut self,
        interest: Interest,
        operation: impl FnOnce(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.readiness();
        if !seen.is_worth_a_try(interest) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = operation(self.get_mut());
        if is_would_block(&result) {
            self.clear_ready(seen, interest);
        }
        result
    }

    /// As [`AsyncFd::read_with`], for what needs the descriptor's owner mutably.
    ///
    /// asyncio: `loop.sock_recv` and its relatives, for any operation.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// As for [`AsyncFd::read_with`].
    ///
    /// # Examples
    /// ```
    /// # #[cfg(unix)]
    /// bowerbird::run(async {
    ///     use std::io::{Read, Write};
    ///     let (here, mut there) = std::os::unix::net::UnixStream::pair()?;
    ///     here.set_nonblocking(true)?;
    ///     let mut here = bowerbird::io::AsyncFd::new(here)?;
    ///     there.write_all(b"hello")?;
    ///     let mut buffer = [0; 16];
    ///     assert_eq!(here.read_with_mut(|stream| stream.read(&mut buffer)).await?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_with_mut<R, F>(&mut self, operation: F) -> IoWithMut<'_, T, F>
    where
        F: FnMut(&mut T) -> io::Result<R>,
    {
        let leaf = Leaf::new("AsyncFd::read_with_mut");
        IoWithMut { source: self, interest: Interest::READABLE, leaf, operation }
    }

    /// As [`AsyncFd::write_with`], for what needs the descriptor's owner mutably.
    ///
    /// asyncio: `loop.sock_sendall` and its relatives, for any operation.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// As for [`AsyncFd::write_with`].
    #[track_caller]
    pub fn write_with_mut<R, F>(&mut self, operation: F) -> IoWithMut<'_, T, F>
    where
        F: FnMut(&mut T) -> io::Result<R>,
    {
        let leaf = Leaf::new("AsyncFd::write_with_mut");
        IoWithMut { source: self, interest: Interest::WRITABLE, leaf, operation }
    }

    /// As [`AsyncFd::async_io`], for what needs the descriptor's owner mutably.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// As for [`AsyncFd::async_io`].
    #[track_caller]
    pub fn async_io_mut<R, F>(&mut self, interest: Interest, operation: F) -> IoWithMut<'_, T, F>
    where
        F: FnMut(&mut T) -> io::Result<R>,
    {
        IoWithMut { source: self, interest, leaf: Leaf::new("AsyncFd::async_io_mut"), operation }
    }

    /// The poll form of [`AsyncFd::read_with_mut`].
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::read_with`].
    pub fn poll_read_with_mut<R>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&mut T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_with_mut(cx, Interest::READABLE, operation)
    }

    /// The poll form of [`AsyncFd::write_with_mut`].
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::write_with`].
    pub fn poll_write_with_mut<R>(
        &mut self,
        cx: &mut Context<'_>,
        operation: impl FnMut(&mut T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_with_mut(cx, Interest::WRITABLE, operation)
    }

    fn poll_with_mut<R>(
        &mut self,
        cx: &mut Context<'_>,
        interest: Interest,
        operation: impl FnMut(&mut T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let was_suspended = self.was_suspended(interest);
        let mut leaf = Leaf::without_location(was_suspended);
        let result = self.poll_io_mut(cx, interest, &mut leaf, operation);
        self.note_suspended(interest, was_suspended, result.is_pending());
        result
    }

    fn poll_io_mut<R>(
        &mut self,
        cx: &mut Context<'_>,
        interest: Interest,
        leaf: &mut Leaf,
        mut operation: impl FnMut(&mut T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        poll_io(self, cx, interest, leaf, Place::Slot, |source| operation(source.get_mut()))
    }
}

/// The future of [`AsyncFd::read_with_mut`], [`AsyncFd::write_with_mut`] and [`AsyncFd::async_io_mut`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct IoWithMut<'a, T: Descriptor, F> {
    source: &'a mut AsyncFd<T>,
    interest: Interest,
    leaf: Leaf,
    operation: F,
}

// The operation is called, never pinned.
impl<T: Descriptor, F> Unpin for IoWithMut<'_, T, F> {}

impl<T: Descriptor, R, F: FnMut(&mut T) -> io::Result<R>> Future for IoWithMut<'_, T, F> {
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { source, interest, leaf, operation } = self.get_mut();
        source.poll_io_mut(cx, *interest, leaf, operation)
    }
}

impl<T: Descriptor, F> CancelSafe for IoWithMut<'_, T, F> {}

impl<T: Descriptor, F> fmt::Debug for IoWithMut<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoWithMut").field("interest", &self.interest).finish_non_exhaustive()
    }
}
