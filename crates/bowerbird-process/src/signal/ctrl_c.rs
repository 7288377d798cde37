//! The one signal that everybody listens for.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use super::{Signal, SignalKind, signal};

/// Waits for Ctrl-C: the next `SIGINT` from this call on.
///
/// asyncio: `loop.add_signal_handler(SIGINT, future.set_result, None); await future`.
///
/// While the future exists, Ctrl-C is its own: `run` does not cancel the main future for it. For several of
/// them make a stream, by [`signal`] with [`SignalKind::interrupt`].
///
/// # Cancel safety
/// Nothing is lost by dropping the wait, but the listener goes with it.
///
/// # Errors
/// The system gives no descriptor, or the runtime ends.
///
/// # Panics
/// Outside a runtime.
///
/// # Examples
/// ```
/// bowerbird::run(async {
///     let pressed = bowerbird::signal::ctrl_c();
///     let myself = format!("kill -INT {}", std::process::id());
///     std::process::Command::new("sh").args(["-c", &myself]).status()?;
///     pressed.await
/// }).unwrap();
/// ```
#[track_caller]
pub fn ctrl_c() -> CtrlC {
    CtrlC { signal: signal(SignalKind::interrupt()).map_err(Some), leaf: Leaf::new("ctrl_c") }
}

/// The future of [`ctrl_c`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CtrlC {
    /// The error is taken by the first poll.
    signal: Result<Signal, Option<io::Error>>,
    leaf: Leaf,
}

impl CancelSafe for CtrlC {}

impl Future for CtrlC {
    type Output = io::Result<()>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { signal, leaf } = self.get_mut();
        leaf.polled();
        match signal {
            Ok(signal) => signal.poll_with(cx, leaf),
            Err(error) => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => panic!("ctrl_c() was polled after it had given its error; await it once"),
            },
        }
    }
}

impl fmt::Debug for CtrlC {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtrlC").finish_non_exhaustive()
    }
}
