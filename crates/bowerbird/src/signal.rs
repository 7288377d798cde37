//! Unix signals, as streams of deliveries; on Windows the events of the console, by the same names.
//!
//! asyncio: `loop.add_signal_handler`.
//!
//! A program that only wants to end well on Ctrl-C or `SIGTERM` needs nothing of this: [`run`](crate::run()) and
//! `#[bowerbird::main]` cancel the main future and wait for its cleanups.

pub use bowerbird_process::signal::{CtrlC, Recv, Signal, SignalKind, ctrl_c, signal};
