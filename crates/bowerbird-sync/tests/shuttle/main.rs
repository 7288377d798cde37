//! Primitives put together, in random schedules: `cargo xtask shuttle`.
//!
//! loom explores each primitive alone, in `src/*/loom_tests.rs`; what several do together is beyond it. An
//! ordinary build compiles this file and does not run it.

mod barrier;
mod channels;
mod condition;
mod locks;
mod queues;
mod watched;

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use bowerbird_base::sync::{IS_MODEL, thread};
use shuttle::rand::{Rng, thread_rng};

/// Random schedules of one program. More with `SHUTTLE_ITERATIONS`.
fn check(program: impl Fn() + Send + Sync + 'static) {
    assert!(IS_MODEL, "an ordinary build has nothing to schedule: run `cargo xtask shuttle`");
    let iterations = std::env::var("SHUTTLE_ITERATIONS").ok().and_then(|count| count.parse().ok());
    shuttle::check_random(program, iterations.unwrap_or(20_000));
}

/// Is true now and then.
fn sometimes() -> bool {
    thread_rng().gen_bool(0.3)
}

/// What one thread does.
type Program<T = ()> = Box<dyn FnOnce() -> T + Send>;

/// Runs each in a thread of its own until all have ended.
fn together<T: Send + 'static>(programs: Vec<Program<T>>) -> Vec<T> {
    let threads: Vec<_> = programs.into_iter().map(thread::spawn).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

/// Polls a wait once and gives it up.
fn give_up<F: Future>(wait: F) -> Poll<F::Output> {
    pin!(wait).poll(&mut Context::from_waker(Waker::noop()))
}
