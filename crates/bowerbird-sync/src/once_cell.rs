//! A value that is made once, by whoever needs it first.
//!
//! One permit is the right to make it; who needs the value meanwhile waits for that permit. Whoever has it and is
//! cancelled, fails or panics gives it on with its drop. When the value is there the permits are closed, which ends
//! all waits. Without unsafe code: the value is in a `std::sync::OnceLock`, which only the holder of the permit sets.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::const_fn;

use crate::block_on::block_on;
use crate::event::{Event, EventWait};
use crate::leaf::Leaf;
use crate::permits::{Closed, Permits, Refused};
use crate::wait_list::Key;

/// A value that is set once, and made by the first who needs it.
///
/// asyncio: none; a lock around a check there. The word is that of std and Tokio.
///
/// Many may call [`get_or_init`](Self::get_or_init) at a time: one runs its initialiser, the others wait for the value. If
/// that one is cancelled or panics, or if its initialiser fails, the next runs its own.
///
/// # Examples
/// ```
/// use bowerbird::sync::OnceCell;
///
/// static ADDRESS: OnceCell<String> = OnceCell::new();
///
/// async fn address() -> &'static str {
///     ADDRESS.get_or_init(async || "localhost:80".to_owned()).await
/// }
///
/// bowerbird::run(async {
///     let (one, other) = bowerbird::join((address(), address())).await;
///     assert!(std::ptr::eq(one, other));
/// });
/// ```
pub struct OnceCell<T> {
    value: OnceLock<T>,
    /// One permit, the right to make the value; closed when it is there.
    right: Permits,
    /// Set when the value is there.
    is_there: Event,
}

/// How things stood at a [`OnceCell`], see [`OnceCell::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OnceCellStatistics {
    /// Whether the value was there.
    pub is_set: bool,
    /// Whether somebody was making it.
    pub is_initializing: bool,
    /// How many waited for it, or to make it.
    pub tasks_waiting: usize,
}

/// The value was not taken, see [`OnceCell::set`]; it is given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError<T> {
    /// There is a value already.
    AlreadySet(T),
    /// Somebody is making the value.
    Initializing(T),
}

impl<T> OnceCell<T> {
    const_fn! {
        /// Makes a cell without a value.
        ///
        /// asyncio: none. Tokio has `const_new` beside it.
        ///
        /// # Examples
        /// ```
        /// let cell = bowerbird::sync::OnceCell::<u8>::new();
        /// assert_eq!(cell.get(), None);
        /// ```
        pub fn new() -> Self {
            Self { value: OnceLock::new(), right: Permits::new(1), is_there: Event::new() }
        }
    }

    /// Gives the value, if it is there.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let cell = bowerbird::sync::OnceCell::from(3);
    /// assert_eq!(cell.get(), Some(&3));
    /// ```
    #[inline]
    pub fn get(&self) -> Option<&T> {
        self.value.get()
    }

    /// Gives the value, if it is there, to be changed.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let mut cell = bowerbird::sync::OnceCell::from(3);
    /// *cell.get_mut().unwrap() += 1;
    /// assert_eq!(cell.into_inner(), Some(4));
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut()
    }

    /// Returns whether the value is there.
    ///
    /// asyncio: `Future.done`.
    ///
    /// # Examples
    /// ```
    /// assert!(!bowerbird::sync::OnceCell::<u8>::new().is_set());
    /// ```
    #[doc(alias = "initialized")]
    pub fn is_set(&self) -> bool {
        self.get().is_some()
    }

    /// Sets the value.
    ///
    /// asyncio: `Future.set_result`.
    ///
    /// # Errors
    /// The value, if there is one, or if somebody is making it.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{OnceCell, SetError};
    ///
    /// let cell = OnceCell::new();
    /// assert_eq!(cell.set(1), Ok(()));
    /// assert_eq!(cell.set(2), Err(SetError::AlreadySet(2)));
    /// ```
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.right.try_take(1) {
            Ok(()) => {
                Right(self).use_up(value);
                Ok(())
            }
            Err(Refused::Closed) => Err(SetError::AlreadySet(value)),
            Err(Refused::NotFree) => Err(SetError::Initializing(value)),
        }
    }

    /// Gives the value, and makes it if it is not there.
    ///
    /// asyncio: none.
    ///
    /// While somebody else makes it this waits. An initialiser that needs the value of its own cell waits for ever.
    ///
    /// # Cancel safety
    /// Dropped while it waits, nothing is lost. Dropped while it makes the value, its initialiser is dropped, and the
    /// next that waits begins anew with its own.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let cell = bowerbird::sync::OnceCell::new();
    ///     assert_eq!(*cell.get_or_init(async || 1).await, 1);
    ///     assert_eq!(*cell.get_or_init(async || 2).await, 1);
    /// });
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, init: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        self.get_or_init_at(init, Location::caller())
    }

    /// A value that is there is given in a few instructions.
    #[inline]
    pub(crate) async fn get_or_init_at<F, Fut>(
        &self,
        init: F,
        location: &'static Location<'static>,
    ) -> &T
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        if let Some(value) = self.get() {
            return value;
        }
        let init = || async { Ok::<T, Infallible>(init().await) };
        match self.try_init_at(init, location).await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// Gives the value, and makes it if it is not there and that succeeds.
    ///
    /// asyncio: none.
    ///
    /// # Cancel safety
    /// As of [`get_or_init`](Self::get_or_init).
    ///
    /// # Errors
    /// That of `init`, which leaves the cell without a value: the next runs its own.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let cell = bowerbird::sync::OnceCell::new();
    ///     assert!(cell.get_or_try_init(async || "x".parse::<u8>()).await.is_err());
    ///     assert_eq!(cell.get_or_try_init(async || "7".parse::<u8>()).await, Ok(&7));
    /// });
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_try_init<F, Fut, E>(&self, init: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let location = Location::caller();
        async move {
            match self.get() {
                Some(value) => Ok(value),
                None => self.try_init_at(init, location).await,
            }
        }
    }

    async fn try_init_at<F, Fut, E>(
        &self,
        init: F,
        location: &'static Location<'static>,
    ) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        match self.take_right(location).await {
            Some(right) => {
                let value = init().await?;
                Ok(right.use_up(value))
            }
            None => Ok(self.wait_at(location).await),
        }
    }

    /// Waits until the value is there, and makes none.
    ///
    /// asyncio: to await a `Future`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let cell = bowerbird::sync::OnceCell::new();
    ///     let (value, set) = bowerbird::join((cell.wait(), async { cell.set(5) })).await;
    ///     assert_eq!((*value, set), (5, Ok(())));
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> OnceCellWait<'_, T> {
        self.wait_at(Location::caller())
    }

    fn wait_at(&self, location: &'static Location<'static>) -> OnceCellWait<'_, T> {
        OnceCellWait { cell: self, wait: EventWait::at(&self.is_there, "once_cell", location) }
    }

    fn take_right(&self, location: &'static Location<'static>) -> TakeRight<'_, T> {
        TakeRight { cell: self, key: None, leaf: Leaf::at(location) }
    }

    /// Waits until the value is there, in a thread that runs no task.
    ///
    /// asyncio: `concurrent.futures.Future.result`.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let cell = bowerbird::sync::OnceCell::new();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| assert_eq!(*cell.blocking_wait(), 1));
    ///     cell.set(1).unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) -> &T {
        block_on(self.wait(), "OnceCell::blocking_wait()", "await cell.wait() instead")
    }

    /// Gives the value, and makes it in this thread, which runs no task, if it is not there.
    ///
    /// asyncio: none.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let cell = bowerbird::sync::OnceCell::new();
    /// assert_eq!(*cell.blocking_get_or_init(|| 1), 1);
    /// ```
    #[track_caller]
    pub fn blocking_get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        let right = block_on(
            self.take_right(Location::caller()),
            "OnceCell::blocking_get_or_init()",
            "await cell.get_or_init() instead",
        );
        match right {
            Some(right) => right.use_up(init()),
            None => self.blocking_wait(),
        }
    }

    /// Takes the value out, which leaves the cell as it was in the beginning.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let mut cell = bowerbird::sync::OnceCell::from(3);
    /// assert_eq!(cell.take(), Some(3));
    /// assert_eq!(cell.set(4), Ok(()));
    /// ```
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// Gives the value that it has.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::OnceCell::from(3).into_inner(), Some(3));
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }

    /// Says how things stand.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// assert!(!bowerbird::sync::OnceCell::<u8>::new().statistics().is_initializing);
    /// ```
    pub fn statistics(&self) -> OnceCellStatistics {
        let is_set = self.is_set();
        OnceCellStatistics {
            is_set,
            is_initializing: !is_set && self.right.free() == 0,
            tasks_waiting: self.right.waiting() + self.is_there.statistics().tasks_waiting,
        }
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        let cell = Self::new();
        let set = cell.set(value);
        debug_assert!(set.is_ok(), "nobody else has the cell");
        cell
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    /// A cell with a clone of the value, if it is there.
    fn clone(&self) -> Self {
        self.get().cloned().map_or_else(Self::new, Self::from)
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

/// Never blocks.
impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadySet(_) => "the OnceCell has a value already",
            Self::Initializing(_) => "somebody is making the value of the OnceCell",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

/// The right to make the value; dropped, it goes to the next.
struct Right<'a, T>(&'a OnceCell<T>);

impl<'a, T> Right<'a, T> {
    fn use_up(self, value: T) -> &'a T {
        let cell = self.0;
        let value = cell.value.get_or_init(|| value);
        cell.right.close();
        cell.is_there.set();
        value
    }
}

impl<T> Drop for Right<'_, T> {
    fn drop(&mut self) {
        self.0.right.give(1);
    }
}

/// Waits for the right to make the value; `None`: it is there.
struct TakeRight<'a, T> {
    cell: &'a OnceCell<T>,
    key: Option<Key>,
    leaf: Leaf,
}

impl<'a, T> Future for TakeRight<'a, T> {
    type Output = Option<Right<'a, T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { cell, key, leaf } = &mut *self;
        let cell = *cell;
        let spot = leaf.spot("once_cell", cell);
        let taken = leaf.poll(cx, "once_cell", cell, |cx| cell.right.poll_take(key, 1, spot, cx));
        taken.map(|taken| match taken {
            Ok(()) => Some(Right(cell)),
            Err(Closed) => None,
        })
    }
}

impl<T> Drop for TakeRight<'_, T> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.cell.right.leave(key);
        }
    }
}

/// Waits for the value, see [`OnceCell::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct OnceCellWait<'a, T> {
    cell: &'a OnceCell<T>,
    wait: EventWait<'a>,
}

impl<'a, T> Future for OnceCellWait<'a, T> {
    type Output = &'a T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<&'a T> {
        ready!(Pin::new(&mut self.wait).poll(cx));
        Poll::Ready(self.cell.get().expect("it was set before the event"))
    }
}

impl<T> CancelSafe for OnceCellWait<'_, T> {}

impl<T> fmt::Debug for OnceCellWait<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCellWait").field("wait", &self.wait).finish_non_exhaustive()
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
