//! The guards of who writes a [`RwLock`].

use std::sync::Arc;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, RwLock, RwLockReadGuard,
    RwLockUpgradableReadGuard,
};
use crate::held::{Hold, Writing};
use crate::permits::Permits;

/// What a guard that writes can become. The example begins with `$setup`.
macro_rules! write_guard {
    (
        $guard:ident<$($life:lifetime,)? $($param:ident),+>,
        Hold<$place:ty, $value:ident>, $mapped:ident<$($kept:tt),+>, $setup:literal
    ) => {
        impl<$($life,)? $($param: ?Sized),+> $guard<$($life,)? $($param),+> {
            #[inline]
            fn get(&self) -> &$value {
                self.0.get()
            }

            #[inline]
            fn get_mut(&mut self) -> &mut $value {
                self.0.get_mut()
            }

            /// Makes it a guard of a part of the value.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            /// use std::sync::Arc;
            ///
            /// let lock = Arc::new(RwLock::new((1, "one")));
            #[doc = $setup]
            #[doc = concat!("*", stringify!($guard), "::map(guard, |pair| &mut pair.1) = \"uno\";")]
            /// assert_eq!(lock.try_read().unwrap().1, "uno");
            /// ```
            pub fn map<V: ?Sized>(
                guard: Self,
                f: impl FnOnce(&mut $value) -> &mut V,
            ) -> $mapped<$($kept,)+ V> {
                $mapped(guard.0.map(f))
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
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            /// use std::sync::Arc;
            ///
            /// let lock = Arc::new(RwLock::new((1, "one")));
            #[doc = $setup]
            #[doc = concat!(
                "let part = ", stringify!($guard), "::try_map(guard, |_| None::<&mut u8>);"
            )]
            /// assert_eq!(part.unwrap_err().1, "one");
            /// ```
            pub fn try_map<V: ?Sized>(
                guard: Self,
                f: impl FnOnce(&mut $value) -> Option<&mut V>,
            ) -> Result<$mapped<$($kept,)+ V>, Self> {
                guard.0.try_map(f).map($mapped).map_err(Self)
            }
        }

        guard_traits!(mutable $guard<$($life,)? $($param),+>, $value);
    };
}

/// What a guard of the whole value can become besides: a part that was written through may be of a type that must
/// not be read by others, so mapped guards cannot.
macro_rules! write_guard_downgrades {
    (
        $guard:ident<$($life:lifetime,)? T>, Hold<$place:ty>, $read:ident, $upgradable:ident,
        $call:literal
    ) => {
        impl<$($life,)? T: ?Sized> $guard<$($life,)? T> {
            #[inline]
            pub(super) fn new(hold: Hold<$place, T, Writing>) -> Self {
                Self(hold)
            }

            /// Reads on, and lets other readers in. Nobody writes in between.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            ///
            /// let lock = std::sync::Arc::new(RwLock::new(1));
            #[doc = concat!("let guard = ", stringify!($guard), "::downgrade(lock.", $call, ".unwrap());")]
            /// assert_eq!(*guard + *lock.try_read().unwrap(), 2);
            /// ```
            pub fn downgrade(guard: Self) -> $read<$($life,)? T> {
                $read::new(guard.0.downgrade())
            }

            /// Reads on with the right to write later, and lets other readers in. Nobody writes in between.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Examples
            /// ```
            /// use bowerbird::sync::guards::*;
            /// use bowerbird::sync::*;
            ///
            /// let lock = std::sync::Arc::new(RwLock::new(1));
            #[doc = concat!(
                "let guard = ", stringify!($guard), "::downgrade_to_upgradable(lock.", $call, ".unwrap());"
            )]
            /// assert!(lock.try_read().is_some() && lock.try_upgradable_read().is_none());
            /// # drop(guard);
            /// ```
            pub fn downgrade_to_upgradable(guard: Self) -> $upgradable<$($life,)? T> {
                $upgradable::new(guard.0.downgrade())
            }
        }
    };
}

/// Writes the value of a [`RwLock`], see [`RwLock::write`].
///
/// asyncio: no counterpart. It may be held across an await, and moved to another thread.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized>(Hold<&'a Permits, T, Writing>);

/// Writes a part of the value of a [`RwLock`], see [`RwLockWriteGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct MappedRwLockWriteGuard<'a, U: ?Sized>(Hold<&'a Permits, U, Writing>);

/// Writes the value of a [`RwLock`] and keeps it alive, see [`RwLock::write_owned`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedRwLockWriteGuard<T: ?Sized>(Hold<Arc<RwLock<T>>, T, Writing>);

/// Writes a part of the value of a [`RwLock`] and keeps it alive, see [`OwnedRwLockWriteGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedMappedRwLockWriteGuard<T: ?Sized, U: ?Sized>(Hold<Arc<RwLock<T>>, U, Writing>);

write_guard!(
    RwLockWriteGuard<'a, T>,
    Hold<&'a Permits, T>,
    MappedRwLockWriteGuard<'a>,
    "let guard = lock.try_write().unwrap();"
);
write_guard!(
    MappedRwLockWriteGuard<'a, U>,
    Hold<&'a Permits, U>,
    MappedRwLockWriteGuard<'a>,
    "let guard = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| pair);"
);
write_guard!(
    OwnedRwLockWriteGuard<T>,
    Hold<Arc<RwLock<T>>, T>,
    OwnedMappedRwLockWriteGuard<T>,
    "let guard = lock.try_write_owned().unwrap();"
);
write_guard!(
    OwnedMappedRwLockWriteGuard<T, U>, Hold<Arc<RwLock<T>>, U>, OwnedMappedRwLockWriteGuard<T>,
    "let guard = OwnedRwLockWriteGuard::map(lock.try_write_owned().unwrap(), |pair| pair);"
);
write_guard_downgrades!(
    RwLockWriteGuard<'a, T>,
    Hold<&'a Permits>,
    RwLockReadGuard,
    RwLockUpgradableReadGuard,
    "try_write()"
);
write_guard_downgrades!(
    OwnedRwLockWriteGuard<T>,
    Hold<Arc<RwLock<T>>>,
    OwnedRwLockReadGuard,
    OwnedRwLockUpgradableReadGuard,
    "try_write_owned()"
);

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// Gives the lock that this guard is of.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{OwnedRwLockWriteGuard, RwLock};
    /// use std::sync::Arc;
    ///
    /// let lock = Arc::new(RwLock::new(1));
    /// let guard = lock.try_write_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::lock(&guard), &lock));
    /// ```
    pub fn lock(guard: &Self) -> &Arc<RwLock<T>> {
        guard.0.place()
    }
}
