//! The guards of those who read a [`RwLock`].

use std::sync::Arc;

use super::RwLock;
use crate::held::{Hold, Reading};
use crate::permits::Permits;

/// What a guard that reads can become. The example begins with `$setup`.
macro_rules! read_guard {
    (
        $guard:ident<$($life:lifetime,)? $($param:ident),+>,
        Hold<$place:ty, $value:ident>, $mapped:ident<$($kept:tt),+>, $setup:literal
    ) => {
        impl<$($life,)? $($param: ?Sized),+> $guard<$($life,)? $($param),+> {
            #[inline]
            fn get(&self) -> &$value {
                self.0.get()
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
            #[doc = concat!("let name = ", stringify!($guard), "::map(guard, |pair| &pair.1);")]
            /// assert_eq!(*name, "one");
            /// ```
            pub fn map<V: ?Sized>(
                guard: Self,
                f: impl FnOnce(&$value) -> &V,
            ) -> $mapped<$($kept,)+ V> {
                $mapped(guard.0.map_shared(f))
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
            #[doc = concat!("let part = ", stringify!($guard), "::try_map(guard, |_| None::<&u8>);")]
            /// assert_eq!(part.unwrap_err().1, "one");
            /// ```
            pub fn try_map<V: ?Sized>(
                guard: Self,
                f: impl FnOnce(&$value) -> Option<&V>,
            ) -> Result<$mapped<$($kept,)+ V>, Self> {
                guard.0.try_map_shared(f).map($mapped).map_err(Self)
            }
        }

        guard_traits!($guard<$($life,)? $($param),+>, $value);
    };
}

/// Reads the value of a [`RwLock`], see [`RwLock::read`].
///
/// asyncio: no counterpart. It may be held across an await, and moved to another thread.
#[must_use = "the lock is unlocked when this is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized>(Hold<&'a Permits, T, Reading>);

/// Reads a part of the value of a [`RwLock`], see [`RwLockReadGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct MappedRwLockReadGuard<'a, U: ?Sized>(Hold<&'a Permits, U, Reading>);

/// Reads the value of a [`RwLock`] and keeps it alive, see [`RwLock::read_owned`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedRwLockReadGuard<T: ?Sized>(Hold<Arc<RwLock<T>>, T, Reading>);

/// Reads a part of the value of a [`RwLock`] and keeps it alive, see [`OwnedRwLockReadGuard::map`].
#[must_use = "the lock is unlocked when this is dropped"]
pub struct OwnedMappedRwLockReadGuard<T: ?Sized, U: ?Sized>(Hold<Arc<RwLock<T>>, U, Reading>);

read_guard!(
    RwLockReadGuard<'a, T>,
    Hold<&'a Permits, T>,
    MappedRwLockReadGuard<'a>,
    "let guard = lock.try_read().unwrap();"
);
read_guard!(
    MappedRwLockReadGuard<'a, U>,
    Hold<&'a Permits, U>,
    MappedRwLockReadGuard<'a>,
    "let guard = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| pair);"
);
read_guard!(
    OwnedRwLockReadGuard<T>,
    Hold<Arc<RwLock<T>>, T>,
    OwnedMappedRwLockReadGuard<T>,
    "let guard = lock.try_read_owned().unwrap();"
);
read_guard!(
    OwnedMappedRwLockReadGuard<T, U>, Hold<Arc<RwLock<T>>, U>, OwnedMappedRwLockReadGuard<T>,
    "let guard = OwnedRwLockReadGuard::map(lock.try_read_owned().unwrap(), |pair| pair);"
);

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    #[inline]
    pub(super) fn new(hold: Hold<&'a Permits, T, Reading>) -> Self {
        Self(hold)
    }
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    pub(super) fn new(hold: Hold<Arc<RwLock<T>>, T, Reading>) -> Self {
        Self(hold)
    }

    /// Gives the lock that this guard is of.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{OwnedRwLockReadGuard, RwLock};
    /// use std::sync::Arc;
    ///
    /// let lock = Arc::new(RwLock::new(1));
    /// let guard = lock.try_read_owned().unwrap();
    /// assert!(Arc::ptr_eq(OwnedRwLockReadGuard::lock(&guard), &lock));
    /// ```
    pub fn lock(guard: &Self) -> &Arc<RwLock<T>> {
        guard.0.place()
    }
}
