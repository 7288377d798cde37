//! The futures of [`AsyncFd`]. Each has an entry of its own in the source's list of waiters.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use super::{AsyncFd, Place};
use crate::descriptor::Descriptor;
use crate::interest::{Interest, Ready};
use crate::leaf::Leaf;

/// An entry in the list of waiters, freed when its future goes.
struct Waiter<'a, T: Descriptor> {
    source: &'a AsyncFd<T>,
    key: Option<usize>,
}

impl<T: Descriptor> Drop for Waiter<'_, T> {
    fn drop(&mut self) {
        self.source.remove_waiter(&mut self.key);
    }
}

/// The future of `ready` of a socket, such as a `TcpStream`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct ReadyFor<'a, T: Descriptor> {
    waiter: Waiter<'a, T>,
    interest: Interest,
    leaf: Leaf,
}

impl<'a, T: Descriptor> ReadyFor<'a, T> {
    #[track_caller]
    pub(super) fn new(call: &'static str, source: &'a AsyncFd<T>, interest: Interest) -> Self {
        Self { waiter: Waiter { source, key: None }, interest, leaf: Leaf::new(call) }
    }
}

impl<T: Descriptor> Future for ReadyFor<'_, T> {
    type Output = io::Result<Ready>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { waiter, interest, leaf } = self.get_mut();
        let source = waiter.source;
        let result = source.poll_ready_in(cx, *interest, leaf, Place::List(&mut waiter.key));
        if result.is_ready() {
            source.remove_waiter(&mut waiter.key);
        }
        result
    }
}

impl<'a, T: Descriptor> ReadyFor<'a, T> {
    pub(super) fn source(&self) -> &'a AsyncFd<T> {
        self.waiter.source
    }

    pub(super) fn interest(&self) -> Interest {
        self.interest
    }

    /// Makes it a part of another future, which may end without polling it.
    #[doc(hidden)]
    pub fn into_part(mut self) -> Self {
        self.leaf.polled();
        self
    }
}

/// What the future of an operation keeps beside the operation: its entry in the list, and its [`Leaf`]. For
/// futures of other crates, whose operations have a type.
#[doc(hidden)]
pub struct IoPart<'a, T: Descriptor> {
    waiter: Waiter<'a, T>,
    interest: Interest,
    leaf: Leaf,
}

impl<'a, T: Descriptor> IoPart<'a, T> {
    /// Begins an operation of the call of that name.
    #[track_caller]
    pub fn new(call: &'static str, source: &'a AsyncFd<T>, interest: Interest) -> Self {
        Self { waiter: Waiter { source, key: None }, interest, leaf: Leaf::new(call) }
    }

    /// Where the user's code made it.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.leaf.location()
    }

    /// Calls the operation when it is worth a try; waits otherwise.
    #[inline]
    pub fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        operation: &mut impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let Self { waiter, interest, leaf } = self;
        let source = waiter.source;
        let result =
            source.poll_io_in(cx, *interest, leaf, Place::List(&mut waiter.key), operation);
        if result.is_ready() {
            source.remove_waiter(&mut waiter.key);
        }
        result
    }
}

/// The future of [`AsyncFd::read_with`], [`AsyncFd::write_with`] and [`AsyncFd::async_io`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct IoWith<'a, T: Descriptor, F> {
    part: IoPart<'a, T>,
    operation: F,
}

impl<'a, T: Descriptor, F> IoWith<'a, T, F> {
    #[track_caller]
    pub(super) fn new(
        call: &'static str,
        source: &'a AsyncFd<T>,
        interest: Interest,
        operation: F,
    ) -> Self {
        Self { part: IoPart::new(call, source, interest), operation }
    }

    /// Where the user's code made it.
    #[doc(hidden)]
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.part.location()
    }
}

// The operation is called, never pinned.
impl<T: Descriptor, F> Unpin for IoWith<'_, T, F> {}

impl<T: Descriptor, R, F: FnMut(&T) -> io::Result<R>> Future for IoWith<'_, T, F> {
    type Output = io::Result<R>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { part, operation } = self.get_mut();
        part.poll(cx, operation)
    }
}

impl<T: Descriptor> CancelSafe for ReadyFor<'_, T> {}
impl<T: Descriptor, F> CancelSafe for IoWith<'_, T, F> {}

impl<T: Descriptor> fmt::Debug for ReadyFor<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyFor").field("interest", &self.interest).finish_non_exhaustive()
    }
}

impl<T: Descriptor> fmt::Debug for IoPart<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoPart").field("interest", &self.interest).finish_non_exhaustive()
    }
}

impl<T: Descriptor, F> fmt::Debug for IoWith<'_, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IoWith").field("interest", &self.part.interest).finish_non_exhaustive()
    }
}
