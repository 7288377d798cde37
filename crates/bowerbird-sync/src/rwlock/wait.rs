//! The waits for a [`RwLock`].

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use super::{
    OwnedRwLockReadGuard, OwnedRwLockUpgradableReadGuard, OwnedRwLockWriteGuard, RwLock,
    RwLockReadGuard, RwLockUpgradableReadGuard, RwLockWriteGuard,
};
use crate::held::{Guarded, Many, Reading, Upgradable, Upgrade, Wait, Writing};
use crate::permits::Permits;

macro_rules! wait_future {
    ($(#[$doc:meta])* $name:ident<$($life:lifetime,)? $param:ident>($wait:ty) -> $guard:ident) => {
        $(#[$doc])*
        #[must_use = "futures do nothing unless awaited"]
        pub struct $name<$($life,)? $param: ?Sized>(pub(super) $wait);

        impl<$($life,)? $param: ?Sized> Future for $name<$($life,)? $param> {
            type Output = $guard<$($life,)? $param>;

            #[inline]
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                self.0.poll(cx).map($guard::new)
            }
        }

        impl<$($life,)? $param: ?Sized> fmt::Debug for $name<$($life,)? $param> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}

wait_future! {
    /// Waits to read, see [`RwLock::read`].
    RwLockRead<'a, T>(Wait<&'a Guarded<T, Many>, Reading>) -> RwLockReadGuard
}
wait_future! {
    /// Waits to write, see [`RwLock::write`].
    RwLockWrite<'a, T>(Wait<&'a Guarded<T, Many>, Writing>) -> RwLockWriteGuard
}
wait_future! {
    /// Waits to read with the right to write later, see [`RwLock::upgradable_read`].
    RwLockUpgradableRead<'a, T>(Wait<&'a Guarded<T, Many>, Upgradable>) -> RwLockUpgradableReadGuard
}
wait_future! {
    /// Waits to read, see [`RwLock::read_owned`].
    RwLockReadOwned<T>(Wait<Arc<RwLock<T>>, Reading>) -> OwnedRwLockReadGuard
}
wait_future! {
    /// Waits to write, see [`RwLock::write_owned`].
    RwLockWriteOwned<T>(Wait<Arc<RwLock<T>>, Writing>) -> OwnedRwLockWriteGuard
}
wait_future! {
    /// Waits to read with the right to write later, see [`RwLock::upgradable_read_owned`].
    RwLockUpgradableReadOwned<T>(Wait<Arc<RwLock<T>>, Upgradable>) -> OwnedRwLockUpgradableReadGuard
}
wait_future! {
    /// Waits for the other readers to go, see [`RwLockUpgradableReadGuard::upgrade`].
    RwLockUpgrade<'a, T>(Upgrade<&'a Permits, T>) -> RwLockWriteGuard
}
wait_future! {
    /// Waits for the other readers to go, see [`OwnedRwLockUpgradableReadGuard::upgrade`].
    RwLockUpgradeOwned<T>(Upgrade<Arc<RwLock<T>>, T>) -> OwnedRwLockWriteGuard
}

// Not the upgrades: with them goes the guard that they hold.
impl<T: ?Sized> CancelSafe for RwLockRead<'_, T> {}
impl<T: ?Sized> CancelSafe for RwLockWrite<'_, T> {}
impl<T: ?Sized> CancelSafe for RwLockUpgradableRead<'_, T> {}
impl<T: ?Sized> CancelSafe for RwLockReadOwned<T> {}
impl<T: ?Sized> CancelSafe for RwLockWriteOwned<T> {}
impl<T: ?Sized> CancelSafe for RwLockUpgradableReadOwned<T> {}
