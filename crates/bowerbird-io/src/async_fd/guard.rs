//! What the end of a wait gives: the readiness as it was then, so that it can be cleared.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use super::{AsyncFd, ReadyFor, is_would_block};
use crate::descriptor::Descriptor;
use crate::interest::{Interest, Ready};

/// The future of [`AsyncFd::readable`], [`AsyncFd::writable`] and [`AsyncFd::ready`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Guarded<'a, T: Descriptor>(ReadyFor<'a, T>);

impl<'a, T: Descriptor> Guarded<'a, T> {
    #[track_caller]
    pub(super) fn new(call: &'static str, source: &'a AsyncFd<T>, interest: Interest) -> Self {
        Self(ReadyFor::new(call, source, interest))
    }
}

impl<'a, T: Descriptor> Future for Guarded<'a, T> {
    type Output = io::Result<ReadyGuard<'a, T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (source, interest) = (self.0.source(), self.0.interest());
        Pin::new(&mut self.0).poll(cx).map_ok(|ready| ReadyGuard { source, interest, ready })
    }
}

impl<T: Descriptor> CancelSafe for Guarded<'_, T> {}

impl<T: Descriptor> fmt::Debug for Guarded<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("interest", &self.0.interest()).finish_non_exhaustive()
    }
}

/// A source that was ready, and what was known of it then ([`Ready`], by `Deref`).
///
/// asyncio: no counterpart; `add_reader` calls back as long as something is there.
///
/// Dropping it does nothing: the source stays ready until an operation, or [`clear_ready`](Self::clear_ready),
/// says otherwise. An event that came after the wait is never cleared.
///
/// # Examples
/// ```
/// use bowerbird::io::AsyncFd;
/// use std::io::ErrorKind;
/// use std::net::UdpSocket;
///
/// bowerbird::run(async {
///     let (here, there) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
///     here.set_nonblocking(true)?;
///     let here = AsyncFd::new(here)?;
///     there.send_to(b"hello", here.get_ref().local_addr()?)?;
///
///     let mut buffer = [0; 16];
///     loop {
///         let mut guard = here.readable().await?;
///         // A call that knows nothing of `AsyncFd`.
///         match guard.get_inner().recv(&mut buffer) {
///             Err(error) if error.kind() == ErrorKind::WouldBlock => guard.clear_ready(),
///             result => break assert_eq!(result?, 5),
///         }
///     }
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub struct ReadyGuard<'a, T: Descriptor> {
    source: &'a AsyncFd<T>,
    interest: Interest,
    ready: Ready,
}

impl<'a, T: Descriptor> ReadyGuard<'a, T> {
    /// Returns what was known when the wait ended.
    pub fn ready(&self) -> Ready {
        self.ready
    }

    /// Forgets that the source is ready for what was waited for, as [`AsyncFd::clear_ready`].
    pub fn clear_ready(&mut self) {
        self.clear_ready_matching(self.interest);
    }

    /// Forgets that the source is ready for `interest`, of what was waited for.
    pub fn clear_ready_matching(&mut self, interest: Interest) {
        self.source.clear_ready(self.ready, interest);
    }

    /// Calls `operation`, and notes its `WouldBlock`.
    ///
    /// # Errors
    /// What `operation` gives; with `WouldBlock` wait again.
    pub fn try_io<R>(
        &mut self,
        operation: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>,
    ) -> io::Result<R> {
        let result = operation(self.source);
        if is_would_block(&result) {
            self.clear_ready();
        }
        result
    }

    /// Returns the source.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.source
    }

    /// Returns the descriptor's owner.
    pub fn get_inner(&self) -> &'a T {
        self.source.get_ref()
    }
}

impl<T: Descriptor> Deref for ReadyGuard<'_, T> {
    type Target = Ready;

    fn deref(&self) -> &Ready {
        &self.ready
    }
}

impl<T: Descriptor> fmt::Debug for ReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyGuard")
            .field("interest", &self.interest)
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}
