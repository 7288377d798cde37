//! Who sleeps and who searches. The protocol and its proof are in `IDLE.md`, beside this file.
//!
//! One word holds three counts, the searching, the sleeping and the present workers; the list behind the
//! lock says which sleep. The counts of sleepers change under the lock only, in the same read-modify-write as
//! the count of searchers, so no state in between can be seen.
//!
//! # Ordering arguments
//! - `[ORD-1]` All changes, and the question of a thread outside, are SeqCst read-modify-writes on the one
//!   word: they are totally ordered, and each acquires what the earlier ones released. Either the asker
//!   comes after the sleeper's announcement and claims it, or the sleeper comes after and sees the asker's
//!   task in its last scan. Weaker: a task in the injector while all sleep (loom
//!   `injected_task_is_never_slept_over`, `burst_of_injected_tasks_is_never_slept_over`), or one that waits for
//!   a long poll while others sleep (loom `finder_of_a_task_wakes_the_next_worker`).
//! - `[ORD-2]` Relaxed: a hint for a worker that has just queued a task in its own deque. If it misses a
//!   sleeper, the task is not lost, for the worker itself drains its deque before it sleeps (loom
//!   `local_push_is_drained_by_its_owner`); the rescue thread wakes a sleeper if that takes long.

use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::atomic::{AtomicU64, Ordering};

const SEARCHING: u64 = 1;
const SLEEPING: u64 = 1 << 21;
const PRESENT: u64 = 1 << 42;

/// The idle workers of a runtime.
pub(crate) struct Idle {
    word: AtomicU64,
    sleepers: Mutex<Vec<usize>>,
    worker_count: u64,
}

fn searching(word: u64) -> u64 {
    word & (SLEEPING - 1)
}

fn sleeping(word: u64) -> u64 {
    word % PRESENT / SLEEPING
}

fn present(word: u64) -> u64 {
    word / PRESENT
}

impl Idle {
    pub(crate) fn new(worker_count: usize) -> Self {
        Self {
            word: AtomicU64::new(0),
            sleepers: Mutex::new(Vec::with_capacity(worker_count)),
            worker_count: worker_count as u64,
        }
    }

    /// A thread has taken an empty seat.
    pub(crate) fn worker_came(&self) {
        self.word.fetch_add(PRESENT, Ordering::SeqCst); // [ORD-1] counted before it can sleep
    }

    /// A thread has left its seat empty.
    pub(crate) fn worker_left(&self) {
        self.word.fetch_sub(PRESENT, Ordering::SeqCst); // [ORD-1]
    }

    /// A worker begins to search, unless half of them do already.
    pub(crate) fn try_search(&self) -> bool {
        // [ORD-2] A count that is off by one lets one searcher more or less begin.
        if 2 * searching(self.word.load(Ordering::Relaxed)) >= self.worker_count {
            return false;
        }
        // [ORD-1]
        self.word.fetch_add(SEARCHING, Ordering::SeqCst);
        true
    }

    /// A worker that was about to sleep has seen queued work, and searches whatever the limit says: the
    /// searcher that counts against it may be a claimed worker that is not running yet, and waiting for it
    /// would be spinning.
    pub(crate) fn must_search(&self) {
        // [ORD-1]
        self.word.fetch_add(SEARCHING, Ordering::SeqCst);
    }

    /// A searcher found work. Returns whether it was the last one, so that it looks whether there is more
    /// and then asks ([`notify`](Self::notify)) for another worker to search in its place.
    #[must_use = "what is queued may have no searcher"]
    pub(crate) fn end_search(&self) -> bool {
        // [ORD-1]
        let before = self.word.fetch_sub(SEARCHING, Ordering::SeqCst);
        searching(before) == 1 && sleeping(before) > 0
    }

    /// Asks, after a task was put where every worker can find it, for a sleeper to wake.
    #[must_use = "the worker must be unparked"]
    pub(crate) fn notify(&self) -> Option<usize> {
        // [ORD-1]
        let word = self.word.fetch_add(0, Ordering::SeqCst);
        if searching(word) == 0 && sleeping(word) > 0 { self.claim() } else { None }
    }

    /// The same as a hint, after a worker queued a task in its own deque.
    #[inline]
    #[must_use = "the worker must be unparked"]
    pub(crate) fn notify_hint(&self) -> Option<usize> {
        // [ORD-2]
        let word = self.word.load(Ordering::Relaxed);
        if searching(word) == 0 && sleeping(word) > 0 { self.claim() } else { None }
    }

    /// Takes a sleeper out of the list if nobody searches; it counts as searching from here on.
    #[cold]
    fn claim(&self) -> Option<usize> {
        let mut sleepers = self.sleepers.lock();
        // [ORD-1]
        if searching(self.word.fetch_add(0, Ordering::SeqCst)) > 0 {
            return None;
        }
        self.pop(&mut sleepers)
    }

    /// Takes any sleeper out of the list; it counts as searching from here on.
    pub(crate) fn claim_any(&self) -> Option<usize> {
        self.pop(&mut self.sleepers.lock())
    }

    fn pop(&self, sleepers: &mut Vec<usize>) -> Option<usize> {
        let worker = sleepers.pop()?;
        // [ORD-1]
        self.word.fetch_add(SEARCHING.wrapping_sub(SLEEPING), Ordering::SeqCst);
        Some(worker)
    }

    /// A worker announces that it will sleep; it scans once more **after** this.
    pub(crate) fn announce_sleep(&self, worker: usize, was_searching: bool) {
        let mut sleepers = self.sleepers.lock();
        sleepers.push(worker);
        let searching = if was_searching { SEARCHING } else { 0 };
        // [ORD-1]
        self.word.fetch_add(SLEEPING.wrapping_sub(searching), Ordering::SeqCst);
    }

    /// A worker does not sleep any more. Returns whether it was claimed, and so counts as searching.
    pub(crate) fn end_sleep(&self, worker: usize) -> bool {
        let mut sleepers = self.sleepers.lock();
        let Some(at) = sleepers.iter().rposition(|&sleeper| sleeper == worker) else { return true };
        sleepers.swap_remove(at);
        // [ORD-1]
        self.word.fetch_sub(SLEEPING, Ordering::SeqCst);
        false
    }

    /// Whether every worker that there is sleeps.
    pub(crate) fn all_sleep(&self) -> bool {
        // [ORD-1]
        let word = self.word.fetch_add(0, Ordering::SeqCst);
        sleeping(word) == present(word)
    }

    /// How many workers sleep, as a figure.
    pub(crate) fn sleeping_count(&self) -> usize {
        sleeping(self.word.load(Ordering::Relaxed)) as usize // [ORD-2]
    }
}

#[cfg(test)]
mod tests;
