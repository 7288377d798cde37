//! The loom build: every interleaving within the bounds is explored.

use loom as model;

pub use loom::sync::Arc;
pub use loom::thread_local;

/// Atomics.
pub mod atomic {
    pub use loom::sync::atomic::*;
}

/// Spinning: in a model, a thread that spins lets the others run.
pub mod hint {
    pub use loom::hint::spin_loop;
}

/// Threads.
pub mod thread {
    pub use loom::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, park, spawn, yield_now,
    };

    /// Parks; a model knows no time, so the wait never ends by itself.
    pub fn park_timeout(_timeout: std::time::Duration) {
        park();
    }
}

/// Cells that several threads may reach.
pub mod cell {
    pub use loom::cell::UnsafeCell;
}

#[path = "model_locks.rs"]
mod locks;
pub use locks::{
    Condvar, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard, WaitTimeoutResult, sleep,
};
