//! The guards of a [`Lock`]: who has one has the lock.

use std::sync::Arc;

use super::Lock;
use crate::held::{Alone, Hold};
use crate::permits::Permits;

/// Reaches the value of a [`Lock`] and keeps it locked, see [`Lock::lock`].
///
/// asyncio: what `async with lock` does. It is `Send` if the value is, and may be held across an await.
///
/// # Panics
/// Its use panics if the `Condition` wait that it was lent to was dropped before it had taken the lock back.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct LockGuard<'a, T: ?Sized> {
    lock: &'a Lock<T>,
    /// `None` while a `Condition` waits, which unlocks for that time.
    hold: Option<Hold<&'a Permits, T, Alone>>,
}

impl<'a, T: ?Sized> LockGuard<'a, T> {
    #[inline]
    pub(super) fn new(lock: &'a Lock<T>, hold: Hold<&'a Permits, T, Alone>) -> Self {
        Self { lock, hold: Some(hold) }
    }

    #[inline]
    #[track_caller]
    fn get(&self) -> &T {
        match &self.hold {
            Some(hold) => hold.get(),
            None => lock_is_lost(),
        }
    }

    #[inline]
    #[track_caller]
    fn get_mut(&mut self) -> &mut T {
        match &mut self.hold {
            Some(hold) => hold.get_mut(),
            None => lock_is_lost(),
        }
    }

    #[track_caller]
    fn into_hold(self) -> Hold<&'a Permits, T, Alone> {
        match self.hold {
            Some(hold) => hold,
            None => lock_is_lost(),
        }
    }

    /// Gives the lock that this guard is of.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, LockGuard};
    ///
    /// let lock = Lock::new(1);
    /// let guard = lock.try_lock().unwrap();
    /// assert!(std::ptr::eq(LockGuard::lock(&guard), &lock));
    /// ```
    pub fn lock(guard: &Self) -> &'a Lock<T> {
        guard.lock
    }

    /// Unlocks now. Until another guard is put in its place, `guard` cannot be used.
    pub(crate) fn unlock(guard: &mut Self) {
        guard.hold = None;
    }

    /// Panics if it was unlocked.
    #[track_caller]
    pub(crate) fn assert_has_lock(guard: &Self) {
        if guard.hold.is_none() {
            lock_is_lost();
        }
    }

    /// Makes it a guard of a part of the value.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, LockGuard};
    ///
    /// let lock = Lock::new((1, "one"));
    /// let mut name = LockGuard::map(lock.try_lock().unwrap(), |pair| &mut pair.1);
    /// *name = "uno";
    /// assert!(lock.is_locked());
    /// drop(name);
    /// assert_eq!(lock.into_inner(), (1, "uno"));
    /// ```
    #[track_caller]
    pub fn map<U: ?Sized>(guard: Self, f: impl FnOnce(&mut T) -> &mut U) -> MappedLockGuard<'a, U> {
        MappedLockGuard(guard.into_hold().map(f))
    }

    /// Makes it a guard of a part of the value, or gives it back if there is no such part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// The guard itself, if `f` gave `None`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, LockGuard};
    ///
    /// let lock = Lock::new(vec![1, 2]);
    /// let guard = lock.try_lock().unwrap();
    /// let guard = LockGuard::try_map(guard, |list| list.get_mut(7)).unwrap_err();
    /// assert_eq!(*LockGuard::try_map(guard, |list| list.get_mut(1)).unwrap(), 2);
    /// ```
    #[track_caller]
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<MappedLockGuard<'a, U>, Self> {
        let lock = guard.lock;
        match guard.into_hold().try_map(f) {
            Ok(part) => Ok(MappedLockGuard(part)),
            Err(hold) => Err(Self::new(lock, hold)),
        }
    }
}

/// Reaches a part of the value of a [`Lock`] and keeps it locked, see [`LockGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct MappedLockGuard<'a, U: ?Sized>(Hold<&'a Permits, U, Alone>);

impl<'a, U: ?Sized> MappedLockGuard<'a, U> {
    #[inline]
    fn get(&self) -> &U {
        self.0.get()
    }

    #[inline]
    fn get_mut(&mut self) -> &mut U {
        self.0.get_mut()
    }

    /// Makes it a guard of a part of the part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::guards::MappedLockGuard;
    /// use bowerbird::sync::{Lock, LockGuard};
    ///
    /// let lock = Lock::new(((1, 2), 3));
    /// let pair = LockGuard::map(lock.try_lock().unwrap(), |value| &mut value.0);
    /// assert_eq!(*MappedLockGuard::map(pair, |pair| &mut pair.1), 2);
    /// ```
    pub fn map<V: ?Sized>(guard: Self, f: impl FnOnce(&mut U) -> &mut V) -> MappedLockGuard<'a, V> {
        MappedLockGuard(guard.0.map(f))
    }

    /// Makes it a guard of a part of the part, or gives it back if there is no such part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// The guard itself, if `f` gave `None`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::guards::MappedLockGuard;
    /// use bowerbird::sync::{Lock, LockGuard};
    ///
    /// let lock = Lock::new((vec![1], 3));
    /// let list = LockGuard::map(lock.try_lock().unwrap(), |value| &mut value.0);
    /// assert!(MappedLockGuard::try_map(list, |list| list.get_mut(1)).is_err());
    /// ```
    pub fn try_map<V: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<MappedLockGuard<'a, V>, Self> {
        guard.0.try_map(f).map(MappedLockGuard).map_err(Self)
    }
}

/// The hold of an owned guard.
type OwnedHold<T, U> = Hold<Arc<Lock<T>>, U, Alone>;

/// Reaches the value of a [`Lock`] and keeps it locked and alive, see [`Lock::lock_owned`].
///
/// # Panics
/// As of [`LockGuard`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedLockGuard<T: ?Sized>(
    /// No more than the lock while a `Condition` waits, which unlocks for that time.
    Result<OwnedHold<T, T>, Arc<Lock<T>>>,
);

impl<T: ?Sized> OwnedLockGuard<T> {
    pub(super) fn new(hold: OwnedHold<T, T>) -> Self {
        Self(Ok(hold))
    }

    #[inline]
    #[track_caller]
    fn get(&self) -> &T {
        match &self.0 {
            Ok(hold) => hold.get(),
            Err(_) => lock_is_lost(),
        }
    }

    #[inline]
    #[track_caller]
    fn get_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Ok(hold) => hold.get_mut(),
            Err(_) => lock_is_lost(),
        }
    }

    #[track_caller]
    fn into_hold(self) -> OwnedHold<T, T> {
        match self.0 {
            Ok(hold) => hold,
            Err(_) => lock_is_lost(),
        }
    }

    /// Unlocks now. Until another guard is put in its place, `guard` cannot be used.
    pub(crate) fn unlock(guard: &mut Self) {
        guard.0 = Err(Arc::clone(Self::lock(guard)));
    }

    /// Panics if it was unlocked.
    #[track_caller]
    pub(crate) fn assert_has_lock(guard: &Self) {
        if guard.0.is_err() {
            lock_is_lost();
        }
    }

    /// Gives the lock that this guard is of.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    /// use std::sync::Arc;
    ///
    /// let lock = Arc::new(Lock::new(1));
    /// let guard = lock.try_lock_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedLockGuard::lock(&guard), &lock));
    /// ```
    pub fn lock(guard: &Self) -> &Arc<Lock<T>> {
        match &guard.0 {
            Ok(hold) => hold.place(),
            Err(lock) => lock,
        }
    }

    /// Unlocks and gives the lock, whose count need not change.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    ///
    /// let guard = std::sync::Arc::new(Lock::new(1)).try_lock_owned().unwrap();
    /// assert!(!OwnedLockGuard::into_lock(guard).is_locked());
    /// ```
    pub fn into_lock(guard: Self) -> Arc<Lock<T>> {
        match guard.0 {
            Ok(hold) => hold.into_place(),
            Err(lock) => lock,
        }
    }

    /// Makes it a guard of a part of the value.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    ///
    /// let lock = std::sync::Arc::new(Lock::new((1, "one")));
    /// let guard = lock.try_lock_owned().unwrap();
    /// assert_eq!(*OwnedLockGuard::map(guard, |pair| &mut pair.1), "one");
    /// ```
    #[track_caller]
    pub fn map<U: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut T) -> &mut U,
    ) -> OwnedMappedLockGuard<T, U> {
        OwnedMappedLockGuard(guard.into_hold().map(f))
    }

    /// Makes it a guard of a part of the value, or gives it back if there is no such part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// The guard itself, if `f` gave `None`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    ///
    /// let lock = std::sync::Arc::new(Lock::new(vec![1]));
    /// let guard = lock.try_lock_owned().unwrap();
    /// assert!(OwnedLockGuard::try_map(guard, |list| list.get_mut(1)).is_err());
    /// ```
    #[track_caller]
    pub fn try_map<U: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<OwnedMappedLockGuard<T, U>, Self> {
        guard.into_hold().try_map(f).map(OwnedMappedLockGuard).map_err(Self::new)
    }
}

/// Reaches a part of the value of a [`Lock`] and keeps it locked and alive, see [`OwnedLockGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedMappedLockGuard<T: ?Sized, U: ?Sized>(OwnedHold<T, U>);

impl<T: ?Sized, U: ?Sized> OwnedMappedLockGuard<T, U> {
    #[inline]
    fn get(&self) -> &U {
        self.0.get()
    }

    #[inline]
    fn get_mut(&mut self) -> &mut U {
        self.0.get_mut()
    }

    /// Makes it a guard of a part of the part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::guards::OwnedMappedLockGuard;
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    ///
    /// let lock = std::sync::Arc::new(Lock::new(((1, 2), 3)));
    /// let pair = OwnedLockGuard::map(lock.try_lock_owned().unwrap(), |value| &mut value.0);
    /// assert_eq!(*OwnedMappedLockGuard::map(pair, |pair| &mut pair.1), 2);
    /// ```
    pub fn map<V: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut U) -> &mut V,
    ) -> OwnedMappedLockGuard<T, V> {
        OwnedMappedLockGuard(guard.0.map(f))
    }

    /// Makes it a guard of a part of the part, or gives it back if there is no such part.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// The guard itself, if `f` gave `None`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::guards::OwnedMappedLockGuard;
    /// use bowerbird::sync::{Lock, OwnedLockGuard};
    ///
    /// let lock = std::sync::Arc::new(Lock::new((vec![1], 3)));
    /// let list = OwnedLockGuard::map(lock.try_lock_owned().unwrap(), |value| &mut value.0);
    /// assert!(OwnedMappedLockGuard::try_map(list, |list| list.get_mut(1)).is_err());
    /// ```
    pub fn try_map<V: ?Sized>(
        guard: Self,
        f: impl FnOnce(&mut U) -> Option<&mut V>,
    ) -> Result<OwnedMappedLockGuard<T, V>, Self> {
        guard.0.try_map(f).map(OwnedMappedLockGuard).map_err(Self)
    }
}

guard_traits!(mutable LockGuard<'a, T>, T);
guard_traits!(mutable MappedLockGuard<'a, U>, U);
guard_traits!(mutable OwnedLockGuard<T>, T);
guard_traits!(mutable OwnedMappedLockGuard<T, U>, U);

#[cold]
#[track_caller]
fn lock_is_lost() -> ! {
    panic!(
        "this guard has no lock any more: the Condition::wait() that it was lent to was dropped before it had \
         taken the lock back; call lock() again"
    )
}
