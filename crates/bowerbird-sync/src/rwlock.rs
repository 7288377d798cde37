//! A lock that many may hold who read, or one who writes.

use std::fmt;
use std::sync::Arc;

use crate::block_on::block_on;
use crate::held::{Guarded, Hold, Many, Mode, Sharing, Upgradable, Wait};
use crate::leaf::Leaf;
use crate::permits::Permits;

mod owned;
mod read;
mod upgradable;
mod wait;
mod write;

pub use read::{
    MappedRwLockReadGuard, OwnedMappedRwLockReadGuard, OwnedRwLockReadGuard, RwLockReadGuard,
};
pub use upgradable::{OwnedRwLockUpgradableReadGuard, RwLockUpgradableReadGuard};
pub use wait::{
    RwLockRead, RwLockReadOwned, RwLockUpgradableRead, RwLockUpgradableReadOwned, RwLockUpgrade,
    RwLockUpgradeOwned, RwLockWrite, RwLockWriteOwned,
};
pub use write::{
    MappedRwLockWriteGuard, OwnedMappedRwLockWriteGuard, OwnedRwLockWriteGuard, RwLockWriteGuard,
};

/// A value that many tasks read at a time, or one writes, who may await while they do.
///
/// asyncio: no counterpart.
///
/// First come, first served: who calls while others wait goes behind them, a reader behind a writer too, so that
/// nobody starves. A task that reads must therefore not wait to read once more: a writer may have come between, and
/// the two wait for each other. A panic under the lock does not poison it. See [`Lock`](crate::Lock) for what a lock
/// means that is handed to a future which nobody polls.
///
/// Who reads and may have to write takes [`upgradable_read`](Self::upgradable_read): one at a time, beside readers,
/// and [upgrades](RwLockUpgradableReadGuard::upgrade) without anybody writing in between.
///
/// # Examples
/// ```
/// use bowerbird::sync::RwLock;
///
/// bowerbird::run(async {
///     let lock = RwLock::new(1);
///     {
///         let (one, other) = (lock.read().await, lock.read().await);
///         assert_eq!(*one + *other, 2);
///     }
///     *lock.write().await += 1;
///     assert_eq!(*lock.read().await, 2);
/// });
/// ```
pub struct RwLock<T: ?Sized> {
    guarded: Guarded<T, Many>,
}

impl<T> RwLock<T> {
    bowerbird_base::const_fn! {
        /// Makes a lock around `value`, unlocked.
        ///
        /// # Examples
        /// ```
        /// use bowerbird::sync::RwLock;
        ///
        /// static SETTINGS: RwLock<u32> = RwLock::new(1);
        /// assert_eq!(*SETTINGS.try_read().unwrap(), 1);
        /// ```
        pub fn new(value: T) -> Self {
            Self { guarded: Guarded::new(value) }
        }
    }

    /// Gives the value.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::RwLock::new(1).into_inner(), 1);
    /// ```
    pub fn into_inner(self) -> T {
        self.guarded.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes, and reads.
    ///
    /// asyncio: no counterpart. Ready at once, without a suspension, when nobody writes and nobody waits.
    ///
    /// # Cancel safety
    /// A wait that is dropped leaves the queue; what it was handed goes on. Who calls again goes behind those who
    /// wait.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = bowerbird::sync::RwLock::new(1);
    ///     let guard = lock.read().await;
    ///     assert!(*guard == 1 && lock.try_read().is_some() && lock.try_write().is_none());
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn read(&self) -> RwLockRead<'_, T> {
        RwLockRead(self.wait("RwLock::read"))
    }

    /// Waits until nobody reads or writes, and writes.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = bowerbird::sync::RwLock::new(1);
    ///     *lock.write().await += 1;
    ///     assert_eq!(lock.into_inner(), 2);
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn write(&self) -> RwLockWrite<'_, T> {
        RwLockWrite(self.wait("RwLock::write"))
    }

    /// Waits until nobody writes, nor reads in this way, and reads with the right to write later.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`read`](Self::read).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::RwLock;
    /// use bowerbird::sync::guards::RwLockUpgradableReadGuard;
    ///
    /// bowerbird::run(async {
    ///     let lock = RwLock::new(1);
    ///     let guard = lock.upgradable_read().await;
    ///     assert!(lock.try_read().is_some() && lock.try_upgradable_read().is_none());
    ///     if *guard == 1 {
    ///         *RwLockUpgradableReadGuard::upgrade(guard).await = 2;
    ///     }
    ///     assert_eq!(*lock.read().await, 2);
    /// });
    /// ```
    #[track_caller]
    pub fn upgradable_read(&self) -> RwLockUpgradableRead<'_, T> {
        RwLockUpgradableRead(self.wait("RwLock::upgradable_read"))
    }

    /// Reads, if nobody writes and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(*bowerbird::sync::RwLock::new(1).try_read().unwrap(), 1);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        Hold::try_take(&self.guarded).map(RwLockReadGuard::new)
    }

    /// Writes, if nobody reads or writes and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::RwLock::new(1);
    /// *lock.try_write().unwrap() = 2;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        Hold::try_take(&self.guarded).map(RwLockWriteGuard::new)
    }

    /// Reads with the right to write later, if nobody writes or has that right, and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::RwLock::new(1);
    /// let guard = lock.try_upgradable_read();
    /// assert!(guard.is_some() && lock.try_upgradable_read().is_none());
    /// ```
    #[track_caller]
    pub fn try_upgradable_read(&self) -> Option<RwLockUpgradableReadGuard<'_, T>> {
        Hold::try_take(&self.guarded).map(RwLockUpgradableReadGuard::new)
    }

    /// Blocks this thread until it reads. For threads that run no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(*bowerbird::sync::RwLock::new(1).blocking_read(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        block_on(self.read(), "RwLock::blocking_read()", "await `read()` there")
    }

    /// Blocks this thread until it writes. For threads that run no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::RwLock::new(1);
    /// *lock.blocking_write() += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        block_on(self.write(), "RwLock::blocking_write()", "await `write()` there")
    }

    /// Blocks this thread until it reads with the right to write later. For threads that run no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(*bowerbird::sync::RwLock::new(1).blocking_upgradable_read(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_upgradable_read(&self) -> RwLockUpgradableReadGuard<'_, T> {
        block_on(
            self.upgradable_read(),
            "RwLock::blocking_upgradable_read()",
            "await `upgradable_read()` there",
        )
    }

    /// Reaches the value without locking: who has `&mut` is alone.
    ///
    /// # Examples
    /// ```
    /// let mut lock = bowerbird::sync::RwLock::new(1);
    /// *lock.get_mut() = 2;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.guarded.get_mut()
    }

    /// Returns whether somebody reads or writes, or is being handed the lock.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::RwLock::new(1);
    /// let guard = lock.try_read();
    /// assert!(lock.is_locked());
    /// # drop(guard);
    /// ```
    pub fn is_locked(&self) -> bool {
        self.permits().free() < Many::TOTAL
    }

    /// Says how things stand.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::RwLock::new(1);
    /// let guards = (lock.try_read(), lock.try_read(), lock.try_upgradable_read());
    /// assert_eq!(lock.statistics().readers, 3);
    /// # drop(guards);
    /// ```
    pub fn statistics(&self) -> RwLockStatistics {
        let tasks_waiting = self.permits().waiting();
        RwLockStatistics { tasks_waiting, ..self.state() }
    }

    /// What the number of free permits says.
    fn state(&self) -> RwLockStatistics {
        let taken = Many::TOTAL - self.permits().free();
        let is_writing = taken == Many::TOTAL;
        let is_upgradable = !is_writing && taken >= Upgradable::COUNT;
        let readers = match () {
            () if is_writing => 0,
            () if is_upgradable => taken - Upgradable::COUNT + 1,
            () => taken,
        };
        RwLockStatistics {
            readers,
            has_upgradable_reader: is_upgradable,
            has_writer: is_writing,
            tasks_waiting: 0,
        }
    }

    #[track_caller]
    #[inline]
    fn wait<M: Mode<Sharing = Many>>(&self, call: &'static str) -> Wait<&Guarded<T, Many>, M> {
        Wait::new(&self.guarded, Leaf::of(call))
    }

    #[track_caller]
    fn wait_owned<M: Mode<Sharing = Many>>(
        self: &Arc<Self>,
        call: &'static str,
    ) -> Wait<Arc<Self>, M> {
        Wait::new(Arc::clone(self), Leaf::of(call))
    }

    #[inline]
    pub(crate) fn guarded(&self) -> &Guarded<T, Many> {
        &self.guarded
    }

    fn permits(&self) -> &Permits {
        self.guarded.permits()
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Never blocks, and never takes the lock, so that looking changes nothing.
impl<T: ?Sized> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let mut text = f.debug_struct("RwLock");
        text.field("readers", &state.readers).field("has_writer", &state.has_writer);
        if let Some(waiting) = self.permits().try_waiting() {
            text.field("tasks_waiting", &waiting);
        }
        text.finish_non_exhaustive()
    }
}

/// How things stood at a [`RwLock`], see [`RwLock::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RwLockStatistics {
    /// How many read, who may upgrade included.
    pub readers: usize,
    /// Whether one of those who read may upgrade.
    pub has_upgradable_reader: bool,
    /// Whether somebody writes.
    pub has_writer: bool,
    /// How many waited.
    pub tasks_waiting: usize,
}

bowerbird_base::model_or_real! {
    {
        #[cfg(test)]
        mod loom_tests;
    }
    {
        #[cfg(test)]
        mod tests;
    }
}
