//! An item that counts as done when its guard goes.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::Queue;
use super::order::{Fifo, Order};

/// An item out of a queue that is done when this guard is dropped, see [`Queue::get_guard`].
///
/// asyncio: no counterpart; there one writes `try: .. finally: queue.task_done()`.
#[must_use = "a guard that is dropped at once counts its item as done"]
pub struct ItemGuard<'a, T, O: Order<T> = Fifo> {
    // Dropped in this order: the item goes before it counts as done.
    item: T,
    done: Done<'a, T, O>,
}

/// Counts one item as done when it is dropped.
struct Done<'a, T, O: Order<T>>(&'a Queue<T, O>);

impl<T, O: Order<T>> Drop for Done<'_, T, O> {
    fn drop(&mut self) {
        let was_counted = self.0.finish_one();
        assert!(
            was_counted || std::thread::panicking(),
            "the item of an ItemGuard was counted as done already: task_done() was called for it as well; leave \
             that to the guard, or take the item out with ItemGuard::into_inner()"
        );
    }
}

impl<'a, T, O: Order<T>> ItemGuard<'a, T, O> {
    pub(super) fn new(queue: &'a Queue<T, O>, item: T) -> Self {
        Self { item, done: Done(queue) }
    }

    /// Takes the item out of its guard, undone: calling [`Queue::task_done`] is then up to the caller.
    ///
    /// An associated function, so that it hides no method of the item.
    ///
    /// asyncio: what `Queue.get` gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::sync::{Queue, queue::ItemGuard};
    /// bowerbird::run(async {
    ///     let queue = Queue::new(0);
    ///     queue.put(String::from("job")).await.unwrap();
    ///     let job: String = ItemGuard::into_inner(queue.get_guard().await.unwrap());
    ///     assert_eq!((job.as_str(), queue.statistics().unfinished), ("job", 1));
    ///     queue.task_done();
    ///     queue.join().await;
    /// });
    /// ```
    pub fn into_inner(this: Self) -> T {
        let Self { item, done } = this;
        std::mem::forget(done);
        item
    }
}

impl<T, O: Order<T>> Deref for ItemGuard<'_, T, O> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.item
    }
}

impl<T, O: Order<T>> DerefMut for ItemGuard<'_, T, O> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.item
    }
}

impl<T: fmt::Debug, O: Order<T>> fmt::Debug for ItemGuard<'_, T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
