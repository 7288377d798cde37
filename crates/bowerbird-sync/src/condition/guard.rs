//! The guards whose lock a condition can give up and take back.

use std::ops::DerefMut;
use std::panic::Location;
use std::sync::Arc;

use crate::lock::{LockGuard, LockOwned, LockWait, OwnedLockGuard};

/// A guard whose lock a [`Condition`](super::Condition) can give up for the time of a wait: [`LockGuard`] and
/// [`OwnedLockGuard`].
///
/// asyncio: no counterpart; a condition there has its lock, and whoever has acquired it may wait.
///
/// A guard of a part of the value is none: whoever has the lock meanwhile may change where the part is. The trait is
/// for bounds of generic code, and is not implemented elsewhere.
pub trait ConditionGuard: Relock {}

impl<T: ?Sized> ConditionGuard for LockGuard<'_, T> {}
impl<T: ?Sized> ConditionGuard for OwnedLockGuard<T> {}

/// What a wait does with its guard. Public by the language alone.
pub trait Relock: DerefMut + Sized {
    /// The wait for the lock.
    type Wait: Future<Output = Self> + Unpin;

    /// The address of the lock.
    fn address(&self) -> usize;

    /// Panics if the lock was given up, and not taken back.
    #[track_caller]
    fn assert_has_lock(&self);

    /// Unlocks now. Until another guard is put in its place, this one cannot be used.
    fn unlock(&mut self);

    /// Waits for the lock, inside a wait that the user's code made at `location`.
    fn relock(&self, location: &'static Location<'static>) -> Self::Wait;
}

impl<'l, T: ?Sized> Relock for LockGuard<'l, T> {
    type Wait = LockWait<'l, T>;

    fn address(&self) -> usize {
        LockGuard::lock(self).address()
    }

    #[track_caller]
    fn assert_has_lock(&self) {
        LockGuard::assert_has_lock(self);
    }

    fn unlock(&mut self) {
        LockGuard::unlock(self);
    }

    fn relock(&self, location: &'static Location<'static>) -> Self::Wait {
        LockGuard::lock(self).lock_from(location)
    }
}

impl<T: ?Sized> Relock for OwnedLockGuard<T> {
    type Wait = LockOwned<T>;

    fn address(&self) -> usize {
        OwnedLockGuard::lock(self).address()
    }

    #[track_caller]
    fn assert_has_lock(&self) {
        OwnedLockGuard::assert_has_lock(self);
    }

    fn unlock(&mut self) {
        OwnedLockGuard::unlock(self);
    }

    fn relock(&self, location: &'static Location<'static>) -> Self::Wait {
        Arc::clone(OwnedLockGuard::lock(self)).lock_owned_from(location)
    }
}
