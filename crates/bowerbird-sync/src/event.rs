//! A flag that many may wait for.
//!
//! The word holds the flag and the number of times it was set. A waiter remembers the number it saw when
//! it began to wait; another number means that the event was set since, even if it was cleared again at
//! once. So `set` wakes everybody who waited before it, as in asyncio, and owes nothing to who comes after.
//!
//! `set` takes the whole list: the number tells a waiter that it has no entry any more, so a thousand of them go
//! on without a look at the lock.
//!
//! # Ordering arguments
//! - `[ORD-1]` The word is written under the lock, with Release, and read without it, with Acquire: what
//!   the setter did before `set` is seen by whoever sees the flag or the new number. Weaker: the waiter
//!   goes on and sees old data (loom tests `who_sees_the_flag_sees_what_came_before_it`,
//!   `who_sees_the_turn_sees_what_came_before_it`).
//! - `[ORD-2]` Under the lock the word is read with Relaxed: it is written nowhere else.

use std::fmt;

use bowerbird_base::const_fn;
use bowerbird_base::sync::atomic::{AtomicUsize, Ordering};
use bowerbird_base::sync::{Mutex, MutexGuard};

use crate::block_on::block_on;
use crate::wait_list::WaitList;

mod wait;

pub use wait::EventWait;

const SET: usize = 1;
/// One `set` in the word.
const TURN: usize = 2;

/// A flag that is set by one and waited for by many.
///
/// asyncio: `asyncio.Event`. This one may be set from any thread.
///
/// [`AutoResetEvent`](crate::AutoResetEvent) lets one waiter through for each `set`.
///
/// # Examples
/// ```
/// use bowerbird::sync::Event;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let event = Arc::new(Event::new());
///     let waiter = bowerbird::spawn({
///         let event = event.clone();
///         async move {
///             event.wait().await;
///             "go"
///         }
///     });
///     event.set();
///     assert_eq!(waiter.await.unwrap(), "go");
/// });
/// ```
pub struct Event {
    word: AtomicUsize,
    waits: Mutex<WaitList<()>>,
}

/// What an [`Event`] was like at one moment, see [`Event::statistics`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventStatistics {
    /// Whether it was set.
    pub is_set: bool,
    /// How many waited.
    pub tasks_waiting: usize,
}

impl Event {
    const_fn! {
        /// Makes an event that is not set.
        ///
        /// asyncio: `Event()`.
        ///
        /// # Examples
        /// ```
        /// static STARTED: bowerbird::sync::Event = bowerbird::sync::Event::new();
        /// assert!(!STARTED.is_set());
        /// ```
        pub fn new() -> Self {
            Self { word: AtomicUsize::new(0), waits: Mutex::new(WaitList::new()) }
        }
    }

    /// Sets the event and wakes all who wait, in the order of their arrival.
    ///
    /// asyncio: `Event.set`. Setting it twice does nothing, there as here.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = bowerbird::sync::Event::new();
    ///     let (waiters, ()) = bowerbird::join((
    ///         async { bowerbird::join((event.wait(), event.wait())).await },
    ///         async { event.set() },
    ///     )).await;
    ///     assert_eq!(waiters, ((), ()));
    /// });
    /// ```
    pub fn set(&self) {
        let mut waits = self.waits.lock();
        let word = self.word_of(&waits);
        if word & SET != 0 {
            return;
        }
        // [ORD-1]
        self.word.store(word.wrapping_add(TURN) | SET, Ordering::Release);
        let released = waits.release_all();
        drop(waits);
        released.wake();
    }

    /// Clears the event: later waits wait for the next [`set`](Self::set).
    ///
    /// asyncio: `Event.clear`. Who waited when it was set still goes on, there as here.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = bowerbird::sync::Event::new();
    ///     event.set();
    ///     event.clear();
    ///     let wait = bowerbird::timeout(std::time::Duration::from_millis(5), event.wait());
    ///     assert!(wait.await.is_err());
    /// });
    /// ```
    pub fn clear(&self) {
        let waits = self.waits.lock();
        let word = self.word_of(&waits);
        // [ORD-1]
        self.word.store(word & !SET, Ordering::Release);
    }

    /// Returns whether the event is set.
    ///
    /// asyncio: `Event.is_set`.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::Event::new();
    /// event.set();
    /// assert!(event.is_set());
    /// ```
    pub fn is_set(&self) -> bool {
        self.look() & SET != 0
    }

    /// Waits until the event is set.
    ///
    /// asyncio: `Event.wait`, which returns `True`. Ready at once, without a suspension, when it is set.
    ///
    /// # Cancel safety
    /// Nothing is lost, and a wait that is dropped leaves no entry behind.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let event = std::sync::Arc::new(bowerbird::sync::Event::new());
    ///     let setter = event.clone();
    ///     let thread = std::thread::spawn(move || setter.set());
    ///     event.wait().await;
    ///     assert!(event.is_set());
    ///     thread.join().unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> EventWait<'_> {
        EventWait::new(self)
    }

    /// Waits until the event is set, from a thread that runs no task.
    ///
    /// asyncio: `threading.Event.wait`.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let event = bowerbird::sync::Event::new();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| event.blocking_wait());
    ///     event.set();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) {
        block_on(self.wait(), "Event::blocking_wait()", "await event.wait() instead");
    }

    /// Tells how many wait.
    ///
    /// asyncio: none; trio's `Event.statistics`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Event::new().statistics().tasks_waiting, 0);
    /// ```
    pub fn statistics(&self) -> EventStatistics {
        let tasks_waiting = self.waits.lock().len();
        EventStatistics { is_set: self.is_set(), tasks_waiting }
    }

    /// The one look at the word outside the lock.
    fn look(&self) -> usize {
        // [ORD-1]
        self.word.load(Ordering::Acquire)
    }

    /// The word, by the lock.
    fn word_of(&self, _waits: &MutexGuard<'_, WaitList<()>>) -> usize {
        // [ORD-2]
        self.word.load(Ordering::Relaxed)
    }
}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("is_set", &self.is_set()).finish_non_exhaustive()
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
