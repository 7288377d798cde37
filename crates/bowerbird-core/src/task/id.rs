//! The number of a task.
//!
//! # Ordering arguments
//! - `[ORD-1]` The counter: Relaxed, for only the uniqueness of the numbers matters.

use std::fmt;

use bowerbird_base::sync::static_atomic::{AtomicU64, Ordering};

/// The number of a task: unique in the process, counted from 1 in the order of spawning on one worker.
///
/// asyncio: the `N` of a default name `Task-N`. With several workers each takes blocks of numbers, so the
/// order holds for each worker alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub(crate) u64);

impl TaskId {
    /// Returns the number.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

/// How many numbers a worker takes at a time.
pub(crate) const BLOCK: u64 = 1_024;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Takes `count` numbers and gives the first. 48 bits: enough for a billion tasks a second for three days,
/// a million a second for nine years; then they repeat.
pub(crate) fn take(count: u64) -> u64 {
    // [ORD-1]
    NEXT.fetch_add(count, Ordering::Relaxed)
}
