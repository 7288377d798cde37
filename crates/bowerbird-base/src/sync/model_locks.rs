//! The locks of a model, loom's or shuttle's, with the shapes of the ordinary build.

use super::model;

/// A mutex with parking_lot's shape.
#[derive(Debug, Default)]
pub struct Mutex<T>(model::sync::Mutex<T>);

/// The guard of a [`Mutex`].
pub type MutexGuard<'a, T> = model::sync::MutexGuard<'a, T>;

impl<T> Mutex<T> {
    /// Makes a mutex around `value`.
    pub fn new(value: T) -> Self {
        Self(model::sync::Mutex::new(value))
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

/// A lock for one writer or many readers, with parking_lot's shape.
#[derive(Debug, Default)]
pub struct RwLock<T>(model::sync::RwLock<T>);

/// The guard of a reader.
pub type RwLockReadGuard<'a, T> = model::sync::RwLockReadGuard<'a, T>;

/// The guard of the writer.
pub type RwLockWriteGuard<'a, T> = model::sync::RwLockWriteGuard<'a, T>;

impl<T> RwLock<T> {
    /// Makes a lock around `value`.
    pub fn new(value: T) -> Self {
        Self(model::sync::RwLock::new(value))
    }

    /// Waits until nobody writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Reads if nobody writes.
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        self.0.try_read().ok()
    }

    /// Waits until nobody reads or writes.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A condition variable with parking_lot's shape.
#[derive(Debug, Default)]
pub struct Condvar(model::sync::Condvar);

/// Whether a timed wait ended by its timeout.
#[derive(Debug, Clone, Copy)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns whether the timeout passed.
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// Makes a condition variable.
    pub fn new() -> Self {
        Self(model::sync::Condvar::new())
    }

    /// Wakes one waiter.
    pub fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Wakes all waiters.
    pub fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits for a wake-up.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        replace_guard(guard, |owned| {
            self.0.wait(owned).unwrap_or_else(std::sync::PoisonError::into_inner)
        });
    }

    /// Waits; a model knows no time, so the wait never ends by itself.
    pub fn wait_for<T>(
        &self,
        guard: &mut MutexGuard<'_, T>,
        _timeout: std::time::Duration,
    ) -> WaitTimeoutResult {
        self.wait(guard);
        WaitTimeoutResult(false)
    }
}

/// Runs a function that takes a guard by value on one that is only borrowed.
#[allow(unsafe_code, reason = "the model's guards are taken and given back by value")]
fn replace_guard<'a, T>(
    guard: &mut MutexGuard<'a, T>,
    f: impl FnOnce(MutexGuard<'a, T>) -> MutexGuard<'a, T>,
) {
    // SAFETY: the guard is read out once and a guard is written back before anybody can see the gap;
    // a panic inside `f` fails the whole model, so the gap is never observed.
    let owned = unsafe { std::ptr::read(guard) };
    let back = f(owned);
    // SAFETY: as above; the slot holds bits that were moved out, so nothing is overwritten.
    unsafe { std::ptr::write(guard, back) };
}

/// A mutex and a condition variable for sleeping.
pub mod sleep {
    use std::sync::PoisonError;
    use std::time::Duration;

    use super::model;

    pub use super::MutexGuard;

    /// A mutex.
    #[derive(Debug, Default)]
    pub struct Mutex<T>(model::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// Makes a mutex around `value`.
        pub fn new(value: T) -> Self {
            Self(model::sync::Mutex::new(value))
        }

        /// Waits for the lock.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// A condition variable.
    #[derive(Debug, Default)]
    pub struct Condvar(model::sync::Condvar);

    impl Condvar {
        /// Makes a condition variable.
        pub fn new() -> Self {
            Self(model::sync::Condvar::new())
        }

        /// Wakes one waiter.
        pub fn notify_one(&self) {
            self.0.notify_one();
        }

        /// Waits for a wake-up, and gives the guard back.
        pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
        }

        /// Waits; a model knows no time, so the wait never ends by itself.
        pub fn wait_for<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            _timeout: Duration,
        ) -> (MutexGuard<'a, T>, bool) {
            (self.wait(guard), false)
        }
    }
}
