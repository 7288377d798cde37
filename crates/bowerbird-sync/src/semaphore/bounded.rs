//! A semaphore that never has more permits than at its beginning.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use super::{
    Acquire, AcquireError, AcquireOwned, OwnedSemaphorePermit, Semaphore, SemaphorePermit,
    SemaphoreStatistics, TryAcquireError,
};

/// A [`Semaphore`] whose permits cannot become more.
///
/// asyncio: `asyncio.BoundedSemaphore`. A permit is a value here, which cannot be given back twice, so most programs
/// do as well with a [`Semaphore`]. This one is for those that [forget](SemaphorePermit::forget) permits and
/// [`release`](Self::release) them somewhere else: a release too many is an error at once, and not, as in asyncio,
/// when all others happen to be free.
///
/// # Examples
/// ```
/// use bowerbird::sync::BoundedSemaphore;
///
/// bowerbird::run(async {
///     let connections = BoundedSemaphore::new(2);
///     connections.acquire().await.unwrap().forget();   // handed to somebody who calls back
///     connections.release().unwrap();                  // it did
///     let error = connections.release().unwrap_err();  // and did again
///     assert_eq!(error.limit(), 2);
/// });
/// ```
#[derive(Debug)]
pub struct BoundedSemaphore {
    /// Its own allocation, for owned permits: they are the plain semaphore's.
    semaphore: Arc<Semaphore>,
    limit: usize,
}

impl BoundedSemaphore {
    /// Makes a semaphore with so many permits, and never more.
    ///
    /// # Panics
    /// If they are more than [`Semaphore::MAX_PERMITS`].
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::BoundedSemaphore::new(3).limit(), 3);
    /// ```
    #[track_caller]
    pub fn new(limit: usize) -> Self {
        let semaphore = Semaphore { is_bounded: true, ..Semaphore::new(limit) };
        Self { semaphore: Arc::new(semaphore), limit }
    }

    /// Waits for a permit.
    ///
    /// asyncio: `BoundedSemaphore.acquire`.
    ///
    /// # Cancel safety
    /// As [`Semaphore::acquire`].
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    ///     let permit = semaphore.acquire().await.unwrap();
    ///     assert!(semaphore.is_locked());
    /// #   drop(permit);
    /// });
    /// ```
    #[track_caller]
    #[inline]
    pub fn acquire(&self) -> Acquire<'_> {
        self.semaphore.acquire()
    }

    /// Waits for so many permits, and takes them together.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`Semaphore::acquire`]: all or none.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// If they are more than the [limit](Self::limit), so that they could never be there.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::BoundedSemaphore::new(3);
    ///     assert_eq!(semaphore.acquire_many(2).await.unwrap().count(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_many(&self, count: usize) -> Acquire<'_> {
        self.assert_possible(count);
        self.semaphore.acquire_many(count)
    }

    /// Waits for a permit that borrows nothing.
    ///
    /// asyncio: as [`acquire`](Self::acquire).
    ///
    /// # Cancel safety
    /// As [`Semaphore::acquire`].
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    ///     let permit = semaphore.acquire_owned().await.unwrap();
    ///     bowerbird::spawn(async move { drop(permit) }).await.unwrap();
    ///     assert!(!semaphore.is_locked());
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_owned(&self) -> AcquireOwned {
        self.semaphore.acquire_owned()
    }

    /// Waits for so many permits that borrow nothing.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Cancel safety
    /// As [`Semaphore::acquire`]: all or none.
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
    ///     let semaphore = bowerbird::sync::BoundedSemaphore::new(2);
    ///     assert_eq!(semaphore.acquire_many_owned(2).await.unwrap().count(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn acquire_many_owned(&self, count: usize) -> AcquireOwned {
        self.assert_possible(count);
        self.semaphore.acquire_many_owned(count)
    }

    /// Takes a permit, if one is free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`Semaphore::try_acquire`].
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.try_acquire().is_err());
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.try_acquire()
    }

    /// Takes so many permits, if they are free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`Semaphore::try_acquire`].
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(3);
    /// assert_eq!(semaphore.try_acquire_many(2).unwrap().count(), 2);
    /// ```
    #[track_caller]
    pub fn try_acquire_many(&self, count: usize) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.semaphore.try_acquire_many(count)
    }

    /// Takes a permit that borrows nothing, if one is free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`Semaphore::try_acquire`].
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    /// let permit = semaphore.try_acquire_owned().unwrap();
    /// assert!(semaphore.is_locked());
    /// # drop(permit);
    /// ```
    #[track_caller]
    pub fn try_acquire_owned(&self) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.semaphore.try_acquire_owned()
    }

    /// Takes so many permits that borrow nothing, if they are free and nobody waits.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// As [`Semaphore::try_acquire`].
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(3);
    /// assert_eq!(semaphore.try_acquire_many_owned(2).unwrap().count(), 2);
    /// ```
    #[track_caller]
    pub fn try_acquire_many_owned(
        &self,
        count: usize,
    ) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.semaphore.try_acquire_many_owned(count)
    }

    /// Blocks this thread until it has a permit. For threads that run no task.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Errors
    /// When the semaphore is closed.
    ///
    /// # Panics
    /// Inside a task.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    /// assert_eq!(semaphore.blocking_acquire().unwrap().count(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        self.semaphore.blocking_acquire()
    }

    /// Gives back a permit that was forgotten.
    ///
    /// asyncio: `BoundedSemaphore.release`.
    ///
    /// # Errors
    /// When none is out but those that give themselves back: `ValueError` there. Nothing is changed then.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    /// let permit = semaphore.try_acquire().unwrap();
    /// assert!(semaphore.release().is_err());
    /// permit.forget();
    /// assert!(semaphore.release().is_ok());
    /// ```
    pub fn release(&self) -> Result<(), OverReleaseError> {
        if !self.semaphore.recall_forgotten() {
            return Err(OverReleaseError { limit: self.limit });
        }
        self.semaphore.give(1);
        Ok(())
    }

    /// Returns how many permits there are, free and taken.
    ///
    /// asyncio: no public counterpart (`BoundedSemaphore._bound_value`).
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::BoundedSemaphore::new(3).limit(), 3);
    /// ```
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many permits are free.
    ///
    /// asyncio: no public counterpart (`BoundedSemaphore._value`).
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::BoundedSemaphore::new(3).available_permits(), 3);
    /// ```
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }

    /// Returns whether who calls [`acquire`](Self::acquire) now would wait: no permit is free, or others wait.
    ///
    /// asyncio: `BoundedSemaphore.locked`.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::BoundedSemaphore::new(0).is_locked());
    /// ```
    #[doc(alias = "locked")]
    pub fn is_locked(&self) -> bool {
        self.semaphore.is_locked()
    }

    /// Refuses all who wait and all who come. What was taken may be given back.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(1);
    /// semaphore.close();
    /// assert!(semaphore.try_acquire().is_err());
    /// ```
    pub fn close(&self) {
        self.semaphore.close();
    }

    /// Returns whether the semaphore is closed.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// assert!(!bowerbird::sync::BoundedSemaphore::new(1).is_closed());
    /// ```
    pub fn is_closed(&self) -> bool {
        self.semaphore.is_closed()
    }

    /// Says how things stand.
    ///
    /// asyncio: no counterpart. trio: `Semaphore.statistics`.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(3);
    /// assert_eq!(semaphore.statistics().available_permits, 3);
    /// ```
    pub fn statistics(&self) -> SemaphoreStatistics {
        self.semaphore.statistics()
    }

    #[track_caller]
    fn assert_possible(&self, count: usize) {
        let limit = self.limit;
        assert!(
            count <= limit,
            "{count} permits are more than the {limit} of this BoundedSemaphore"
        );
    }
}

/// One permit, as in asyncio.
impl Default for BoundedSemaphore {
    fn default() -> Self {
        Self::new(1)
    }
}

/// A [`BoundedSemaphore`] was released more often than permits were forgotten, see [`BoundedSemaphore::release`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OverReleaseError {
    limit: usize,
}

impl OverReleaseError {
    /// Returns how many permits the semaphore has.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::BoundedSemaphore::new(3);
    /// assert_eq!(semaphore.release().unwrap_err().limit(), 3);
    /// ```
    pub fn limit(&self) -> usize {
        self.limit
    }
}

impl fmt::Display for OverReleaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.limit;
        write!(
            f,
            "BoundedSemaphore released too often: each of its {limit} permits is free, or is held by a permit that \
             gives it back when it is dropped; call `forget()` on a permit before `release()`"
        )
    }
}

impl Error for OverReleaseError {}
