//! A place where a number of tasks wait for each other.
//!
//! `barrier/cycle.rs` has the states.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::const_fn;
use bowerbird_base::sync::Mutex;

use crate::block_on::block_on;
use crate::leaf::Leaf;
use crate::wait_list::Key;

mod cycle;

pub use cycle::BarrierState;

use cycle::Cycle;

/// Lets tasks through in groups: each waits until as many have come as the barrier has parties.
///
/// asyncio: `asyncio.Barrier`, with its four states. `reset` and `abort` are plain calls here.
///
/// It can be used again and again. Who comes while the last group is still on its way out waits until all of it are
/// gone, and then arrives once more.
///
/// # Examples
/// ```
/// use bowerbird::sync::Barrier;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let barrier = Arc::new(Barrier::new(3));
///     let tasks = (0..3).map(|_| {
///         let barrier = barrier.clone();
///         async move { barrier.wait().await.unwrap() }
///     });
///     let mut indexes = bowerbird::gather_iter(tasks).await;
///     indexes.sort();
///     assert_eq!(indexes, [0, 1, 2]);
/// });
/// ```
pub struct Barrier {
    parties: usize,
    cycle: Mutex<Cycle>,
}

/// How things stood at a [`Barrier`], see [`Barrier::statistics`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BarrierStatistics {
    /// In which state it was.
    pub state: BarrierState,
    /// How many make a group.
    pub parties: usize,
    /// How many were inside: counted in, and not out again.
    pub tasks_inside: usize,
    /// How many waited for those inside to be gone.
    pub tasks_blocked: usize,
}

impl Barrier {
    const_fn! {
        /// Makes a barrier for groups of `parties`.
        ///
        /// asyncio: `Barrier(parties)`.
        ///
        /// # Panics
        /// If `parties` is 0.
        ///
        /// # Examples
        /// ```
        /// assert_eq!(bowerbird::sync::Barrier::new(2).parties(), 2);
        /// ```
        #[track_caller]
        pub fn new(parties: usize) -> Self {
            assert!(parties > 0, "Barrier::new(0): a barrier needs one party at least");
            Self { parties, cycle: Mutex::new(Cycle::new()) }
        }
    }

    /// Waits until the group is complete, and gives the index of this wait in it.
    ///
    /// asyncio: `Barrier.wait`, `async with barrier`. The indexes are `0..parties` in the order of arrival, each once:
    /// in asyncio two may be equal after a cancelled wait. Where Tokio asks `is_leader()`, ask for index 0, which one
    /// of the group has.
    ///
    /// Who completes the group goes on without a suspension.
    ///
    /// # Cancel safety
    /// A wait that is dropped while the group is not complete leaves it. Dropped after that, it was part of the
    /// group, and its index is lost: wait again and you wait for the next group.
    ///
    /// # Errors
    /// [`BrokenBarrierError`] if the barrier is broken, or is broken or reset while this waits.
    ///
    /// # Examples
    /// ```
    /// bowerbird::run(async {
    ///     let barrier = bowerbird::sync::Barrier::new(2);
    ///     let (one, other) = bowerbird::join((barrier.wait(), barrier.wait())).await;
    ///     assert_eq!((one, other), (Ok(0), Ok(1)));
    /// });
    /// ```
    #[track_caller]
    pub fn wait(&self) -> BarrierWait<'_> {
        BarrierWait { barrier: self, key: None, leaf: Leaf::of("Barrier::wait") }
    }

    /// Waits until the group is complete, from a thread that runs no task.
    ///
    /// asyncio: `threading.Barrier.wait`.
    ///
    /// # Errors
    /// As of [`wait`](Self::wait).
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let barrier = bowerbird::sync::Barrier::new(2);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| barrier.blocking_wait().unwrap());
    ///     barrier.blocking_wait().unwrap();
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_wait(&self) -> Result<usize, BrokenBarrierError> {
        block_on(self.wait(), "Barrier::blocking_wait()", "await barrier.wait() instead")
    }

    /// Breaks the barrier: who waits and who comes gets [`BrokenBarrierError`], until it is [`reset`](Self::reset).
    ///
    /// asyncio: `Barrier.abort`, a coroutine there. For a party that fails and would leave the others waiting.
    ///
    /// # Examples
    /// ```
    /// let barrier = bowerbird::sync::Barrier::new(2);
    /// barrier.abort();
    /// assert!(barrier.is_broken());
    /// assert!(barrier.blocking_wait().is_err());
    /// ```
    pub fn abort(&self) {
        let called = self.cycle.lock().abort();
        called.wake();
    }

    /// Empties the barrier: who is inside gets [`BrokenBarrierError`], and then it fills again.
    ///
    /// asyncio: `Barrier.reset`, a coroutine there. It mends a broken barrier.
    ///
    /// # Examples
    /// ```
    /// let barrier = bowerbird::sync::Barrier::new(1);
    /// barrier.abort();
    /// barrier.reset();
    /// assert_eq!(barrier.blocking_wait(), Ok(0));
    /// ```
    pub fn reset(&self) {
        let called = self.cycle.lock().reset();
        called.wake();
    }

    /// Gives how many make a group.
    ///
    /// asyncio: `Barrier.parties`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Barrier::new(3).parties(), 3);
    /// ```
    pub fn parties(&self) -> usize {
        self.parties
    }

    /// Gives how many wait for their group to be complete.
    ///
    /// asyncio: `Barrier.n_waiting`. 0 in every state but filling.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Barrier::new(3).n_waiting(), 0);
    /// ```
    pub fn n_waiting(&self) -> usize {
        self.cycle.lock().filled()
    }

    /// Returns whether the barrier is broken.
    ///
    /// asyncio: `Barrier.broken`.
    ///
    /// # Examples
    /// ```
    /// assert!(!bowerbird::sync::Barrier::new(3).is_broken());
    /// ```
    pub fn is_broken(&self) -> bool {
        self.cycle.lock().state() == BarrierState::Broken
    }

    /// Says how things stand.
    ///
    /// asyncio: what the `repr` of a barrier tells.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Barrier, BarrierState};
    ///
    /// assert_eq!(Barrier::new(3).statistics().state, BarrierState::Filling);
    /// ```
    pub fn statistics(&self) -> BarrierStatistics {
        let cycle = self.cycle.lock();
        BarrierStatistics {
            state: cycle.state(),
            parties: self.parties,
            tasks_inside: cycle.inside(),
            tasks_blocked: cycle.blocked(),
        }
    }
}

/// Never blocks.
impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Barrier");
        text.field("parties", &self.parties);
        if let Some(cycle) = self.cycle.try_lock() {
            text.field("state", &cycle.state()).field("tasks_inside", &cycle.inside());
        }
        text.finish_non_exhaustive()
    }
}

/// The group of a [`Barrier`] will not be complete: it was broken or reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokenBarrierError {
    _private: (),
}

impl fmt::Display for BrokenBarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the barrier was broken by abort(), or emptied by reset()")
    }
}

impl Error for BrokenBarrierError {}

/// Waits until a group is complete, see [`Barrier::wait`].
#[must_use = "futures do nothing unless awaited"]
pub struct BarrierWait<'a> {
    barrier: &'a Barrier,
    key: Option<Key>,
    leaf: Leaf,
}

/// One poll.
fn look(
    barrier: &Barrier,
    key: &mut Option<Key>,
    cx: &mut Context<'_>,
) -> Poll<Result<usize, BrokenBarrierError>> {
    // Cloned before the lock; what is not kept is dropped after it.
    let waker = cx.waker().clone();
    let polled = barrier.cycle.lock().poll(key, waker, barrier.parties);
    polled.called.wake();
    drop(polled.unused);
    polled.outcome.map(|index| index.ok_or(BrokenBarrierError { _private: () }))
}

impl Future for BarrierWait<'_> {
    type Output = Result<usize, BrokenBarrierError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { barrier, key, leaf } = &mut *self;
        leaf.poll(cx, "barrier", *barrier, |cx| look(barrier, key, cx))
    }
}

impl Drop for BarrierWait<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let left = self.barrier.cycle.lock().leave(key);
            left.called.wake();
            drop(left.unused);
        }
    }
}

impl fmt::Debug for BarrierWait<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BarrierWait")
            .field("location", &self.leaf.location())
            .finish_non_exhaustive()
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
