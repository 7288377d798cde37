//! The ordinary build: std, and parking_lot's locks.

pub use parking_lot::{Condvar, Mutex, MutexGuard};
pub use std::sync::Arc;
pub use std::thread_local;

/// Atomics.
pub mod atomic {
    pub use std::sync::atomic::*;
}

/// Spinning.
pub mod hint {
    pub use std::hint::spin_loop;
}

/// Threads.
pub mod thread {
    pub use std::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, park, park_timeout, spawn, yield_now,
    };
}

/// Cells that several threads may reach.
pub mod cell {
    /// An `UnsafeCell` whose accesses are closures, so that a model can watch them.
    #[derive(Debug, Default)]
    #[repr(transparent)]
    pub struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        /// Makes a cell around `value`.
        #[inline]
        pub const fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        /// Takes the value out.
        #[inline]
        pub fn into_inner(self) -> T {
            self.0.into_inner()
        }
    }

    impl<T: ?Sized> UnsafeCell<T> {
        /// Calls `f` with a pointer that it may read through.
        #[inline]
        pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        /// Calls `f` with a pointer that it may write through.
        #[inline]
        pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }
}
