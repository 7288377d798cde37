//! The ways into a [`RwLock`] that borrow nothing.

use std::sync::Arc;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadOwned, RwLockUpgradableReadOwned, RwLockWriteOwned,
};
use crate::held::Hold;

impl<T: ?Sized> RwLock<T> {
    /// As [`read`](Self::read), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    ///     let guard = lock.read_owned().await;
    ///     assert_eq!(bowerbird::spawn(async move { *guard }).await.unwrap(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn read_owned(self: &Arc<Self>) -> RwLockReadOwned<T> {
        RwLockReadOwned(self.wait_owned("RwLock::read_owned"))
    }

    /// As [`write`](Self::write), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    ///     let mut guard = lock.write_owned().await;
    ///     bowerbird::spawn(async move { *guard += 1 }).await.unwrap();
    ///     assert_eq!(*lock.read().await, 2);
    /// });
    /// ```
    #[track_caller]
    pub fn write_owned(self: &Arc<Self>) -> RwLockWriteOwned<T> {
        RwLockWriteOwned(self.wait_owned("RwLock::write_owned"))
    }

    /// As [`upgradable_read`](Self::upgradable_read), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    ///     assert_eq!(*lock.upgradable_read_owned().await, 1);
    /// });
    /// ```
    #[track_caller]
    pub fn upgradable_read_owned(self: &Arc<Self>) -> RwLockUpgradableReadOwned<T> {
        RwLockUpgradableReadOwned(self.wait_owned("RwLock::upgradable_read_owned"))
    }

    /// As [`try_read`](Self::try_read), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    /// assert_eq!(*lock.try_read_owned().unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn try_read_owned(self: &Arc<Self>) -> Option<OwnedRwLockReadGuard<T>> {
        Hold::try_take(Arc::clone(self)).map(OwnedRwLockReadGuard::new)
    }

    /// As [`try_write`](Self::try_write), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    /// let guard = lock.try_write_owned();
    /// assert!(guard.is_some() && lock.try_read_owned().is_none());
    /// ```
    #[track_caller]
    pub fn try_write_owned(self: &Arc<Self>) -> Option<OwnedRwLockWriteGuard<T>> {
        Hold::try_take(Arc::clone(self)).map(OwnedRwLockWriteGuard::new)
    }

    /// As [`try_upgradable_read`](Self::try_upgradable_read), with a guard that borrows nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = std::sync::Arc::new(bowerbird::sync::RwLock::new(1));
    /// assert_eq!(*lock.try_upgradable_read_owned().unwrap(), 1);
    /// ```
    #[track_caller]
    pub fn try_upgradable_read_owned(
        self: &Arc<Self>,
    ) -> Option<OwnedRwLockUpgradableReadGuard<T>> {
        Hold::try_take(Arc::clone(self)).map(OwnedRwLockUpgradableReadGuard::new)
    }
}
