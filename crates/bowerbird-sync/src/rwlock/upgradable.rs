//! The guards of who reads a [`RwLock`] and may write later.

use std::sync::Arc;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockUpgrade,
    RwLockUpgradeOwned, RwLockWriteGuard,
};
use crate::held::{Hold, Upgradable, Upgrade};
use crate::leaf::Leaf;
use crate::permits::Permits;

macro_rules! upgradable_guard {
    (
        $guard:ident<$($life:lifetime,)? T>, Hold<$place:ty>, $upgrade:ident, $write:ident,
        $read:ident, $call:literal
    ) => {
        impl<$($life,)? T: ?Sized> $guard<$($life,)? T> {
            #[inline]
            pub(super) fn new(hold: Hold<$place, T, Upgradable>) -> Self {
                Self(hold)
            }

            #[inline]
            fn get(&self) -> &T {
                self.0.get()
            }

            /// Waits until all other readers are gone, and writes. Nobody writes in between, and whoever else
            /// waits, waits on.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Cancel safety
            /// The guard goes with a wait that is dropped: what was read may have changed when it is taken again.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            ///
            /// bowerbird::run(async {
            ///     let lock = std::sync::Arc::new(RwLock::new(1));
            #[doc = concat!("    let guard = lock.", $call, "().await;")]
            #[doc = concat!("    *", stringify!($guard), "::upgrade(guard).await = 2;")]
            ///     assert_eq!(*lock.read().await, 2);
            /// });
            /// ```
            #[track_caller]
            pub fn upgrade(guard: Self) -> $upgrade<$($life,)? T> {
                $upgrade(Upgrade::new(guard.0, Leaf::new()))
            }

            /// Writes, if nobody else reads; otherwise gives the guard back.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// The guard itself, if others read.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            ///
            /// let lock = std::sync::Arc::new(RwLock::new(1));
            #[doc = concat!("let guard = lock.try_", $call, "().unwrap();")]
            /// let reader = lock.try_read();
            #[doc = concat!("let guard = ", stringify!($guard), "::try_upgrade(guard).unwrap_err();")]
            /// drop(reader);
            #[doc = concat!("assert!(", stringify!($guard), "::try_upgrade(guard).is_ok());")]
            /// ```
            pub fn try_upgrade(guard: Self) -> Result<$write<$($life,)? T>, Self> {
                guard.0.try_upgrade().map($write::new).map_err(Self)
            }

            /// Reads on without the right to write later, which another one may take then.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            ///
            /// let lock = std::sync::Arc::new(RwLock::new(1));
            #[doc = concat!("let guard = lock.try_", $call, "().unwrap();")]
            #[doc = concat!("let guard = ", stringify!($guard), "::downgrade(guard);")]
            /// assert!(lock.try_upgradable_read().is_some() && lock.try_write().is_none());
            /// # drop(guard);
            /// ```
            pub fn downgrade(guard: Self) -> $read<$($life,)? T> {
                $read::new(guard.0.downgrade())
            }
        }

        guard_traits!($guard<$($life,)? T>, T);
    };
}

/// Reads the value of a [`RwLock`] and may write later, see [`RwLock::upgradable_read`].
///
/// asyncio: no counterpart. It may be held across an await, and moved to another thread.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct RwLockUpgradableReadGuard<'a, T: ?Sized>(Hold<&'a Permits, T, Upgradable>);

/// Reads the value of a [`RwLock`], keeps it alive, and may write later, see [`RwLock::upgradable_read_owned`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedRwLockUpgradableReadGuard<T: ?Sized>(Hold<Arc<RwLock<T>>, T, Upgradable>);

upgradable_guard!(
    RwLockUpgradableReadGuard<'a, T>,
    Hold<&'a Permits>,
    RwLockUpgrade,
    RwLockWriteGuard,
    RwLockReadGuard,
    "upgradable_read"
);
upgradable_guard!(
    OwnedRwLockUpgradableReadGuard<T>,
    Hold<Arc<RwLock<T>>>,
    RwLockUpgradeOwned,
    OwnedRwLockWriteGuard,
    OwnedRwLockReadGuard,
    "upgradable_read_owned"
);
