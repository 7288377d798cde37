//! How a runner ends: its settings, and what it says afterwards.

use std::time::Duration;

/// What a [`Runner`](crate::Runner) does about `SIGINT` or `SIGTERM` while it runs.
///
/// asyncio: `Runner.run` cancels the main task on the first `SIGINT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnSignal {
    /// The first one cancels the main future (with
    /// [`graceful`](crate::runtime::Builder::graceful), it begins the shutdown); cleanups run, and the run ends with
    /// [`RunError::Interrupted`](crate::RunError::Interrupted) or
    /// [`Terminated`](crate::RunError::Terminated). One more ends the process at once.
    #[default]
    CancelMain,
    /// Nothing happens.
    Ignore,
    /// The signal is left to whoever has its handler; unless somebody has, it ends the process.
    Default,
}

/// Settings of the end.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) sigint: OnSignal,
    pub(crate) sigterm: OnSignal,
    /// How long a shutdown lets the main future go on.
    pub(crate) grace: Option<Duration>,
    /// How long what a shutdown has cancelled may take with its cleanups.
    pub(crate) abort_after: Duration,
}

impl Default for Ending {
    fn default() -> Self {
        Self {
            sigint: OnSignal::default(),
            sigterm: OnSignal::default(),
            grace: None,
            abort_after: Duration::from_secs(10),
        }
    }
}

/// What a graceful shutdown did: from [`Runner::last_shutdown`](crate::Runner::last_shutdown).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// Who asked for it.
    pub cause: ShutdownCause,
    /// How far it had to go before the main future ended.
    pub phase: ShutdownPhase,
    /// The time from the request to the end of the main future.
    pub took: Duration,
}

/// Who asked for a shutdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ShutdownCause {
    /// The program: [`Handle::request_shutdown`](crate::runtime::Handle::request_shutdown).
    Request,
    /// `SIGINT`.
    Interrupt,
    /// `SIGTERM`.
    Terminate,
}

/// The phases of a shutdown. The last one, abort, ends the process and so is never seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ShutdownPhase {
    /// [`shutdown_requested`](crate::shutdown_requested) is done everywhere, and the main future goes on.
    Drain,
    /// The main future was cancelled; its cleanups run.
    Cancel,
}
