//! The callbacks that wait for their time.
//!
//! They stand in a heap by time and order of arrival, and the loop has one entry in the timer wheel, for the
//! earliest of them. When that fires, what is due moves to the queue. Then, and when an earlier one comes, a step
//! on the strand sets the entry anew. The step alone touches the `Sleep`, and steps of a strand follow one another.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Instant;

use bowerbird_base::sync::Mutex;
use bowerbird_timer::Sleep;

use super::callback::Call;
use super::strand::{Closed, Strand};

/// Cancelled callbacks are thrown out when there are at least so many, and they are more than half.
const MANY_CANCELLED: usize = 100;

/// The callbacks of a loop that wait for their time.
pub(crate) struct Waiting(Mutex<Heap>);

#[derive(Default)]
struct Heap {
    calls: BinaryHeap<Reverse<Timed>>,
    next_number: u64,
    /// What the entry in the wheel is set to.
    armed_for: Option<Instant>,
    /// A step that sets it anew is on its way.
    is_step_queued: bool,
    /// Not there while a step uses it.
    sleep: Option<Sleep>,
    /// The size at which cancelled ones are looked for next.
    sweep_at: usize,
}

struct Timed {
    when: Instant,
    number: u64,
    call: Arc<Call>,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Heap::default()))
    }

    /// Adds a callback. Returns whether a step must be queued, since it is the earliest.
    #[must_use]
    pub(crate) fn add(&self, when: Instant, call: Arc<Call>) -> bool {
        let mut swept = Vec::new();
        let mut heap = self.0.lock();
        let number = heap.next_number;
        heap.next_number += 1;
        heap.calls.push(Reverse(Timed { when, number, call }));
        if heap.calls.len() > heap.sweep_at.max(MANY_CANCELLED) {
            swept = heap.take_cancelled();
        }
        let is_earliest = heap.armed_for.is_none_or(|armed_for| when < armed_for);
        let needs_step = is_earliest && !heap.is_step_queued;
        heap.is_step_queued |= needs_step;
        drop(heap);
        drop(swept);
        needs_step
    }

    /// The entry in the wheel has fired. Returns whether a step must be queued.
    #[must_use]
    pub(crate) fn fired(&self) -> bool {
        let mut heap = self.0.lock();
        heap.armed_for = None;
        !std::mem::replace(&mut heap.is_step_queued, true)
    }

    /// A step begins.
    pub(crate) fn step_begins(&self) {
        self.0.lock().is_step_queued = false;
    }

    /// Moves what is due to the queue, in order. Returns how many tickets are to be spawned for it.
    pub(crate) fn move_due(&self, now: Instant, strand: &Strand) -> usize {
        let mut refused = Vec::new();
        let mut count = 0;
        // Under the lock, so that two threads that do this do not mix up the order.
        let mut heap = self.0.lock();
        while heap.calls.peek().is_some_and(|Reverse(timed)| timed.when <= now) {
            let Some(Reverse(timed)) = heap.calls.pop() else { break };
            match strand.push(timed.call) {
                Ok(()) => count += 1,
                Err(Closed(call)) => refused.push(call),
            }
        }
        drop(heap);
        drop(refused);
        count
    }

    /// What the entry must be set to, if it is not: the time, and the sleep to set.
    pub(crate) fn to_arm(&self) -> Option<(Instant, Option<Sleep>)> {
        let mut heap = self.0.lock();
        let when = heap.calls.peek().map(|Reverse(timed)| timed.when)?;
        if heap.armed_for.is_some_and(|armed_for| armed_for <= when) {
            return None;
        }
        heap.armed_for = Some(when);
        Some((when, heap.sleep.take()))
    }

    /// Gives the sleep back after it was set.
    pub(crate) fn armed(&self, sleep: Sleep) {
        let before = self.0.lock().sleep.replace(sleep);
        drop(before);
    }

    /// Drops everything.
    pub(crate) fn clear(&self) {
        let (calls, sleep) = {
            let mut heap = self.0.lock();
            (std::mem::take(&mut heap.calls), heap.sleep.take())
        };
        drop(calls);
        drop(sleep);
    }
}

impl Heap {
    fn take_cancelled(&mut self) -> Vec<Timed> {
        let (cancelled, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.calls)
            .into_iter()
            .partition(|Reverse(timed)| timed.call.is_cancelled());
        self.calls = kept.into();
        self.sweep_at = self.calls.len() * 2;
        cancelled.into_iter().map(|Reverse(timed)| timed).collect()
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.when, self.number).cmp(&(other.when, other.number))
    }
}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timed {}
