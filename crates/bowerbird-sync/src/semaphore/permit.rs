//! Permits as values: who has one has taken so many of the semaphore's.

use std::fmt;
use std::mem;
use std::sync::Arc;

use bowerbird_base::ledger::Line;

use super::Semaphore;
use crate::leaf::Leaf;

/// Permits of a [`Semaphore`], given back on drop, see [`Semaphore::acquire`].
///
/// asyncio: what `async with semaphore` does.
#[must_use = "the permits are given back when this is dropped"]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    count: usize,
    _line: Line,
}

impl<'a> SemaphorePermit<'a> {
    #[inline]
    pub(super) fn new(semaphore: &'a Semaphore, count: usize, line: Line) -> Self {
        Self { semaphore, count, _line: line }
    }

    /// Returns how many permits it is.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(3);
    /// assert_eq!(semaphore.try_acquire_many(2).unwrap().count(), 2);
    /// ```
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes the permits of `other` into this one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// If they are of different semaphores; `other` is then given back.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(3);
    /// let mut permit = semaphore.try_acquire().unwrap();
    /// permit.merge(semaphore.try_acquire_many(2).unwrap());
    /// assert_eq!(permit.count(), 3);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert_same(std::ptr::eq(self.semaphore, other.semaphore));
        self.count += mem::take(&mut other.count);
    }

    /// Takes so many permits out of this one, if it has them.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(3);
    /// let mut permit = semaphore.try_acquire_many(3).unwrap();
    /// drop(permit.split(2).unwrap());
    /// assert_eq!((permit.count(), semaphore.available_permits()), (1, 2));
    /// assert!(permit.split(2).is_none());
    /// ```
    #[track_caller]
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        Some(Self::new(self.semaphore, count, self.semaphore.hold(&Leaf::new())))
    }

    /// Takes the permits away for good: they are not given back. [`Semaphore::add_permits`] makes new ones.
    ///
    /// asyncio: an `acquire` without its `release`.
    ///
    /// # Examples
    /// ```
    /// let semaphore = bowerbird::sync::Semaphore::new(3);
    /// semaphore.try_acquire().unwrap().forget();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    pub fn forget(mut self) {
        self.semaphore.count_forgotten(mem::take(&mut self.count));
    }
}

impl fmt::Debug for SemaphorePermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("SemaphorePermit", self.count, self.semaphore, f)
    }
}

impl Drop for SemaphorePermit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.semaphore.give(self.count);
    }
}

/// Permits of a [`Semaphore`] that borrow nothing, given back on drop, see [`Semaphore::acquire_owned`].
///
/// asyncio: as [`SemaphorePermit`].
#[must_use = "the permits are given back when this is dropped"]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    count: usize,
    _line: Line,
}

impl OwnedSemaphorePermit {
    pub(super) fn new(semaphore: Arc<Semaphore>, count: usize, line: Line) -> Self {
        Self { semaphore, count, _line: line }
    }

    /// Returns how many permits it is.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(3));
    /// assert_eq!(semaphore.try_acquire_many_owned(2).unwrap().count(), 2);
    /// ```
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the semaphore that the permits are of.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    ///
    /// let semaphore = Arc::new(bowerbird::sync::Semaphore::new(3));
    /// let permit = semaphore.try_acquire_owned().unwrap();
    /// assert!(Arc::ptr_eq(permit.semaphore(), &semaphore));
    /// ```
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// Takes the permits of `other` into this one.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// If they are of different semaphores; `other` is then given back.
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(3));
    /// let mut permit = semaphore.try_acquire_owned().unwrap();
    /// permit.merge(semaphore.try_acquire_owned().unwrap());
    /// assert_eq!(permit.count(), 2);
    /// ```
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert_same(Arc::ptr_eq(&self.semaphore, &other.semaphore));
        self.count += mem::take(&mut other.count);
    }

    /// Takes so many permits out of this one, if it has them.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(3));
    /// let mut permit = semaphore.try_acquire_many_owned(3).unwrap();
    /// drop(permit.split(2).unwrap());
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    #[track_caller]
    pub fn split(&mut self, count: usize) -> Option<Self> {
        self.count = self.count.checked_sub(count)?;
        let line = self.semaphore.hold(&Leaf::new());
        Some(Self::new(Arc::clone(&self.semaphore), count, line))
    }

    /// Takes the permits away for good: they are not given back. [`Semaphore::add_permits`] makes new ones.
    ///
    /// asyncio: an `acquire` without its `release`.
    ///
    /// # Examples
    /// ```
    /// let semaphore = std::sync::Arc::new(bowerbird::sync::Semaphore::new(3));
    /// semaphore.try_acquire_owned().unwrap().forget();
    /// assert_eq!(semaphore.available_permits(), 2);
    /// ```
    pub fn forget(mut self) {
        self.semaphore.count_forgotten(mem::take(&mut self.count));
    }
}

impl fmt::Debug for OwnedSemaphorePermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug("OwnedSemaphorePermit", self.count, &self.semaphore, f)
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.give(self.count);
    }
}

fn debug(
    name: &str,
    count: usize,
    semaphore: &Semaphore,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut text = f.debug_struct(name);
    text.field("count", &count).field("semaphore", semaphore).finish_non_exhaustive()
}

#[track_caller]
fn assert_same(is_same: bool) {
    assert!(is_same, "merge() of permits of two semaphores: each gives its own back");
}
