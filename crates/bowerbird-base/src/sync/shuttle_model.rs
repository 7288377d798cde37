//! The shuttle build: random schedules of whole runtimes.

use shuttle as model;

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
#[allow(dead_code, unused_imports, unreachable_pub, reason = "only its cells are wanted here")]
#[path = "real.rs"]
mod real;
pub use real::cell;

#[path = "model_locks.rs"]
mod locks;
pub use locks::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult, sleep,
};
