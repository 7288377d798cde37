//! Waiting, with a lock, for what others change under it.
//!
//! `condition/wait.rs` has what a wait does when it is cancelled.

use std::fmt;
use std::panic::Location;

use bowerbird_base::const_fn;
use bowerbird_base::sync::Mutex;
use bowerbird_base::wake_all::wake;

use crate::block_on::block_on;
use crate::wait_list::{Called, Key, WaitList};

mod guard;
mod wait;

pub use guard::ConditionGuard;
pub use wait::{ConditionWait, ConditionWaitFor};

/// Lets who has a [`Lock`](crate::Lock) wait until another one has changed what it guards.
///
/// asyncio: `asyncio.Condition`. The lock has the value inside, so it is passed with each call, by its guard:
/// `wait`, `wait_for`, `notify` and `notify_all` cannot be called without it. The guard may be the owned one too.
/// Several conditions may go with one lock, so that each wakes who waits for its own change; a guard of another lock
/// is refused while somebody waits.
///
/// Waiting unlocks, and takes the lock back before it ends: a wait that is notified and a wait that is **cancelled**
/// both end with the lock, as in asyncio. After `timeout(limit, condition.wait(&mut guard)).await` the guard can be used
/// whatever the result. See [`wait`](Self::wait) for a wait that is dropped.
///
/// # Examples
/// ```
/// use bowerbird::sync::{Condition, Lock};
/// use std::sync::Arc;
///
/// struct Shelf {
///     books: Lock<Vec<&'static str>>,
///     filled: Condition,
/// }
///
/// bowerbird::run(async {
///     let shelf = Arc::new(Shelf { books: Lock::new(vec![]), filled: Condition::new() });
///     let reader = bowerbird::spawn({
///         let shelf = shelf.clone();
///         async move {
///             let mut books = shelf.books.lock().await;
///             shelf.filled.wait_for(&mut books, |books| !books.is_empty()).await;
///             books.pop()
///         }
///     });
///     let mut books = shelf.books.lock().await;
///     books.push("Emma");
///     shelf.filled.notify(&books, 1);
///     drop(books);
///     assert_eq!(reader.await.unwrap(), Some("Emma"));
/// });
/// ```
#[doc(alias = "Condvar")]
pub struct Condition {
    waits: Mutex<Waits>,
}

struct Waits {
    list: WaitList<()>,
    /// The address of the lock of those who wait.
    lock: usize,
}

/// How things stood at a [`Condition`], see [`Condition::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConditionStatistics {
    /// How many waited to be notified.
    pub tasks_waiting: usize,
}

impl Condition {
    const_fn! {
        /// Makes a condition that nobody waits for.
        ///
        /// asyncio: `Condition(lock)`. Here the lock is known by the guard of each call.
        ///
        /// # Examples
        /// ```
        /// static CHANGED: bowerbird::sync::Condition = bowerbird::sync::Condition::new();
        /// assert_eq!(CHANGED.statistics().tasks_waiting, 0);
        /// ```
        pub fn new() -> Self {
            Self { waits: Mutex::new(Waits { list: WaitList::new(), lock: 0 }) }
        }
    }

    /// Unlocks, waits to be notified, and locks again.
    ///
    /// asyncio: `Condition.wait`. It may end without a notification for itself, as there: look at the value again,
    /// or use [`wait_for`](Self::wait_for).
    ///
    /// A cancelled wait takes the lock back first, and nothing can hasten that: further requests to cancel are kept
    /// until it has the lock. Then it is cancelled, and whoever catches that has the lock. If it had been notified, the
    /// notification goes to the next.
    ///
    /// # Cancel safety
    /// Not safe to drop: a wait that is dropped in flight, as the loser of `race` is, cannot wait for the lock. The
    /// guard is then left without the lock, and its use panics; call `lock()` again. No notification is lost. What
    /// is cancelled, as by a timeout, a scope or the task, is not dropped before it has the lock.
    ///
    /// # Panics
    /// If the guard has lost its lock in that way. The future panics at its first poll if others wait at this condition
    /// with another lock.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Condition, Lock};
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (lock, changed) = (Lock::new(1), Condition::new());
    ///     let mut guard = lock.lock().await;
    ///     let wait = changed.wait(&mut guard);
    ///     assert!(bowerbird::timeout(Duration::from_millis(1), wait).await.is_err());
    ///     *guard += 1;
    ///     assert!(lock.is_locked());
    /// });
    /// ```
    #[track_caller]
    pub fn wait<'a, G: ConditionGuard>(&'a self, guard: &'a mut G) -> ConditionWait<'a, G> {
        guard.assert_has_lock();
        ConditionWait::new(self, guard)
    }

    /// Waits until `predicate` is true of the value; it is called with the lock held.
    ///
    /// asyncio: `Condition.wait_for`. Ready at once, without a suspension, if it is true now.
    ///
    /// # Cancel safety
    /// As of [`wait`](Self::wait).
    ///
    /// # Panics
    /// As [`wait`](Self::wait).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Condition, Lock};
    ///
    /// bowerbird::run(async {
    ///     let (count, changed) = (Lock::new(0), Condition::new());
    ///     let wait = async {
    ///         let mut count = count.lock().await;
    ///         changed.wait_for(&mut count, |count| *count == 3).await;
    ///     };
    ///     let add = async {
    ///         for _ in 0..3 {
    ///             let mut count = count.lock().await;
    ///             *count += 1;
    ///             changed.notify_all(&count);
    ///         }
    ///     };
    ///     bowerbird::join((wait, add)).await;
    /// });
    /// ```
    #[track_caller]
    pub fn wait_for<'a, G: ConditionGuard, P: FnMut(&mut G::Target) -> bool>(
        &'a self,
        guard: &'a mut G,
        predicate: P,
    ) -> ConditionWaitFor<'a, G, P> {
        ConditionWaitFor::new(self.wait(guard), predicate)
    }

    /// Notifies up to `count` of those who wait, first come, first served.
    ///
    /// asyncio: `Condition.notify(n=1)`. It does not unlock: who is notified goes on when the guard is dropped.
    ///
    /// # Panics
    /// If `guard` is of another lock than that of those who wait.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Condition, Lock};
    ///
    /// let (lock, changed) = (Lock::new(1), Condition::new());
    /// changed.notify(&lock.blocking_lock(), 1);
    /// ```
    #[track_caller]
    pub fn notify<G: ConditionGuard>(&self, guard: &G, count: usize) {
        guard.assert_has_lock();
        let mut waits = self.waits.lock();
        if !waits.list.is_empty() && waits.lock != guard.address() {
            drop(waits);
            other_lock("notify()", Location::caller());
        }
        let mut called = Called::default();
        for _ in 0..count {
            let Some((waker, _)) = waits.list.call_front() else { break };
            called.push(waker);
        }
        drop(waits);
        called.wake();
    }

    /// Notifies all who wait.
    ///
    /// asyncio: `Condition.notify_all`.
    ///
    /// # Panics
    /// As [`notify`](Self::notify).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Condition, Lock};
    ///
    /// let (lock, changed) = (Lock::new(false), Condition::new());
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| {
    ///         let mut guard = lock.blocking_lock();
    ///         changed.blocking_wait_for(&mut guard, |is_done| *is_done);
    ///     });
    ///     let mut guard = lock.blocking_lock();
    ///     *guard = true;
    ///     changed.notify_all(&guard);
    /// });
    /// ```
    #[track_caller]
    pub fn notify_all<G: ConditionGuard>(&self, guard: &G) {
        self.notify(guard, usize::MAX);
    }

    /// Unlocks, waits to be notified, and locks again, in a thread that runs no task.
    ///
    /// asyncio: `threading.Condition.wait`.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block, and as [`wait`](Self::wait).
    ///
    /// # Examples
    /// See [`notify_all`](Self::notify_all).
    #[track_caller]
    pub fn blocking_wait<G: ConditionGuard>(&self, guard: &mut G) {
        let fix = "await condition.wait() instead";
        block_on(self.wait(guard), "Condition::blocking_wait()", fix);
    }

    /// Waits until `predicate` is true of the value, in a thread that runs no task.
    ///
    /// asyncio: `threading.Condition.wait_for`.
    ///
    /// # Panics
    /// As [`blocking_wait`](Self::blocking_wait).
    ///
    /// # Examples
    /// See [`notify_all`](Self::notify_all).
    #[track_caller]
    pub fn blocking_wait_for<G: ConditionGuard>(
        &self,
        guard: &mut G,
        predicate: impl FnMut(&mut G::Target) -> bool,
    ) {
        let fix = "await condition.wait_for() instead";
        block_on(self.wait_for(guard, predicate), "Condition::blocking_wait_for()", fix);
    }

    /// Says how things stand.
    ///
    /// asyncio: none; trio's `Condition.statistics`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Condition::new().statistics().tasks_waiting, 0);
    /// ```
    pub fn statistics(&self) -> ConditionStatistics {
        ConditionStatistics { tasks_waiting: self.waits.lock().list.len() }
    }

    /// Ends the place of a wait in the list, and says whether it was notified.
    fn leave(&self, key: Key) -> bool {
        let removed = self.waits.lock().list.remove(key);
        removed.was_called()
    }

    /// Hands a notification to the next: who had it has not gone on.
    fn hand_on(&self) {
        let called = self.waits.lock().list.call_front().map(|(waker, _)| waker);
        if let Some(waker) = called {
            wake(waker);
        }
    }
}

#[cold]
#[track_caller]
fn other_lock(call: &str, location: &Location<'_>) -> ! {
    panic!(
        "Condition::{call} at {location}: others wait at this condition with another lock; make one condition for \
         each lock"
    )
}

impl Default for Condition {
    fn default() -> Self {
        Self::new()
    }
}

/// Never blocks.
impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Condition");
        if let Some(waits) = self.waits.try_lock() {
            text.field("tasks_waiting", &waits.list.len());
        }
        text.finish_non_exhaustive()
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
