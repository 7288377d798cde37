//! The shuttle build: random schedules of whole runtimes.

pub use shuttle::sync::Arc;
pub use shuttle::thread_local;

/// Atomics.
pub mod atomic {
    pub use shuttle::sync::atomic::*;
}

/// Spinning: in a model, a thread that spins lets the others run.
pub mod hint {
    pub use shuttle::hint::spin_loop;
}

/// Threads.
pub mod thread {
    pub use shuttle::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, park, park_timeout, spawn, yield_now,
    };
}

/// Cells that several threads may reach: not watched by shuttle.
#[path = "real.rs"]
mod real;
pub use real::cell;

/// A mutex with parking_lot's shape.
#[derive(Debug, Default)]
pub struct Mutex<T>(shuttle::sync::Mutex<T>);

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = shuttle::sync::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// Makes a mutex around `value`.
    pub fn new(value: T) -> Self {
        Self(shuttle::sync::Mutex::new(value))
    }

    /// Waits for the lock.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes the lock if it is free.
    pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}
