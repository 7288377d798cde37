//! The floor of bowerbird: what the executor, the I/O driver, the timers and the channels all need.
//!
//! This crate knows no runtime. It holds
//!
//! - [`sync`]: atomics, cells, mutexes and threads, from std and parking_lot, or from loom or shuttle
//!   when a model is being checked. **The only place in the workspace that names those cfgs.**
//! - [`waker_slot`]: one stored `Waker`, set by its owner and taken by whoever wakes.
//! - [`spin_lock`]: a lock for very short sections.
//! - [`poll_context`]: what is true of the poll that is going on in this thread: its budget, what its
//!   leaf waits for, whether a cancellation is being offered to it, which cleanups it left behind.
//! - [`clock`]: the one source of time, which tests can pause and advance.
//! - [`debug`]: whether debug mode is on, and where what it has seen is told.
//! - [`call_site`]: where the user's line made a future, and in debug mode whether it was ever polled.
//! - [`unclosed`]: streams that are dropped without being closed, for debug mode.
//! - [`cancel_safe`], [`cache_line`], [`rng`], [`wake_all`], [`swallow`]: a marker, a padding, a small seeded
//!   generator, waking many, and telling of panics that go no further.
//!
//! `std::task::Waker` and the types of this crate are all that crosses between the other crates.

pub mod sync;
pub mod cache_line;
pub mod rng;
pub mod clock;
#[allow(unsafe_code, reason = "a waker is handed over between threads without a lock")]
pub mod waker_slot;
#[allow(unsafe_code, reason = "a lock lends its value to one guard at a time")]
pub mod spin_lock;
pub mod cancel_safe;
pub mod swallow;
pub mod debug;
pub mod unclosed;
#[allow(unsafe_code, reason = "one word holds a reference, or a box with a bit beside it")]
pub mod call_site;
pub mod wake_all;
pub mod ledger;
pub mod poll_context;
