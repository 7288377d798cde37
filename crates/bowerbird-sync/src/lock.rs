//! A lock that may be held across an await.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;

use crate::block_on::block_on;
use crate::held::{Alone, Guarded, Hold, One, Wait};
use crate::leaf::Leaf;
use crate::permits::Permits;

mod guards;

pub use guards::{LockGuard, MappedLockGuard, OwnedLockGuard, OwnedMappedLockGuard};

/// A value that one task reaches at a time, who may await while it does.
///
/// asyncio: `asyncio.Lock`. This one has the value inside, may be used from any thread, and is unlocked by the
/// drop of its guard, so that there is no `release` to forget or to call too often.
///
/// First come, first served: who calls while others wait goes behind them. The guard that is dropped hands the
/// lock to who waited longest, so nobody passes by, and nobody starves. A panic under the lock does not poison it.
///
/// Where no await stands between lock and unlock, a `std::sync::Mutex` is cheaper and does as well.
///
/// # A lock that is handed over to a future that nobody polls
/// A lock that is handed over belongs to the waiting future, polled or not. A task that keeps such a future
/// without polling it, and awaits something else that needs the lock, waits for itself:
/// ```text
/// let mut first = pin!(work(&lock));                  // waits for the lock
/// select((&mut first, sleep(short))).await;           // the sleep wins, `first` is only borrowed
/// work(&lock).await;                                  // the lock goes to `first`, which nobody polls
/// ```
/// Drop the future before the next await, or give it to a task of its own (`spawn`), which polls it. Debug mode
/// tells of a lock that was handed over in this way (`UnhandledKind::Futurelock`), with the task's name and the
/// line that made the future, and the call graph shows who holds it. Oxide's engineers, who
/// met it first, call it a futurelock (oxidecomputer/omicron, issue 9259).
///
/// # Examples
/// ```
/// use bowerbird::sync::Lock;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let lock = Arc::new(Lock::new(0));
///     let tasks: Vec<_> = (0..10)
///         .map(|_| {
///             let lock = lock.clone();
///             bowerbird::spawn(async move {
///                 let mut guard = lock.lock().await;
///                 let before = *guard;
///                 bowerbird::yield_now().await;
///                 *guard = before + 1;
///             })
///         })
///         .collect();
///     for task in tasks {
///         task.await.unwrap();
///     }
///     assert_eq!(*lock.lock().await, 10);
/// });
/// ```
#[doc(alias = "Mutex")]
pub struct Lock<T: ?Sized> {
    guarded: Guarded<T, One>,
}

impl<T> Lock<T> {
    bowerbird_base::const_fn! {
        /// Makes a lock around `value`, unlocked.
        ///
        /// # Examples
        /// ```
        /// use bowerbird::sync::Lock;
        ///
        /// static COUNT: Lock<u32> = Lock::new(0);
        /// assert!(!COUNT.is_locked());
        /// ```
        pub fn new(value: T) -> Self {
            Self { guarded: Guarded::new(value) }
        }
    }

    /// Gives the value.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::Lock::new("value");
    /// assert_eq!(lock.into_inner(), "value");
    /// ```
    pub fn into_inner(self) -> T {
        self.guarded.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits for the lock.
    ///
    /// asyncio: `Lock.acquire`, and `async with lock`. Ready at once, without a suspension, when the lock is free
    /// and nobody waits.
    ///
    /// # Cancel safety
    /// A wait that is dropped leaves the queue; a lock that it was handed goes to the next. Who calls again goes
    /// behind those who wait.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lock = bowerbird::sync::Lock::new(1);
    ///     *lock.lock().await += 1;
    ///     assert_eq!(*lock.lock().await, 2);
    /// });
    /// ```
    #[doc(alias = "acquire")]
    #[track_caller]
    #[inline]
    pub fn lock(&self) -> LockWait<'_, T> {
        LockWait { lock: self, wait: Wait::new(&self.guarded, Leaf::of("Lock::lock")) }
    }

    /// As [`lock`](Self::lock), for a wait inside another one that the user's code made at `location`.
    pub(crate) fn lock_from(&self, location: &'static Location<'static>) -> LockWait<'_, T> {
        LockWait { lock: self, wait: Wait::new(&self.guarded, Leaf::at(location)) }
    }

    /// As [`lock_owned`](Self::lock_owned), for a wait inside another one that the user's code made at `location`.
    pub(crate) fn lock_owned_from(
        self: Arc<Self>,
        location: &'static Location<'static>,
    ) -> LockOwned<T> {
        LockOwned(Wait::new(self, Leaf::at(location)))
    }

    /// Where it is: what tells one lock from another.
    pub(crate) fn address(&self) -> usize {
        std::ptr::from_ref(self).cast::<()>().addr()
    }

    /// Waits for the lock, and gives a guard that borrows nothing.
    ///
    /// asyncio: as [`lock`](Self::lock).
    ///
    /// # Cancel safety
    /// As [`lock`](Self::lock).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Lock;
    /// use std::sync::Arc;
    ///
    /// bowerbird::run(async {
    ///     let lock = Arc::new(Lock::new(1));
    ///     let mut guard = lock.lock_owned().await;
    ///     bowerbird::spawn(async move { *guard += 1 }).await.unwrap();
    ///     assert_eq!(*lock.lock().await, 2);
    /// });
    /// ```
    #[track_caller]
    pub fn lock_owned(self: &Arc<Self>) -> LockOwned<T> {
        LockOwned(Wait::new(Arc::clone(self), Leaf::of("Lock::lock_owned")))
    }

    /// Takes the lock, if it is free and nobody waits for it.
    ///
    /// asyncio: no counterpart; between two awaits nobody else can lock there.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::Lock::new(1);
    /// let guard = lock.try_lock();
    /// assert!(guard.is_some() && lock.try_lock().is_none());
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> Option<LockGuard<'_, T>> {
        let hold = Hold::try_take(&self.guarded)?;
        Some(LockGuard::new(self, hold))
    }

    /// Takes the lock, if it is free and nobody waits for it, and gives a guard that borrows nothing.
    ///
    /// asyncio: as [`try_lock`](Self::try_lock).
    ///
    /// # Examples
    /// ```
    /// let lock = std::sync::Arc::new(bowerbird::sync::Lock::new(1));
    /// let guard = lock.try_lock_owned();
    /// assert!(guard.is_some() && lock.try_lock_owned().is_none());
    /// ```
    #[track_caller]
    pub fn try_lock_owned(self: &Arc<Self>) -> Option<OwnedLockGuard<T>> {
        // Not cloned for nothing.
        if self.is_locked() {
            return None;
        }
        let hold = Hold::try_take(Arc::clone(self))?;
        Some(OwnedLockGuard::new(hold))
    }

    /// Blocks this thread until it has the lock. For threads that run no task.
    ///
    /// asyncio: no counterpart; `asyncio.Lock` is of one thread.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::Lock::new(1);
    /// *lock.blocking_lock() += 1;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    #[track_caller]
    pub fn blocking_lock(&self) -> LockGuard<'_, T> {
        block_on(self.lock(), "Lock::blocking_lock()", "await `lock()` there")
    }

    /// Blocks this thread until it has the lock, and gives a guard that borrows nothing.
    ///
    /// asyncio: as [`blocking_lock`](Self::blocking_lock).
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let lock = std::sync::Arc::new(bowerbird::sync::Lock::new(1));
    /// let guard = lock.blocking_lock_owned();
    /// assert!(lock.is_locked());
    /// # drop(guard);
    /// ```
    #[track_caller]
    pub fn blocking_lock_owned(self: &Arc<Self>) -> OwnedLockGuard<T> {
        block_on(self.lock_owned(), "Lock::blocking_lock_owned()", "await `lock_owned()` there")
    }

    /// Returns whether somebody has the lock, or it is being handed over.
    ///
    /// asyncio: `Lock.locked`. Between a release and the turn of who waits first it is `False` there; here the
    /// lock is handed over, and stays locked.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::Lock::new(());
    /// let guard = lock.try_lock().unwrap();
    /// assert!(lock.is_locked());
    /// drop(guard);
    /// assert!(!lock.is_locked());
    /// ```
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.permits().free() == 0
    }

    /// Reaches the value without locking: who has `&mut` is alone.
    ///
    /// # Examples
    /// ```
    /// let mut lock = bowerbird::sync::Lock::new(1);
    /// *lock.get_mut() = 2;
    /// assert_eq!(lock.into_inner(), 2);
    /// ```
    pub fn get_mut(&mut self) -> &mut T {
        self.guarded.get_mut()
    }

    /// Says how things stand.
    ///
    /// asyncio: no counterpart. trio: `Lock.statistics`.
    ///
    /// # Examples
    /// ```
    /// let lock = bowerbird::sync::Lock::new(());
    /// assert_eq!(lock.statistics().tasks_waiting, 0);
    /// ```
    pub fn statistics(&self) -> LockStatistics {
        LockStatistics { is_locked: self.is_locked(), tasks_waiting: self.permits().waiting() }
    }

    #[inline]
    pub(crate) fn guarded(&self) -> &Guarded<T, One> {
        &self.guarded
    }

    fn permits(&self) -> &Permits {
        self.guarded.permits()
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// Never blocks, and never takes the lock, so that looking changes nothing.
impl<T: ?Sized> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Lock");
        text.field("is_locked", &self.is_locked());
        if let Some(waiting) = self.permits().try_waiting() {
            text.field("tasks_waiting", &waiting);
        }
        text.finish_non_exhaustive()
    }
}

/// How things stood at a [`Lock`], see [`Lock::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockStatistics {
    /// Whether somebody had the lock.
    pub is_locked: bool,
    /// How many waited for it.
    pub tasks_waiting: usize,
}

/// Waits for a [`Lock`], see [`Lock::lock`].
#[must_use = "futures do nothing unless awaited"]
pub struct LockWait<'a, T: ?Sized> {
    lock: &'a Lock<T>,
    wait: Wait<&'a Guarded<T, One>, Alone>,
}

impl<'a, T: ?Sized> Future for LockWait<'a, T> {
    type Output = LockGuard<'a, T>;

    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LockGuard<'a, T>> {
        let this = &mut *self;
        this.wait.poll(cx).map(|hold| LockGuard::new(this.lock, hold))
    }
}

impl<T: ?Sized> CancelSafe for LockWait<'_, T> {}

impl<T: ?Sized> fmt::Debug for LockWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockWait").field(&self.wait).finish()
    }
}

/// Waits for a [`Lock`], see [`Lock::lock_owned`].
#[must_use = "futures do nothing unless awaited"]
pub struct LockOwned<T: ?Sized>(Wait<Arc<Lock<T>>, Alone>);

impl<T: ?Sized> Future for LockOwned<T> {
    type Output = OwnedLockGuard<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<OwnedLockGuard<T>> {
        self.0.poll(cx).map(OwnedLockGuard::new)
    }
}

impl<T: ?Sized> CancelSafe for LockOwned<T> {}

impl<T: ?Sized> fmt::Debug for LockOwned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockOwned").field(&self.0).finish()
    }
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
