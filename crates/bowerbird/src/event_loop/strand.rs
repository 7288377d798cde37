//! The callbacks of one loop: called one at a time, in the order in which they came, on any worker.
//!
//! For each callback that is queued one **ticket** is spawned, a task that nobody sees: whoever polls a
//! ticket calls the callback at the front. So callbacks take turns with tasks as in asyncio's queue. A ticket
//! that meets another one at work leaves its turn to that one (`owed`), so two callbacks never run at the
//! same time.
//!
//! ```text
//!   push: callback --> ready, one ticket more
//!   ticket: is_running? -- yes --> owed + 1
//!                  '------ no ---> calls the front; then as many more as are owed
//! ```
//!
//! # Batches
//! asyncio calls what stood in the queue when a turn began, and then looks whether it is to stop. A batch
//! here is what stood in the queue when the first callback of the batch was taken. After `stop` only the
//! rest of the batch is called; the tickets of later callbacks are put off (`deferred`) to the next run.

use std::collections::VecDeque;
use std::sync::Arc;

use bowerbird_base::sync::Mutex;

use super::callback::Call;

/// After so many callbacks in a row a ticket gives way to other tasks.
const MOST_IN_A_ROW: usize = 32;

/// The queue of callbacks of a loop.
pub(crate) struct Strand(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    ready: VecDeque<Arc<Call>>,
    /// How many callbacks were ever queued, and how many were taken.
    pushed_count: u64,
    taken_count: u64,
    /// Callbacks with smaller numbers belong to the batch that is going on.
    batch_end: u64,
    is_running: bool,
    /// Tickets that came while another one ran.
    owed: usize,
    /// Tickets whose callbacks wait for the next run.
    deferred: usize,
    is_stopping: bool,
    is_closed: bool,
}

/// The loop is closed: it takes no more callbacks, and gives back the one that came.
pub(crate) struct Closed(pub(crate) Arc<Call>);

impl Queue {
    /// Takes the callback at the front, if there is one and it may be called now.
    fn take(&mut self) -> Option<Arc<Call>> {
        if self.taken_count >= self.batch_end {
            if self.is_stopping && !self.ready.is_empty() {
                self.deferred += 1;
                return None;
            }
            self.batch_end = self.pushed_count;
        }
        let call = self.ready.pop_front()?;
        self.taken_count += 1;
        Some(call)
    }
}

impl Strand {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Queue::default()))
    }

    /// Queues a callback; the caller spawns a ticket for it.
    pub(crate) fn push(&self, call: Arc<Call>) -> Result<(), Closed> {
        let mut queue = self.0.lock();
        if queue.is_closed {
            return Err(Closed(call));
        }
        queue.pushed_count += 1;
        queue.ready.push_back(call);
        Ok(())
    }

    /// What a ticket does. Returns how many tickets are to be spawned in place of those that were left to
    /// this one.
    #[must_use]
    pub(crate) fn run_ticket(&self) -> usize {
        let mut queue = self.0.lock();
        if queue.is_running {
            queue.owed += 1;
            return 0;
        }
        queue.is_running = true;
        for _ in 0..MOST_IN_A_ROW {
            let call = queue.take();
            drop(queue);
            if let Some(call) = call {
                call.run();
            }
            queue = self.0.lock();
            if queue.owed == 0 {
                queue.is_running = false;
                return 0;
            }
            queue.owed -= 1;
        }
        queue.is_running = false;
        // One of them was taken off above, and not served.
        std::mem::take(&mut queue.owed) + 1
    }

    /// Lets the callbacks of the batch that is going on be called, and no others.
    pub(crate) fn stop(&self) {
        let mut queue = self.0.lock();
        if queue.is_stopping {
            return;
        }
        queue.is_stopping = true;
        if !queue.is_running {
            // Said by a task, or before the run: what stands in the queue is the batch.
            queue.batch_end = queue.pushed_count;
        }
    }

    /// Makes everything that stands in the queue part of the batch, also what was put off already: with several
    /// workers tickets are polled between runs. Returns how many tickets are to be spawned for that.
    #[must_use]
    pub(crate) fn widen_batch(&self) -> usize {
        let mut queue = self.0.lock();
        queue.batch_end = queue.pushed_count;
        std::mem::take(&mut queue.deferred)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.0.lock().is_stopping
    }

    /// Whether the callbacks of the batch before a stop have all been called.
    pub(crate) fn has_stopped(&self) -> bool {
        let queue = self.0.lock();
        queue.is_stopping && queue.taken_count >= queue.batch_end && !queue.is_running
    }

    /// A run has ended: what was put off may be called in the next one. Returns how many tickets are to be
    /// spawned.
    #[must_use]
    pub(crate) fn end_run(&self) -> usize {
        let mut queue = self.0.lock();
        queue.is_stopping = false;
        std::mem::take(&mut queue.deferred)
    }

    /// Drops what is queued and takes no more.
    pub(crate) fn close(&self) {
        let dropped = {
            let mut queue = self.0.lock();
            queue.is_closed = true;
            std::mem::take(&mut queue.ready)
        };
        drop(dropped);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().is_closed
    }
}

#[cfg(test)]
mod tests;
