//! Signals and child processes for bowerbird.
//!
//! A signal handler may do next to nothing, so all it does here is to ring a bell: it writes to a descriptor
//! that is registered with the runtime's driver. From there on a delivery is an event like any other.
//!
//! 1. [`signal::SignalKind`]: which signal.
//! 2. `bell`: a descriptor that a handler may write to and a task can await.
//! 3. `signal::action`: **where handlers are registered**, by signal-hook-registry, so that other users of
//!    that crate in the same process and this one do not take each other's signals.
//! 4. [`signal::Signal`]: the stream of deliveries.
//! 5. `takeover`: what `run` does about `SIGINT` and `SIGTERM`, for the umbrella crate.
//!
//! 6. [`process`] (feature `process`): child processes.

#[cfg(unix)]
mod bell;
#[cfg(feature = "process")]
pub mod process;
#[cfg(unix)]
pub mod signal;
#[cfg(windows)]
#[path = "signal/windows.rs"]
pub mod signal;
#[cfg(unix)]
#[allow(unsafe_code, reason = "sets handlers, which std cannot")]
mod takeover;

/// For the umbrella crate.
#[cfg(unix)]
#[doc(hidden)]
pub mod private {
    pub use crate::bell::Bell;
    #[cfg(feature = "process")]
    pub use crate::process::spawn::spawn_with_pipes;
    pub use crate::takeover::{Reaction, Takeover};
}
