//! Signals as streams.

mod kind;
#[allow(unsafe_code, reason = "whoever registers an action promises that a handler may call it")]
mod action;
mod ctrl_c;

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::poll_context;
use bowerbird_io::{AsyncFd, Interest, Leaf, expect_current};
use futures_core::Stream;

use crate::bell::Bell;
use crate::takeover::{self, Listening};
pub(crate) use action::Action;

pub use ctrl_c::{CtrlC, ctrl_c};
pub use kind::SignalKind;

/// Listens for a signal from now on.
///
/// asyncio: `loop.add_signal_handler`, as a stream. Any thread of any runtime may listen, any number of times:
/// each listener hears of each delivery, where `add_signal_handler` replaces the handler that was there.
///
/// The system's own reaction to the signal does not happen any more, also after the last listener is gone: a
/// process that has listened for `SIGTERM` is not ended by it. The handler that was installed before, if there
/// was one, is still called. What goes on during a handler is not interrupted: system calls are restarted.
///
/// Each listener has a descriptor of its own, registered with the runtime it was made in.
///
/// # Errors
/// The signal cannot be listened for: `SIGKILL` and `SIGSTOP` have no handlers, the handler of `SIGSEGV`,
/// `SIGFPE` or `SIGILL` must not return, and other numbers are no signals. The error names it. Or the system
/// gives no descriptor.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::signal::{SignalKind, signal};
///
/// bowerbird::run(async {
///     let mut hangups = signal(SignalKind::hangup())?;
///     let myself = format!("kill -HUP {}", std::process::id());
///     std::process::Command::new("sh").args(["-c", &myself]).status()?;
///     assert_eq!(hangups.recv().await, Some(())); // reload the configuration
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    let driver = expect_current("signal");
    kind.check()?;
    let listening = takeover::lay_beneath(kind)?;
    let bell = Bell::new()?;
    let ringer = bell.ringer();
    let source = AsyncFd::register(driver, bell, Interest::READABLE)?;
    let action = Action::register(kind, ringer)?;
    Ok(Signal { _action: action, source, kind, _listening: listening })
}

/// The deliveries of a signal, as a stream: made by [`signal`].
///
/// Deliveries that come while nobody looks are one delivery, as they are for the system itself. None between
/// the making of the listener and its first poll is lost. The stream ends when the runtime that it was made in
/// does.
pub struct Signal {
    // Before `source`: the handler stops writing to the descriptor before that is deregistered.
    _action: Action,
    source: AsyncFd<Bell>,
    kind: SignalKind,
    /// Last: `run` may have the signal again when the handler rings for nobody.
    _listening: Listening,
}

impl Signal {
    /// Returns which signal it is.
    pub fn kind(&self) -> SignalKind {
        self.kind
    }

    /// Waits for the next delivery; `None` when the runtime of this listener has ended.
    ///
    /// asyncio: the call of the handler given to `add_signal_handler`.
    ///
    /// # Cancel safety
    /// Nothing is lost: a delivery that was not returned is there for the next call.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use bowerbird::signal::{SignalKind, signal};
    ///
    /// bowerbird::run(async {
    ///     let mut children = signal(SignalKind::child())?;
    ///     std::process::Command::new("true").status()?;
    ///     assert_eq!(children.recv().await, Some(()));
    ///     // Many deliveries at once are one:
    ///     let nothing = bowerbird::timeout(Duration::from_millis(10), children.recv());
    ///     assert!(nothing.await.is_err());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn recv(&mut self) -> Recv<'_> {
        Recv { signal: self, leaf: Leaf::new("Signal::recv") }
    }

    /// Polls for the next delivery; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves futures made by hand.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let polled = self.source.poll_read_with(cx, Bell::take);
        self.note_wait(polled.is_pending(), None);
        polled.map(Result::ok)
    }

    /// The same for a future that keeps its own leaf.
    fn poll_with(&mut self, cx: &mut Context<'_>, leaf: &mut Leaf) -> Poll<io::Result<()>> {
        let polled = self.source.poll_with_leaf(cx, Interest::READABLE, leaf, Bell::take);
        self.note_wait(polled.is_pending(), leaf.location());
        polled
    }

    /// Says what is waited for, in place of the bell's descriptor.
    fn note_wait(&self, is_pending: bool, location: Option<&'static Location<'static>>) {
        if is_pending {
            poll_context::note_wait("signal", self.kind.as_raw().unsigned_abs().into(), location);
        }
    }
}

impl Stream for Signal {
    type Item = ();

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        self.get_mut().poll_recv(cx)
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Signal").field(&self.kind).finish()
    }
}

/// The future of [`Signal::recv`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Recv<'a> {
    signal: &'a mut Signal,
    leaf: Leaf,
}

impl CancelSafe for Recv<'_> {}

impl Future for Recv<'_> {
    type Output = Option<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { signal, leaf } = self.get_mut();
        signal.poll_with(cx, leaf).map(Result::ok)
    }
}

impl fmt::Debug for Recv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Recv").field(&self.signal.kind).finish()
    }
}

/// A listener may move to another thread, and be shared as anything.
const _: () = {
    const fn is_sendable<T: Send + Sync + Unpin + 'static>() {}
    is_sendable::<Signal>();
};

#[cfg(test)]
mod tests;
