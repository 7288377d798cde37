//! The public face: a source whose operations can be awaited.
//!
//! # Ordering arguments
//! - `[ORD-1]` Whether a `poll_*` form was suspended: Relaxed. One task polls a direction, and its polls are
//!   ordered by its executor; a second one would only be told of an offered cancellation a poll earlier or
//!   later.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::sync::static_atomic::{AtomicU8, Ordering};

use crate::descriptor::{Descriptor, borrow, number};
use crate::driver::IoDriver;
use crate::interest::{Interest, Ready};
use crate::leaf::Leaf;
use crate::readiness::Snapshot;
use crate::registration::Registration;
use crate::registry::shut_down_error;

mod futures;
mod guard;
mod mutable;
mod register;
pub use futures::{IoPart, IoWith, ReadyFor};
pub use guard::{Guarded, ReadyGuard};
pub use mutable::IoWithMut;
pub use register::RegisterError;

/// Makes any file descriptor (on Windows any socket) awaitable.
///
/// asyncio: `loop.add_reader` and `add_writer`, as futures; many tasks may wait for one source, where
/// `add_reader` replaces the callback that was there.
///
/// The descriptor must be in non-blocking mode, or an operation on it blocks its worker. It is registered
/// once, edge-triggered where the system can do that, and its readiness is remembered until an operation
/// says `WouldBlock`. So operations have to go through [`try_io`](Self::try_io),
/// [`read_with`](Self::read_with), [`write_with`](Self::write_with) or the `poll_*_with` forms, which note
/// that; after a `WouldBlock` that nobody noted, `readable()` completes at once for ever. What cannot go
/// through them, such as a call of a C library, ends with [`ReadyGuard::clear_ready`].
///
/// There are two ways to wait. The futures (`readable`, `writable`, `ready`, `read_with`, `write_with`) may
/// be awaited by any number of tasks at the same time. The `poll_*` forms have one place for a waker in each
/// direction, as the traits that they serve: the last caller is woken.
///
/// Dropping it deregisters the descriptor, then closes it.
pub struct AsyncFd<T: Descriptor> {
    // Before `inner`: what still holds wakers goes first.
    registration: Registration,
    interest: Interest,
    /// Which directions' `poll_*` forms returned `Pending` last.
    suspended: AtomicU8,
    /// `None` only after `into_inner` has taken it.
    inner: Option<T>,
}

/// Where a leaf leaves its waker.
pub(crate) enum Place<'a> {
    /// The one slot of a direction.
    Slot,
    /// An entry of its own.
    List(&'a mut Option<usize>),
}

impl<T: Descriptor> AsyncFd<T> {
    /// Borrows the descriptor's owner.
    pub fn get_ref(&self) -> &T {
        match &self.inner {
            Some(inner) => inner,
            None => unreachable!("only into_inner takes it, and that consumes self"),
        }
    }

    /// Borrows the descriptor's owner mutably. Putting another descriptor in its place loses its events.
    pub fn get_mut(&mut self) -> &mut T {
        match &mut self.inner {
            Some(inner) => inner,
            None => unreachable!("only into_inner takes it, and that consumes self"),
        }
    }

    /// Deregisters the descriptor and gives its owner back.
    pub fn into_inner(mut self) -> T {
        self.take_inner()
    }

    /// The same for an owner that has a destructor; nothing but a drop may follow.
    #[doc(hidden)]
    pub fn take_inner(&mut self) -> T {
        self.registration.end(borrow(self.get_ref()));
        match self.inner.take() {
            Some(inner) => inner,
            None => unreachable!("taken once, here"),
        }
    }

    /// The driver that the source is registered with.
    #[doc(hidden)]
    pub fn driver(&self) -> &Arc<IoDriver> {
        self.registration.driver()
    }

    /// What tells this source of readiness that the poller does not see.
    #[cfg(windows)]
    #[doc(hidden)]
    pub fn reporter(&self) -> crate::Reporter {
        crate::Reporter::new(self.registration.source.clone())
    }

    /// Tells what is known about the source now, without waiting.
    pub fn readiness(&self) -> Ready {
        self.registration.source.ready()
    }

    /// Forgets that the source is ready for `interest`, unless there was an event since `seen`. The next wait waits
    /// for an event.
    ///
    /// asyncio: no counterpart; `add_reader` calls back as long as something is there.
    ///
    /// For operations that do not go through [`try_io`](Self::try_io). Call it only after one has said that it
    /// would block: the system tells of what is there once.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncFd, Interest};
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let here = UdpSocket::bind("127.0.0.1:0")?;
    ///     here.set_nonblocking(true)?;
    ///     let mut here = AsyncFd::new(here)?;
    ///     let seen = here.writable().await?.ready();
    ///     let _socket: &mut UdpSocket = here.get_mut(); // what needs it mutably says that it would block
    ///     here.clear_ready(seen, Interest::WRITABLE);
    ///     assert!(!here.readiness().is_writable());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn clear_ready(&self, seen: Ready, interest: Interest) {
        self.registration.source.clear(seen, interest);
    }

    // ----- waiting -----------------------------------------------------------------------------------

    /// Waits until the source may be read.
    ///
    /// asyncio: `loop.add_reader(fd, future.set_result, None); await future`.
    ///
    /// It may complete although nothing is there any more, if another task was faster: read through
    /// [`try_io`](Self::try_io) and wait again on `WouldBlock`. What it gives need not be used; through
    /// [`ReadyGuard::clear_ready`] operations that are not made here say that nothing was there.
    ///
    /// # Cancel safety
    /// Nothing is lost: readiness stays until an operation clears it.
    ///
    /// # Errors
    /// The runtime has shut down, or the source was registered without this interest.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncFd, Interest};
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
    ///
    ///     let mut buffer = [0; 16];
    ///     let count = loop {
    ///         here.readable().await?;
    ///         match here.try_io(Interest::READABLE, |socket| socket.recv(&mut buffer)) {
    ///             Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
    ///             result => break result?,
    ///         }
    ///     };
    ///     assert_eq!(count, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn readable(&self) -> Guarded<'_, T> {
        Guarded::new("AsyncFd::readable", self, Interest::READABLE)
    }

    /// Waits until the source may be written.
    ///
    /// asyncio: `loop.add_writer(fd, future.set_result, None); await future`.
    ///
    /// # Cancel safety
    /// Nothing is lost: readiness stays until an operation clears it.
    ///
    /// # Errors
    /// As for [`AsyncFd::readable`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncFd;
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let here = UdpSocket::bind("127.0.0.1:0")?;
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     here.writable().await?;
    ///     assert!(here.readiness().is_writable());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn writable(&self) -> Guarded<'_, T> {
        Guarded::new("AsyncFd::writable", self, Interest::WRITABLE)
    }

    /// Waits until any part of `interest` may go on, and tells what is known then.
    ///
    /// asyncio: no counterpart; out-of-band data ([`Interest::PRIORITY`]) and errors alone ([`Interest::ERROR`])
    /// cannot be awaited there.
    ///
    /// # Cancel safety
    /// Nothing is lost: readiness stays until an operation clears it.
    ///
    /// # Errors
    /// As for [`AsyncFd::readable`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncFd, Interest};
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
    ///     let ready = here.ready(Interest::READABLE).await?;
    ///     assert!(ready.is_readable() && !ready.is_read_closed());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn ready(&self, interest: Interest) -> Guarded<'_, T> {
        Guarded::new("AsyncFd::ready", self, interest)
    }

    /// Polls for readability; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::readable`].
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_suspended(Interest::READABLE, |leaf| {
            self.poll_ready_in(cx, Interest::READABLE, leaf, Place::Slot).map_ok(drop)
        })
    }

    /// Polls for writability; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::readable`].
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_suspended(Interest::WRITABLE, |leaf| {
            self.poll_ready_in(cx, Interest::WRITABLE, leaf, Place::Slot).map_ok(drop)
        })
    }

    /// Polls for an error, or the end of both directions ([`Interest::ERROR`]). It shares the place of the waker
    /// with [`poll_readable`](Self::poll_readable): the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::readable`].
    pub fn poll_error(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with_suspended(Interest::ERROR, |leaf| {
            self.poll_ready_in(cx, Interest::ERROR, leaf, Place::Slot).map_ok(drop)
        })
    }

    // ----- operations --------------------------------------------------------------------------------

    /// Tries an operation once, and notes its `WouldBlock`.
    ///
    /// asyncio: the non-blocking call in an `add_reader` callback.
    ///
    /// # Errors
    /// `WouldBlock` without a call if the source is known not to be ready; else what `operation` gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncFd, Interest};
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     let mut buffer = [0; 16];
    ///     let nothing = here.try_io(Interest::READABLE, |socket| socket.recv(&mut buffer));
    ///     assert_eq!(nothing.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    ///
    ///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
    ///     here.readable().await?;
    ///     assert_eq!(here.try_io(Interest::READABLE, |socket| socket.recv(&mut buffer))?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let seen = self.registration.source.ready();
        if !seen.is_worth_a_try(interest) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let result = operation(self.get_ref());
        if is_would_block(&result) {
            self.registration.source.clear(seen, interest);
        }
        result
    }

    /// Reads: calls `operation`, and again each time the source has become readable, until it says
    /// something else than `WouldBlock`.
    ///
    /// asyncio: `loop.sock_recv` and its relatives, for any operation.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// What `operation` gives; or as for [`AsyncFd::readable`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncFd;
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
    ///
    ///     let mut buffer = [0; 16];
    ///     let (count, from) = here.read_with(|socket| socket.recv_from(&mut buffer)).await?;
    ///     assert_eq!((&buffer[..count], from), (&b"hello"[..], there.local_addr()?));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn read_with<R, F>(&self, operation: F) -> IoWith<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        IoWith::new("AsyncFd::read_with", self, Interest::READABLE, operation)
    }

    /// Writes: calls `operation`, and again each time the source has become writable, until it says
    /// something else than `WouldBlock`.
    ///
    /// asyncio: `loop.sock_sendall` and its relatives, for any operation.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// What `operation` gives; or as for [`AsyncFd::readable`].
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncFd;
    /// use std::net::UdpSocket;
    ///
    /// bowerbird::run(async {
    ///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    ///     here.set_nonblocking(true)?;
    ///     let here = AsyncFd::new(here)?;
    ///     let to = there.local_addr()?;
    ///     assert_eq!(here.write_with(|socket| socket.send_to(b"hello", to)).await?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn write_with<R, F>(&self, operation: F) -> IoWith<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        IoWith::new("AsyncFd::write_with", self, Interest::WRITABLE, operation)
    }

    /// Calls `operation`, and again each time any part of `interest` may go on, until it says something else than
    /// `WouldBlock`: as [`read_with`](Self::read_with), for what both reads and writes, or reads out-of-band data
    /// or an error queue.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// Nothing is lost: a result of `operation` completes the future in the same poll.
    ///
    /// # Errors
    /// What `operation` gives; or as for [`AsyncFd::readable`].
    #[track_caller]
    pub fn async_io<R, F>(&self, interest: Interest, operation: F) -> IoWith<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        IoWith::new("AsyncFd::async_io", self, interest, operation)
    }

    /// The poll form of [`AsyncFd::read_with`]; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::read_with`].
    pub fn poll_read_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.with_suspended(Interest::READABLE, |leaf| {
            self.poll_io_in(cx, Interest::READABLE, leaf, Place::Slot, &mut operation)
        })
    }

    /// The poll form of [`AsyncFd::write_with`]; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves implementations of poll-based traits.
    ///
    /// # Errors
    /// As for [`AsyncFd::write_with`].
    pub fn poll_write_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.with_suspended(Interest::WRITABLE, |leaf| {
            self.poll_io_in(cx, Interest::WRITABLE, leaf, Place::Slot, &mut operation)
        })
    }

    /// As [`AsyncFd::ready`], [`AsyncFd::read_with`] and their twins, for the call of another name.
    #[doc(hidden)]
    #[track_caller]
    pub fn ready_for(&self, call: &'static str, interest: Interest) -> ReadyFor<'_, T> {
        ReadyFor::new(call, self, interest)
    }

    /// The same with an operation.
    #[doc(hidden)]
    #[track_caller]
    pub fn io_for<R, F>(
        &self,
        call: &'static str,
        interest: Interest,
        operation: F,
    ) -> IoWith<'_, T, F>
    where
        F: FnMut(&T) -> io::Result<R>,
    {
        IoWith::new(call, self, interest, operation)
    }

    /// As [`AsyncFd::poll_read_with`] and its twin, for a future that keeps its own [`Leaf`].
    #[doc(hidden)]
    #[inline]
    pub fn poll_with_leaf<R>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        leaf: &mut Leaf,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_io_in(cx, interest, leaf, Place::Slot, &mut operation)
    }

    /// As [`AsyncFd::poll_readable`] and its twin, for a future that keeps its own [`Leaf`].
    #[doc(hidden)]
    pub fn poll_ready_with_leaf(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        leaf: &mut Leaf,
    ) -> Poll<io::Result<Ready>> {
        self.poll_ready_in(cx, interest, leaf, Place::Slot)
    }

    /// The state of the reading side before a read, for [`AsyncFd::clear_after_short_read`].
    #[doc(hidden)]
    #[inline]
    pub fn before_read(&self) -> BeforeRead {
        BeforeRead(self.registration.source.read_snapshot())
    }

    /// Notes that a **stream socket** gave less than it was asked for: it is empty, so the next read need
    /// not try. Not if an event showed the end of the stream or urgent data, which may be behind what was
    /// read, nor where the system does not show them; and never for datagrams.
    #[doc(hidden)]
    #[inline]
    pub fn clear_after_short_read(&self, before: BeforeRead) {
        if Registration::SHOWS_CLOSED {
            self.registration.source.clear_after_short_read(before.0);
        }
    }

    // ----- the two leaves ----------------------------------------------------------------------------

    /// Calls `operation` when it is worth a try; waits otherwise.
    #[inline]
    pub(crate) fn poll_io_in<R>(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        leaf: &mut Leaf,
        place: Place<'_>,
        operation: &mut impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        poll_io(self, cx, interest, leaf, place, |source| operation(source.get_ref()))
    }

    /// Waits for an event that concerns `interest`.
    pub(crate) fn poll_ready_in(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        leaf: &mut Leaf,
        mut place: Place<'_>,
    ) -> Poll<io::Result<Ready>> {
        let proceed = ready!(leaf.poll_enter(cx));
        let mut is_stored = false;
        loop {
            let seen = self.registration.source.ready();
            if seen.is_shut_down() {
                return Poll::Ready(Err(shut_down_error()));
            }
            if seen.satisfies(interest) {
                proceed.made_progress();
                return Poll::Ready(Ok(seen));
            }
            if is_stored {
                leaf.suspend(interest.wait_kind(), self.number());
                return Poll::Pending;
            }
            self.store_waker(cx, interest, &mut place)?;
            is_stored = true;
        }
    }

    fn store_waker(
        &self,
        cx: &mut Context<'_>,
        interest: Interest,
        place: &mut Place<'_>,
    ) -> io::Result<()> {
        if interest.0 & !self.interest.0 != 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "waiting for {interest:?} on a source that was registered for {:?}",
                    self.interest
                ),
            ));
        }
        match place {
            Place::Slot => self.registration.source.register_slot(interest, cx.waker()),
            Place::List(key) => self.registration.source.register_waiter(key, interest, cx.waker()),
        }
        self.registration.arm(borrow(self.get_ref()), interest)
    }

    pub(crate) fn remove_waiter(&self, key: &mut Option<usize>) {
        self.registration.source.remove_waiter(key);
    }

    /// Keeps, for the `poll_*` forms, whether their direction was suspended: they have no future to keep it.
    #[inline]
    fn with_suspended<R>(
        &self,
        interest: Interest,
        poll: impl FnOnce(&mut Leaf) -> Poll<R>,
    ) -> Poll<R> {
        let was_suspended = self.was_suspended(interest);
        let result = poll(&mut Leaf::without_location(was_suspended));
        self.note_suspended(interest, was_suspended, result.is_pending());
        result
    }

    #[inline]
    fn was_suspended(&self, interest: Interest) -> bool {
        // [ORD-1]
        self.suspended.load(Ordering::Relaxed) & interest.0 != 0
    }

    #[inline]
    fn note_suspended(&self, interest: Interest, was_suspended: bool, is_suspended: bool) {
        match (was_suspended, is_suspended) {
            (false, true) => {
                // [ORD-1]
                self.suspended.fetch_or(interest.0, Ordering::Relaxed);
            }
            (true, false) => {
                // [ORD-1]
                self.suspended.fetch_and(!interest.0, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    fn number(&self) -> u64 {
        number(borrow(self.get_ref()))
    }

    #[cfg(all(test, unix))]
    pub(crate) fn waiter_count(&self) -> usize {
        self.registration.source.waiter_count()
    }
}

/// Calls `operation` when it is worth a try; waits otherwise. `S` is a reference, or one that may change it.
#[inline]
fn poll_io<T: Descriptor, S: Deref<Target = AsyncFd<T>>, R>(
    mut source: S,
    cx: &mut Context<'_>,
    interest: Interest,
    leaf: &mut Leaf,
    mut place: Place<'_>,
    mut operation: impl FnMut(&mut S) -> io::Result<R>,
) -> Poll<io::Result<R>> {
    let proceed = ready!(leaf.poll_enter(cx));
    let mut is_stored = false;
    loop {
        let seen = source.registration.source.ready();
        if seen.is_worth_a_try(interest) {
            let result = operation(&mut source);
            if is_would_block(&result) {
                source.registration.source.clear(seen, interest);
            } else {
                proceed.made_progress();
                return Poll::Ready(result);
            }
        } else if seen.is_shut_down() {
            return Poll::Ready(Err(shut_down_error()));
        } else if is_stored {
            leaf.suspend(interest.wait_kind(), source.number());
            return Poll::Pending;
        } else {
            // Then look again: the event may have come in between.
            source.store_waker(cx, interest, &mut place)?;
            is_stored = true;
        }
    }
}

/// The state of the reading side before a read.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct BeforeRead(Snapshot);

fn is_would_block<R>(result: &io::Result<R>) -> bool {
    matches!(result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
}

impl<T: Descriptor> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        if let Some(inner) = &self.inner {
            self.registration.end(borrow(inner));
        }
    }
}

impl<T: Descriptor + fmt::Debug> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd").field("inner", self.get_ref()).finish_non_exhaustive()
    }
}

#[cfg(all(test, unix))]
mod tests;
