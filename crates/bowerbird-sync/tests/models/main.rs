//! Random programs on each primitive and on a plain model of it, in one thread.
//!
//! A program is a list of calls and of polls and drops of waits. After each step both sides must agree on what is
//! ready and with what, on what `statistics()` tells, and on **which waits were woken and in which order**; a wait is
//! woken by the waker of its last poll, and never after it has ended or was dropped.
//!
//! `PROPTEST_CASES` sets how many programs are tried. A program that fails is shrunk to a short one, which becomes a
//! test with a name.

mod harness;
mod permits;

mod barrier;
mod broadcast;
mod capacity_limiter;
mod channels;
mod condition;
mod events;
mod lock;
mod once_cell;
mod oneshot;
mod panicking_wakers;
mod queues;
mod rwlock;
mod semaphores;
mod watch;
