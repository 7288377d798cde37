//! The timers of bowerbird: a deadline becomes a wake-up.
//!
//! This crate knows no task and no runtime; it meets them through `std::task::Waker`. One [`Timers`]
//! holds the wheels of a runtime, one for each worker and one for everybody else, and its clock. A
//! [`Sleep`] registers itself at its first `Pending` on the wheel of the worker that polls it, so that
//! workers do not contend; each wheel is behind a lock that is free while a task is polled, so that
//! anybody can fire the deadlines of a worker that is stuck in a long poll.
//!
//! A deadline's way through the modules, in their order:
//!
//! 1. [`sleep`] makes a [`Sleep`] for the thread's runtime (`current`).
//! 2. Polled, it puts an entry (`entry`) into a slot of a wheel (`wheel`, `wheel::level`).
//! 3. The worker that would park asks [`Timers::next_deadline`] and waits no longer than
//!    [`park_timeout`] says (`deadline`, the only place where time is rounded).
//! 4. [`Timers::fire`] takes everything due out of the wheel and wakes it (`expire`).
//!
//! [`Interval`] stands on top of [`Sleep`].

#![forbid(unsafe_code)]

mod sleep;
mod interval;
mod current;
mod timers;
mod entry;
mod wheel;
mod deadline;
mod expire;

pub use current::{Current, current_clock, enter, is_inside, now};
pub use deadline::park_timeout;
pub use interval::{Interval, MissedTickBehavior, Tick, interval, interval_at};
#[doc(hidden)]
pub use sleep::{Call, part};
pub use sleep::{Sleep, sleep, sleep_until};
pub use timers::Timers;

#[cfg(test)]
bowerbird_base::model_or_real! { {} { mod test_support; } }
