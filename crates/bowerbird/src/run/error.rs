//! Why a run gave no output.

use std::fmt;

/// Why [`Runner::run`](crate::Runner::run), or a run of an [`EventLoop`](crate::EventLoop), gave no output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// The main future was cancelled; the message of the request, if it had one.
    Cancelled(Option<String>),
    /// `SIGINT` (Ctrl-C) cancelled the main future.
    ///
    /// asyncio: `KeyboardInterrupt`, which `Runner.run` raises.
    Interrupted,
    /// `SIGTERM` cancelled the main future.
    Terminated,
    /// The loop was stopped before the future was done.
    Stopped,
    /// The loop is closed.
    Closed,
}

impl RunError {
    /// Returns the exit code that a process which ends because of this should have: 130 for `SIGINT` and 143
    /// for `SIGTERM`, as shells have it, else 1.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::RunError::Interrupted.exit_code(), 130);
    /// ```
    pub fn exit_code(&self) -> i32 {
        match self {
            Self::Cancelled(_) | Self::Stopped | Self::Closed => 1,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled(None) => f.write_str("the main future was cancelled"),
            Self::Cancelled(Some(message)) => write!(f, "the main future was cancelled: {message}"),
            Self::Interrupted => f.write_str("the main future was cancelled by SIGINT"),
            Self::Terminated => f.write_str("the main future was cancelled by SIGTERM"),
            Self::Stopped => f.write_str("the event loop was stopped before the future was done"),
            Self::Closed => f.write_str("the event loop is closed"),
        }
    }
}

impl std::error::Error for RunError {}
