//! Queues: items that some put and others get.
//!
//! [`Queue`] gives the oldest item, [`LifoQueue`] the newest, [`PriorityQueue`] the smallest. As asyncio's, they are
//! one object that all sides share, and no channel with two ends: every method takes `&self`, so a queue stands
//! in an [`Arc`](std::sync::Arc), in a `static`, or is borrowed by the tasks of a group. It
//! ends when somebody calls [`shutdown`](Queue::shutdown), not when somebody is dropped. Any number of
//! tasks and threads may put and get.
//!
//! # Who is served
//! Those who wait to get are woken in the order of their arrival, one for each item; those who wait to put, one for
//! each place. Who comes new does not go before somebody who was woken and has not run yet; the forms that do not
//! wait, [`get_nowait`](Queue::get_nowait) and [`put_nowait`](Queue::put_nowait), take what is there, as in asyncio,
//! and whoever was woken in vain keeps its place in the line. An item stays in the queue until the one who gets it
//! takes it, so a cancelled get loses nothing and hands its turn on; a cancelled put has not put.
//!
//! asyncio lets a newcomer's `get` go first as well. Here it waits, so that a busy consumer starves no other. As with
//! a lock, somebody who was woken must then be polled or dropped, or others wait behind it: do not keep a get that
//! was polled in a variable without polling it on.
//!
//! asyncio: `asyncio.Queue`, `LifoQueue` and `PriorityQueue`, with the shutdown of Python 3.13. Those are for one
//! thread.

use std::panic::resume_unwind;

use bowerbird_base::sync::SpinLock;

use crate::block_on::block_on;
use crate::channel::Buffer;
use crate::wait_list::Called;

mod by_order;
mod errors;
mod guard;
mod heap;
mod line;
mod order;
mod poll;
mod state;
mod statistics;
mod waits;

pub use by_order::{LifoQueue, PriorityQueue};
pub use errors::{GetNowaitError, PutNowaitError, QueueShutDown};
pub use guard::ItemGuard;
pub use order::{Fifo, Lifo, Order, Priority};
pub use statistics::QueueStatistics;
pub use waits::{Get, GetGuard, Join, Put, QueueStream};

use order::{Items, Lock, Short};
use state::{State, Step};

type Locked<'a, T, O> =
    Step<
        <<O as Order<T>>::Lock<State<<O as Order<T>>::Items>> as Lock<
            State<<O as Order<T>>::Items>,
        >>::Guard<'a>,
        <O as Order<T>>::Items,
    >;

/// A queue whose items come out in the order in which they were put.
///
/// The methods are those of [`LifoQueue`] and [`PriorityQueue`] as well, which differ in the order `O` alone.
///
/// asyncio: `asyncio.Queue`. This one is shared by threads.
///
/// # Examples
/// ```
/// use bowerbird::sync::Queue;
/// use std::sync::Arc;
///
/// bowerbird::run(async {
///     let queue = Arc::new(Queue::new(2));
///     let worker = bowerbird::spawn({
///         let queue = queue.clone();
///         async move {
///             let mut sum = 0;
///             while let Ok(item) = queue.get_guard().await {
///                 sum += *item;
///             }
///             sum
///         }
///     });
///     for item in 1..=10 {
///         queue.put(item).await.unwrap();
///     }
///     queue.join().await; // all ten are done
///     queue.shutdown(false);
///     assert_eq!(worker.await.unwrap(), 55);
/// });
/// ```
pub struct Queue<T, O: Order<T> = Fifo> {
    maxsize: usize,
    state: O::Lock<State<O::Items>>,
}

impl<T> Queue<T> {
    bowerbird_base::const_fn! {
    /// Makes a queue for `maxsize` items; 0 is without end.
    ///
    /// asyncio: `Queue(maxsize)`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(1);
    /// queue.put_nowait("a").unwrap();
    /// assert!(queue.put_nowait("b").unwrap_err().is_full());
    /// static SHARED: bowerbird::sync::Queue<u8> = bowerbird::sync::Queue::new(0);
    /// assert!(SHARED.empty());
    /// ```
    pub fn new(maxsize: usize) -> Self {
        Self::of(maxsize, Short(SpinLock::new(State::new(maxsize, Buffer::new()))))
    }
    }
}

impl<T, O: Order<T>> Queue<T, O> {
    bowerbird_base::const_fn! {
    fn of(maxsize: usize, state: O::Lock<State<O::Items>>) -> Self {
        Self { maxsize, state }
    }
    }

    #[inline]
    fn lock(&self) -> Locked<'_, T, O> {
        Step(self.state.lock())
    }

    /// Puts an item, waiting for a place if the queue is full.
    ///
    /// asyncio: `Queue.put`.
    ///
    /// # Cancel safety
    /// A put that is dropped has not put its item, which is dropped with it; its turn goes to the next.
    /// [`Put::into_item`] gives the item back instead.
    ///
    /// # Errors
    /// [`QueueShutDown`] with the item, if the queue was shut down before or while it waited.
    ///
    /// # Panics
    /// When polled again after it was ready.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Queue;
    /// bowerbird::run(async {
    ///     let queue = Queue::new(1);
    ///     let produce = async {
    ///         for item in 0..3 {
    ///             queue.put(item).await.unwrap();
    ///         }
    ///     };
    ///     let consume = async { [queue.get().await, queue.get().await, queue.get().await] };
    ///     let ((), items) = bowerbird::join((produce, consume)).await;
    ///     assert_eq!(items, [Ok(0), Ok(1), Ok(2)]);
    /// });
    /// ```
    #[track_caller]
    pub fn put(&self, item: T) -> Put<'_, T, O> {
        Put::new(self, item)
    }

    /// Puts an item if there is a place for it.
    ///
    /// asyncio: `Queue.put_nowait`.
    ///
    /// # Errors
    /// The item, and why it was not put.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Queue, queue::PutNowaitError};
    /// let queue = Queue::new(1);
    /// assert_eq!(queue.put_nowait(1), Ok(()));
    /// assert_eq!(queue.put_nowait(2), Err(PutNowaitError::QueueFull(2)));
    /// ```
    pub fn put_nowait(&self, item: T) -> Result<(), PutNowaitError<T>> {
        let mut called = Called::default();
        let mut state = self.lock();
        if state.is_shut_down {
            drop(state);
            return Err(PutNowaitError::QueueShutDown(item));
        }
        if state.is_full() {
            drop(state);
            return Err(PutNowaitError::QueueFull(item));
        }
        let pushed = state.push(item, &mut called);
        drop(state);
        called.wake();
        if let Err(panic) = pushed {
            resume_unwind(panic);
        }
        Ok(())
    }

    /// Puts an item from a thread that runs no task, waiting for a place if the queue is full.
    ///
    /// asyncio: `run_coroutine_threadsafe(queue.put(item), loop).result()`.
    ///
    /// # Errors
    /// [`QueueShutDown`] with the item.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(1);
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| (0..5).for_each(|item| queue.blocking_put(item).unwrap()));
    ///     assert_eq!((0..5).map(|_| queue.blocking_get().unwrap()).sum::<i32>(), 10);
    /// });
    /// ```
    #[track_caller]
    pub fn blocking_put(&self, item: T) -> Result<(), QueueShutDown<T>> {
        block_on(self.put(item), "Queue::blocking_put()", "await put() instead")
    }

    /// Takes the next item, waiting for one if the queue is empty.
    ///
    /// asyncio: `Queue.get`.
    ///
    /// # Cancel safety
    /// Nothing is lost: the item stays in the queue until a poll returns it, and the turn of a get that is dropped
    /// goes to the next.
    ///
    /// # Errors
    /// [`QueueShutDown`], if the queue was shut down and is empty.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Queue;
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.put("item").await.unwrap();
    ///     assert_eq!(queue.get().await, Ok("item"));
    /// });
    /// ```
    #[track_caller]
    pub fn get(&self) -> Get<'_, T, O> {
        Get::new(self, "Queue::get")
    }

    /// Takes the next item if there is one.
    ///
    /// asyncio: `Queue.get_nowait`.
    ///
    /// # Errors
    /// Why there is none.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Queue, queue::GetNowaitError};
    /// let queue = Queue::<u8>::new(0);
    /// assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueEmpty));
    /// queue.shutdown(false);
    /// assert_eq!(queue.get_nowait(), Err(GetNowaitError::QueueShutDown));
    /// ```
    pub fn get_nowait(&self) -> Result<T, GetNowaitError> {
        let mut called = Called::default();
        let mut state = self.lock();
        let item = state.pop(&mut called);
        let is_shut_down = state.is_shut_down;
        drop(state);
        called.wake();
        item.ok_or(if is_shut_down {
            GetNowaitError::QueueShutDown
        } else {
            GetNowaitError::QueueEmpty
        })
    }

    /// Takes the next item from a thread that runs no task, waiting for one if the queue is empty.
    ///
    /// asyncio: `run_coroutine_threadsafe(queue.get(), loop).result()`.
    ///
    /// # Errors
    /// [`QueueShutDown`], if the queue was shut down and is empty.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(0);
    /// queue.put_nowait(1).unwrap();
    /// assert_eq!(queue.blocking_get(), Ok(1));
    /// ```
    #[track_caller]
    pub fn blocking_get(&self) -> Result<T, QueueShutDown> {
        block_on(self.get(), "Queue::blocking_get()", "await get() instead")
    }

    /// Takes the next item under a guard, which calls [`task_done`](Self::task_done) when it is dropped: in every
    /// case, once.
    ///
    /// asyncio: no counterpart; there one writes `try: .. finally: queue.task_done()`.
    ///
    /// # Cancel safety
    /// Nothing is lost, as with [`get`](Self::get).
    ///
    /// # Errors
    /// [`QueueShutDown`], if the queue was shut down and is empty.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Queue;
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.put(1).await.unwrap();
    ///     let item = queue.get_guard().await.unwrap();
    ///     assert_eq!((*item, queue.statistics().unfinished), (1, 1));
    ///     drop(item);
    ///     queue.join().await;
    /// });
    /// ```
    #[track_caller]
    pub fn get_guard(&self) -> GetGuard<'_, T, O> {
        GetGuard::new(Get::new(self, "Queue::get_guard"))
    }

    /// Gives the items as a stream, which ends when the queue was shut down and is empty.
    ///
    /// It takes an item when it is asked for one, and several streams and gets share the items. A stream that was
    /// polled and is pending stands in the line: drop it, or poll it on.
    ///
    /// asyncio: `while True: item = await queue.get()`, left by `except QueueShutDown`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::{stream::StreamExt, sync::Queue};
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     for item in 0..3 {
    ///         queue.put(item).await.unwrap();
    ///     }
    ///     queue.shutdown(false);
    ///     assert_eq!(queue.stream().collect::<Vec<_>>().await, [0, 1, 2]);
    /// });
    /// ```
    #[track_caller]
    pub fn stream(&self) -> QueueStream<'_, T, O> {
        QueueStream::new(self.get())
    }

    /// Counts one item that was taken as done. When all that were put are done, [`join`](Self::join) ends.
    ///
    /// [`get_guard`](Self::get_guard) does it by itself.
    ///
    /// asyncio: `Queue.task_done`, which raises `ValueError` when it is called too often.
    ///
    /// # Panics
    /// If it was called as often as items were put already.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::Queue;
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.put("work").await.unwrap();
    ///     let item = queue.get().await.unwrap();
    ///     assert_eq!(item, "work");
    ///     queue.task_done();
    ///     queue.join().await;
    /// });
    /// ```
    #[track_caller]
    pub fn task_done(&self) {
        assert!(
            self.finish_one(),
            "task_done() was called too many times: all items that were put are done (0 unfinished); call it once \
             for each item, or let get_guard() do it"
        );
    }

    fn finish_one(&self) -> bool {
        let mut called = Called::default();
        let was_counted = self.lock().finish_one(&mut called);
        called.wake();
        was_counted
    }

    /// Waits until all items that were put are done, that is, as many times as items were put
    /// [`task_done`](Self::task_done) was called.
    ///
    /// asyncio: `Queue.join`. What is put after the moment at which all were done is not waited for, there as here.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::<u8>::new(0);
    /// bowerbird::run(async { queue.join().await });
    /// ```
    #[track_caller]
    pub fn join(&self) -> Join<'_, T, O> {
        Join::new(self)
    }

    /// As [`join`](Self::join), from a thread that runs no task.
    ///
    /// asyncio: `run_coroutine_threadsafe(queue.join(), loop).result()`.
    ///
    /// # Panics
    /// Inside a task, whose worker it would block.
    ///
    /// # Examples
    /// ```
    /// bowerbird::sync::Queue::<u8>::new(0).blocking_join();
    /// ```
    #[track_caller]
    pub fn blocking_join(&self) {
        block_on(self.join(), "Queue::blocking_join()", "await join() instead");
    }

    /// Ends the queue: every put gives its item back from now on, those that wait included; gets empty the queue and
    /// are refused then.
    ///
    /// `immediate`: the items are dropped now and count as done, so that gets are refused at once, and a
    /// [`join`](Self::join) waits only for those that were taken before.
    ///
    /// asyncio: `Queue.shutdown(immediate)` of Python 3.13.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Queue, QueueShutDown};
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.put(1).await.unwrap();
    ///     queue.shutdown(false);
    ///     assert_eq!(queue.put(2).await, Err(QueueShutDown(2)));
    ///     assert_eq!(queue.get().await, Ok(1));
    ///     assert_eq!(queue.get().await, Err(QueueShutDown(())));
    /// });
    /// ```
    pub fn shutdown(&self, immediate: bool) {
        let mut called = Called::default();
        let rest = self.lock().shut_down(immediate, &mut called);
        called.wake();
        drop(rest);
    }

    /// Returns whether the queue was shut down.
    ///
    /// asyncio: no counterpart; `repr` shows it.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::<u8>::new(0);
    /// assert!(!queue.is_shut_down());
    /// queue.shutdown(true);
    /// assert!(queue.is_shut_down());
    /// ```
    pub fn is_shut_down(&self) -> bool {
        self.lock().is_shut_down
    }

    /// Returns how many items are in the queue; with several threads it is old news.
    ///
    /// asyncio: `Queue.qsize`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(0);
    /// queue.put_nowait(7).unwrap();
    /// assert_eq!(queue.qsize(), 1);
    /// ```
    pub fn qsize(&self) -> usize {
        self.lock().items.len()
    }

    /// Returns whether no item is in the queue.
    ///
    /// asyncio: `Queue.empty`.
    ///
    /// # Examples
    /// ```
    /// assert!(bowerbird::sync::Queue::<u8>::new(0).empty());
    /// ```
    pub fn empty(&self) -> bool {
        self.qsize() == 0
    }

    /// Returns whether as many items as [`maxsize`](Self::maxsize) are in the queue; without end it never is full.
    ///
    /// asyncio: `Queue.full`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(1);
    /// queue.put_nowait(7).unwrap();
    /// assert!(queue.full());
    /// ```
    pub fn full(&self) -> bool {
        self.lock().is_full()
    }

    /// Returns how many items may be in the queue; 0 is without end.
    ///
    /// asyncio: `Queue.maxsize`.
    ///
    /// # Examples
    /// ```
    /// assert_eq!(bowerbird::sync::Queue::<u8>::new(3).maxsize(), 3);
    /// ```
    pub fn maxsize(&self) -> usize {
        self.maxsize
    }

    /// Returns what the queue holds and who waits, all of one moment.
    ///
    /// asyncio: no counterpart; `repr` shows it. trio: `MemoryChannelStatistics`.
    ///
    /// # Examples
    /// ```
    /// let queue = bowerbird::sync::Queue::new(4);
    /// queue.put_nowait(7).unwrap();
    /// let now = queue.statistics();
    /// assert_eq!((now.qsize, now.maxsize, now.unfinished, now.getters), (1, 4, 1, 0));
    /// ```
    pub fn statistics(&self) -> QueueStatistics {
        self.describe(&self.lock())
    }

    fn describe(&self, state: &State<O::Items>) -> QueueStatistics {
        QueueStatistics {
            qsize: state.items.len(),
            maxsize: self.maxsize,
            unfinished: state.unfinished,
            getters: state.getters.len(),
            putters: state.putters.len(),
            joiners: state.joiners.len(),
            is_shut_down: state.is_shut_down,
        }
    }
}

impl<T> Default for Queue<T> {
    /// Makes a queue without end.
    fn default() -> Self {
        Self::new(0)
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
