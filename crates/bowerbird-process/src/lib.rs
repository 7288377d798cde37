//! Signals for bowerbird; child processes will stand here too.
//!
//! A signal handler may do next to nothing, so all it does here is to ring a bell: it writes to a descriptor
//! that is registered with the runtime's driver. From there on a delivery is an event like any other.
//!
//! 1. [`signal::SignalKind`]: which signal.
//! 2. `signal::bell`: a descriptor that a handler may write to and a task can await.
//! 3. `signal::action`: **where handlers are registered**, by signal-hook-registry, so that other users of
//!    that crate in the same process and this one do not take each other's signals.
//! 4. [`signal::Signal`]: the stream of deliveries.
//!
//! Unix only: on other systems the crate is empty, and so is the umbrella's module `signal`.

#[cfg(unix)]
pub mod signal;
