//! A value that is made when it is first needed.

use std::fmt;
use std::panic::Location;
use std::pin::Pin;

use bowerbird_base::const_fn;

use crate::block_on::block_on;
use crate::once_cell::OnceCell;

/// A value and the function that makes it, asynchronously, when it is first needed.
///
/// asyncio: none; std's `LazyLock`, with a function that awaits.
///
/// Many may call [`force`](Self::force) at a time: one runs the function, the others wait for the value. If that one
/// is cancelled, or if the function panics, the next runs it again; so it is an `Fn`, and not an `FnOnce` as std's, whose
/// cell is poisoned then.
///
/// # Examples
/// In a static the future is boxed, so that its type has a name:
/// ```
/// use bowerbird::sync::LazyCell;
///
/// static ANSWER: LazyCell<u32> = LazyCell::new(|| {
///     Box::pin(async {
///         bowerbird::yield_now().await;
///         42
///     })
/// });
///
/// bowerbird::run(async {
///     assert_eq!(*ANSWER.force().await, 42);
/// });
/// ```
/// Elsewhere it need not be:
/// ```
/// bowerbird::run(async {
///     let lazy = bowerbird::sync::LazyCell::new(async || 42);
///     assert_eq!(lazy.get(), None);
///     assert_eq!(*lazy.force().await, 42);
/// });
/// ```
pub struct LazyCell<T, F = fn() -> Pin<Box<dyn Future<Output = T> + Send>>> {
    cell: OnceCell<T>,
    make: F,
}

impl<T, F, Fut> LazyCell<T, F>
where
    F: Fn() -> Fut,
    Fut: Future<Output = T>,
{
    const_fn! {
        /// Makes a cell whose value `make` makes when it is needed.
        ///
        /// asyncio: none.
        ///
        /// # Examples
        /// ```
        /// let lazy = bowerbird::sync::LazyCell::new(async || 1);
        /// assert_eq!(*lazy.blocking_force(), 1);
        /// ```
        pub fn new(make: F) -> Self {
            Self { cell: OnceCell::new(), make }
        }
    }

    /// Gives the value, which is made now if it was not before.
    ///
    /// asyncio: none.
    ///
    /// A function that needs the value of its own cell waits for ever.
    ///
    /// # Cancel safety
    /// As of [`OnceCell::get_or_init`]: dropped while the value is made, what was done is lost, and the next begins
    /// anew.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let lazy = bowerbird::sync::LazyCell::new(async || String::from("once"));
    ///     let (one, other) = bowerbird::join((lazy.force(), lazy.force())).await;
    ///     assert!(std::ptr::eq(one, other));
    /// });
    /// ```
    #[track_caller]
    pub fn force(&self) -> impl Future<Output = &T> {
        self.cell.get_or_init_at(&self.make, Location::caller())
    }

    /// Gives the value, which is made now if it was not before, in a thread that runs no task.
    ///
    /// asyncio: none.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let lazy = bowerbird::sync::LazyCell::new(async || 1);
    /// assert_eq!(*lazy.blocking_force(), 1);
    /// ```
    #[track_caller]
    pub fn blocking_force(&self) -> &T {
        block_on(self.force(), "LazyCell::blocking_force()", "await lazy.force() instead")
    }
}

impl<T, F> LazyCell<T, F> {
    /// Gives the value, if it was made.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let lazy = bowerbird::sync::LazyCell::new(async || 1);
    /// assert_eq!(lazy.get(), None);
    /// ```
    pub fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    /// Gives the value, if it was made, to be changed.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// let mut lazy = bowerbird::sync::LazyCell::new(async || 1);
    /// lazy.blocking_force();
    /// *lazy.get_mut().unwrap() += 1;
    /// assert_eq!(lazy.into_inner(), Some(2));
    /// ```
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.cell.get_mut()
    }

    /// Gives the value that was made, if it was.
    ///
    /// asyncio: none.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::LazyCell::new(async || 1).into_inner(), None);
    /// ```
    pub fn into_inner(self) -> Option<T> {
        self.cell.into_inner()
    }
}

/// Never blocks, and makes no value.
impl<T: fmt::Debug, F> fmt::Debug for LazyCell<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyCell").field("value", &self.get()).finish_non_exhaustive()
    }
}
