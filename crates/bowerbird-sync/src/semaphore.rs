//! A number of permits that tasks take and give back.
//!
//! # Ordering arguments
//! - `[ORD-1]` The number of forgotten permits is a number and nothing else: Relaxed. Who gives one back took it
//!   off the number by a read-modify-write before, so no two give back the same.

use std::fmt;
use std::sync::Arc;

use bowerbird_base::ledger::Line;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};

use crate::block_on::block_on;
use crate::leaf::Leaf;
use crate::permits::{MOST, Permits, Refused};

mod bounded;
mod permit;
mod wait;

pub use bounded::{BoundedSemaphore, OverReleaseError};
pub use permit::{OwnedSemaphorePermit, SemaphorePermit};
pub use wait::{Acquire, AcquireError, AcquireOwned, TryAcquireError};

/// What waits and holds are called in the call graph.
const KIND: &str = "semaphore";

/// A number of permits: who has one may go on, the others wait.
///
/// asyncio: `asyncio.Semaphore`. This one may be used from any thread; a permit is a value that gives itself back
/// when it is dropped, so that there is no `release` to forget.
///
/// First come, first served: who calls while others wait goes behind them, and who wants many permits is not
/// overtaken by who wants few. Permits that are given back are handed to who waited longest; see
/// [`Lock`](crate::Lock) for what that means for a future that nobody polls. Who was handed a permit no longer waits:
/// another one that is free may be taken before it has run.
///
/// # Examples
/// ```
/// use bowerbird::sync::Semaphore;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let at_most_two = Arc::new(Semaphore::new(2));
///     let tasks: Vec<_> = (0..10)
///         .map(|number| {
///             let semaphore = at_most_two.clone();
///             bowerbird::spawn(async move {
///                 let _permit = semaphore.acquire().await.unwrap();
///                 bowerbird::yield_now().await;
///                 number
///             })
///         })
///         .collect();
///     let mut sum = 0;
///     for task in tasks {
///         sum += task.await.unwrap();
///     }
///     assert_eq!((sum, at_most_two.available_permits()), (45, 2));
/// });
/// ```
pub struct Semaphore {
    permits: Permits,
    /// How many were taken for good by [`SemaphorePermit::forget`]; what a `BoundedSemaphore` may release.
    forgotten: AtomicUsize,
    /// Whether it is the one of a `BoundedSemaphore`, which an owned permit leads to.
    is_bounded: bool,
}

impl Semaphore {
    /// The most permits that can be free at a time.
    pub const MAX_PERMITS: usize = MOST;

    bowerbird_base::const_fn! {
        /// Makes a semaphore with so many permits.
        ///
        /// # Panics
        /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
        ///
        /// # Examples
        /// ```
        /// use bowerbird::sync::Semaphore;
        ///
        /// static DOWNLOADS: Semaphore = Semaphore::new(4);
        /// assert_eq!(DOWNLOADS.available_permits(), 4);
        /// ```
        #[track_caller]
        pub fn new(permits: usize) -> Self {
            assert!(permits <= MOST, "Semaphore::new() with more than Semaphore::MAX_PERMITS permits");
            Self { permits: Permits::new(permits), forgotten: AtomicUsize::new(0), is_bounded: false }
        }
    }

    /// Waits for a permit.
    ///
    /// asyncio: `Semaphore.acquire`, and `async with semaphore`. Ready at once, without a suspension, when a permit
    /// is free and nobody waits.
    ///
    /// # Cancel safety
    /// A wait that is dropped leaves the queue; a permit that it was handed goes to the next. Who calls again goes
    /// behind those who wait.
    ///
    /// # Errors
    /// When the semaphore is closed, now or before the permit is there.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::Semaphore::new(1);
    ///     let permit = semaphore.acquire().await.unwrap();
    ///     assert!(semaphore.is_locked());
    ///     drop(permit);
    ///     assert!(!semaphore.is_locked());
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        Acquire::new(self, 1, Leaf::of("Semaphore::acquire"))
    }

    /// Waits for so many permits, and takes them together.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire): all or none.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// If they are more than [`MAX_PERMITS`](Self::MAX_PERMITS), so that they could never be there.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::Semaphore::new(5);
    ///     let permit = semaphore.acquire_many(3).await.unwrap();
    ///     assert_eq!((permit.count(), semaphore.available_permits()), (3, 2));
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> Acquire<'_> {
        Acquire::new(self, can_be_there(count), Leaf::of("Semaphore::acquire_many"))
    }

    /// Waits for a permit that borrows nothing.
    ///
    /// asyncio: as [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire).
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Semaphore;
    ///
    /// bowerbird::run(async {
    ///     let semaphore = std::sync::Arc::new(Semaphore::new(1));
    ///     let permit = semaphore.acquire_owned().await.unwrap();
    ///     bowerbird::spawn(async move { drop(permit) }).await.unwrap();
    ///     assert_eq!(semaphore.available_permits(), 1);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_owned(self: &Arc<Self>) -> AcquireOwned {
        AcquireOwned::new(Arc::clone(self), 1, Leaf::of("Semaphore::acquire_owned"))
    }

    /// Waits for so many permits that borrow nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`acquire`](Self::acquire): all or none.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// As [`acquire_many`](Self::acquire_many).
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(5));
    ///     let permit = semaphore.acquire_many_owned(3).await.unwrap();
    ///     assert_eq!(permit.count(), 3);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_many_owned(self: &Arc<Self>, count: usize) -> AcquireOwned {
        AcquireOwned::new(
            Arc::clone(self),
            can_be_there(count),
            Leaf::of("Semaphore::acquire_many_owned"),
        )
    }

    /// Takes a permit, if one is free and nobody waits.
    ///
    /// asyncio: no counterpart; there, `if not semaphore.locked()` before an `acquire` says the same.
    ///
    /// # Errors
    /// When no permit is free, others wait, or the semaphore is closed.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Semaphore, TryAcquireError};
    ///
    /// let semaphore = Semaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    /// # drop(permit);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_acquire_many(1)
    }

    /// Takes so many permits, if they are free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(5);
    /// let permit = semaphore.try_acquire_many(3).unwrap();
    /// assert!(semaphore.try_acquire_many(3).is_err());
    /// # drop(permit);
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.try_take(count)?;
        Ok(SemaphorePermit::new(self, count, self.hold(&Leaf::new())))
    }

    /// Takes a permit that borrows nothing, if one is free and nobody waits.
    ///
    /// asyncio: as [`try_acquire`](Self::try_acquire).
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(1));
    /// let permit = semaphore.try_acquire_owned().unwrap();
    /// assert!(semaphore.try_acquire_owned().is_err());
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn try_acquire_owned(self: &Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_acquire_many_owned(1)
    }

    /// Takes so many permits that borrow nothing, if they are free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`try_acquire`](Self::try_acquire).
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(3));
    /// assert_eq!(semaphore.try_acquire_many_owned(2).unwrap().count(), 2);
    /// ```
    #[track_caller]
    pub fn try_acquire_many_owned(
        self: &Arc<Self>,
        count: usize,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.try_take(count)?;
        Ok(OwnedSemaphorePermit::new(Arc::clone(self), count, self.hold(&Leaf::new())))
    }

    /// Blocks this thread until it has a permit. For threads that run no task.
    ///
    /// asyncio: no counterpart; `asyncio.Semaphore` is of one thread.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(2);
    /// let permit = semaphore.blocking_acquire().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        block_on(self.acquire(), "Semaphore::blocking_acquire()", "await `acquire()` there")
    }

    /// Blocks this thread until it has so many permits. For threads that run no task.
    ///
    /// asyncio: no counterpart; `asyncio.Semaphore` is of one thread.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// Inside a task; and as [`acquire_many`](Self::acquire_many).
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(2);
    /// let permit = semaphore.blocking_acquire_many(2).unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn blocking_acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, AcquireError> {
        block_on(
            self.acquire_many(count),
            "Semaphore::blocking_acquire_many()",
            "await `acquire_many()` there",
        )
    }

    /// Blocks this thread until it has a permit that borrows nothing. For threads that run no task.
    ///
    /// asyncio: no counterpart; `asyncio.Semaphore` is of one thread.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(2));
    /// let permit = semaphore.blocking_acquire_owned().unwrap();
    /// assert_eq!(semaphore.available_permits(), 1);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn blocking_acquire_owned(self: &Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        block_on(
            self.acquire_owned(),
            "Semaphore::blocking_acquire_owned()",
            "await `acquire_owned()` there",
        )
    }

    /// Blocks this thread until it has so many permits that borrow nothing. For threads that run no task.
    ///
    /// asyncio: no counterpart; `asyncio.Semaphore` is of one thread.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// Inside a task; and as [`acquire_many`](Self::acquire_many).
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(2));
    /// let permit = semaphore.blocking_acquire_many_owned(2).unwrap();
    /// assert_eq!(semaphore.available_permits(), 0);
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn blocking_acquire_many_owned(
        self: &Arc<Self>,
        count: usize,
    ) -> Result<OwnedSemaphorePermit, AcquireError> {
        block_on(
            self.acquire_many_owned(count),
            "Semaphore::blocking_acquire_many_owned()",
            "await `acquire_many_owned()` there",
        )
    }

    /// Adds so many permits to those that there are.
    ///
    /// asyncio: `Semaphore.release`, called for a permit that is not there to be dropped: one that was
    /// [forgotten](SemaphorePermit::forget), or a new one.
    ///
    /// # Panics
    /// If more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be free; or of the semaphore of a [`BoundedSemaphore`],
    /// to which [`OwnedSemaphorePermit::semaphore`] leads.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(0);
    /// semaphore.add_permits(2);
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[doc(alias = "release")]
    #[track_caller]
    pub fn add_permits(&self, count: usize) {
        assert!(
            !self.is_bounded,
            "Semaphore::add_permits({count}) on the semaphore of a BoundedSemaphore, which never has more permits than \
             at its beginning; call BoundedSemaphore::release() for one that was forgotten"
        );
        assert!(
            self.permits.try_give(count, MOST),
            "Semaphore::add_permits({count}) would make more than Semaphore::MAX_PERMITS permits"
        );
    }

    /// Takes up to so many of the free permits away for good, and says how many.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(3);
    /// assert_eq!(semaphore.forget_permits(2), 2);
    /// assert_eq!(semaphore.forget_permits(2), 1);
    /// ```
    pub fn forget_permits(&self, count: usize) -> usize {
        self.permits.take_up_to(count)
    }

    /// Refuses all who wait and all who come. What was taken may be given back.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::Semaphore::new(1);
    ///     semaphore.close();
    ///     assert!(semaphore.acquire().await.is_err());
    /// });
    /// ```
    pub fn close(&self) {
        self.permits.close();
    }

    /// Returns whether the semaphore is closed.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }

    /// Returns how many permits are free.
    ///
    /// asyncio: no public counterpart (`Semaphore._value`).
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Semaphore::new(3).available_permits(), 3);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.permits.free()
    }

    /// Returns whether who calls [`acquire`](Self::acquire) now would wait: no permit is free, or others wait.
    ///
    /// asyncio: `Semaphore.locked`.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::Semaphore::new(0).is_locked());
    /// ```
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.permits.free() == 0 || self.permits.is_waited_for()
    }

    /// Says how things stand.
    ///
    /// asyncio: no counterpart. trio: `Semaphore.statistics`.
    ///
    /// # Examples
    /// ```
    /// let statistics = bowerbird::sync::Semaphore::new(3).statistics();
    /// assert_eq!((statistics.available_permits, statistics.tasks_waiting), (3, 0));
    /// ```
    pub fn statistics(&self) -> SemaphoreStatistics {
        SemaphoreStatistics {
            available_permits: self.available_permits(),
            tasks_waiting: self.permits.waiting(),
            is_closed: self.is_closed(),
        }
    }

    /// The ledger's line of permits that `leaf` has asked for.
    #[inline]
    fn hold(&self, leaf: &Leaf) -> Line {
        leaf.hold(KIND, self)
    }

    #[inline]
    fn try_take(&self, count: usize) -> Result<(), TryAcquireError> {
        self.permits.try_take(count).map_err(|refused| match refused {
            Refused::NotFree => TryAcquireError::NoPermits,
            Refused::Closed => TryAcquireError::Closed,
        })
    }

    /// Gives permits back. Those that no semaphore can have, after an `add_permits` near the limit, are no more.
    #[inline]
    fn give(&self, count: usize) {
        let _fits = self.permits.try_give(count, MOST);
    }

    /// Counts permits that no value gives back any more.
    fn count_forgotten(&self, count: usize) {
        // [ORD-1]
        self.forgotten.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes one off the forgotten ones, if there is one.
    fn recall_forgotten(&self) -> bool {
        let one_less = |count: usize| count.checked_sub(1);
        // [ORD-1]
        self.forgotten.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_less).is_ok()
    }
}

#[track_caller]
fn can_be_there(count: usize) -> usize {
    assert!(count <= MOST, "{count} permits are more than Semaphore::MAX_PERMITS");
    count
}

/// One permit, as in asyncio.
impl Default for Semaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Semaphore");
        text.field("available_permits", &self.available_permits());
        if let Some(waiting) = self.permits.try_waiting() {
            text.field("tasks_waiting", &waiting);
        }
        text.field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}

/// How things stood at a [`Semaphore`], see [`Semaphore::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SemaphoreStatistics {
    /// How many permits were free.
    pub available_permits: usize,
    /// How many waited for permits.
    pub tasks_waiting: usize,
    /// Whether it was closed.
    pub is_closed: bool,
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
