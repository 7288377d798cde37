//! What a queue says of itself.

use std::fmt;

use super::Queue;
use super::order::{Lock, Order};

/// What a queue holds and who waits, see [`Queue::statistics`].
///
/// asyncio: no counterpart; `repr` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// How many items are in the queue.
    pub qsize: usize,
    /// How many may be; 0 is without end.
    pub maxsize: usize,
    /// How many items were put and are not done.
    pub unfinished: usize,
    /// How many gets wait, woken or not.
    pub getters: usize,
    /// How many puts wait, woken or not.
    pub putters: usize,
    /// How many joins wait.
    pub joiners: usize,
    /// Whether the queue was shut down.
    pub is_shut_down: bool,
}

/// Never blocks: without the numbers while somebody has the lock.
pub(super) fn fmt_queue<T, O: Order<T>>(
    queue: &Queue<T, O>,
    name: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let now = queue.state.try_lock().map(|state| queue.describe(&state));
    let mut fields = f.debug_struct(name);
    fields.field("maxsize", &queue.maxsize);
    if let Some(now) = now {
        fields.field("qsize", &now.qsize).field("unfinished", &now.unfinished);
        fields.field("getters", &now.getters).field("putters", &now.putters);
        fields.field("is_shut_down", &now.is_shut_down);
    }
    fields.finish_non_exhaustive()
}

impl<T, O: Order<T>> fmt::Debug for Queue<T, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_queue(self, "Queue", f)
    }
}
