//! A lock for sections of a few dozen instructions, entered millions of times a second.
//!
//! It costs one atomic read-modify-write; a lock that knows who sleeps on it needs a second one to unlock
//! (measured in a timer's life of two sections: 48 against 59 ns). The price is that an unlocking thread
//! wakes nobody, so a waiter spins briefly, then gives its core away, then naps: if the holder was taken
//! off its core, nobody burns a time slice waiting for it.
//!
//! Import it from [`crate::sync`], which gives a mutex in its place to models. Hold it only for bounded work of our own: no user code, no system call, no other lock.
//!
//! # Ordering arguments
//! - `[ORD-1]` Taking the lock acquires and giving it back releases, so that the sections are ordered one
//!   after the other. Weaker: a data race on the value (loom test `sections_exclude_each_other`).
//! - `[ORD-2]` The look before another attempt is Relaxed: the attempt that follows decides.

use std::fmt;
use std::ops::{Deref, DerefMut};

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::cell::UnsafeCell;
use crate::sync::{IS_MODEL, hint, thread};

/// How often a waiter looks before it gives its core away.
const SPINS: u32 = 64;
/// How often it gives its core away before it naps.
const YIELDS: u32 = 16;
/// How long it naps.
const NAP: std::time::Duration = std::time::Duration::from_micros(50);

/// A value behind a lock that spins, then yields, then naps.
#[repr(C)]
pub struct SpinLock<T> {
    is_locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value moves with the lock.
unsafe impl<T: Send> Send for SpinLock<T> {}
// SAFETY: a shared reference reaches the value only through a guard, of which there is one at a time
// [ORD-1]; the guard may be made on any thread, so `T` must be `Send`.
unsafe impl<T: Send> Sync for SpinLock<T> {}

impl<T> SpinLock<T> {
    crate::const_fn! {
        /// Makes a lock around `value`.
        pub fn new(value: T) -> Self {
            Self { is_locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
        }
    }

    /// Waits for the lock.
    #[inline]
    pub fn lock(&self) -> SpinGuard<'_, T> {
        if !self.acquire() {
            self.wait();
        }
        SpinGuard { lock: self }
    }

    /// Takes the lock if it is free.
    #[inline]
    pub fn try_lock(&self) -> Option<SpinGuard<'_, T>> {
        self.acquire().then(|| SpinGuard { lock: self })
    }

    #[inline]
    fn acquire(&self) -> bool {
        // [ORD-1]
        self.is_locked.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    #[cold]
    fn wait(&self) {
        let mut round = 0;
        loop {
            // [ORD-2]
            while self.is_locked.load(Ordering::Relaxed) {
                pause(round);
                round = round.saturating_add(1);
            }
            if self.acquire() {
                return;
            }
        }
    }
}

fn pause(round: u32) {
    if IS_MODEL || round < SPINS {
        hint::spin_loop();
    } else if round < SPINS + YIELDS {
        thread::yield_now();
    } else {
        // Not `park_timeout`: it would eat the wake-up of a parker that uses the thread's token.
        std::thread::sleep(NAP);
    }
}

impl<T> fmt::Debug for SpinLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinLock").finish_non_exhaustive()
    }
}

/// The right to use the value; dropping it unlocks, also in a panic.
pub struct SpinGuard<'a, T> {
    lock: &'a SpinLock<T>,
}

// SAFETY: a shared guard gives `&T` and nothing else.
unsafe impl<T: Sync> Sync for SpinGuard<'_, T> {}

impl<T> Deref for SpinGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is ours as long as the guard lives [ORD-1]; `&self` admits no `&mut T`.
        self.lock.value.with(|value| unsafe { &*value })
    }
}

impl<T> DerefMut for SpinGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the lock is ours as long as the guard lives [ORD-1]; `&mut self` admits no other reference.
        self.lock.value.with_mut(|value| unsafe { &mut *value })
    }
}

impl<T> Drop for SpinGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // [ORD-1]
        self.lock.is_locked.store(false, Ordering::Release);
    }
}

impl<T: fmt::Debug> fmt::Debug for SpinGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

#[cfg(test)]
mod tests;
