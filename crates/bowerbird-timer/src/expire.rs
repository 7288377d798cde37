//! Due entries -> wakers: taken out under the lock, called after it.

use std::cell::Cell;
use std::task::Waker;

use bowerbird_base::const_thread_local;
use bowerbird_base::swallow::contain;

use crate::entry::Due;
use crate::timers::LockedWheel;

/// How many entries are taken out at a time: between two portions others get at the wheel.
const PORTION: usize = 512;

const_thread_local! {
    /// The buffer of the last turn, so that a turn does not allocate.
    static BUFFER: Cell<Vec<Due>> = Cell::new(Vec::new());
}

/// Wakes what is due in a wheel, in the order of (deadline, insertion); returns how many.
pub(crate) fn fire(wheel: &LockedWheel, now_ns: u64) -> usize {
    // A waker that fires a wheel itself, or a thread that ends, finds no buffer and makes one.
    let mut due = BUFFER.try_with(Cell::take).unwrap_or_default();
    let mut is_done = wheel.with(|wheel| {
        wheel.begin_turn(now_ns);
        wheel.take_due(PORTION, &mut due)
    });
    while !is_done {
        is_done = wheel.with(|wheel| wheel.take_due(PORTION, &mut due));
    }
    due.sort_unstable_by_key(|due| (due.deadline_ns, due.stamp));
    let count = due.len();
    for due in due.drain(..) {
        contain("a waker that a deadline woke panicked", || due.waker.wake());
    }
    if due.capacity() <= PORTION {
        // No slot any more: the thread ends.
        let _ = BUFFER.try_with(|buffer| buffer.set(due));
    }
    count
}

/// Drops wakers; one that panics does not keep the others.
pub(crate) fn drop_each(wakers: Vec<Waker>) {
    for waker in wakers {
        contain("the destructor of a sleep's waker panicked", || drop(waker));
    }
}

#[cfg(test)]
bowerbird_base::model_or_real! { {} { mod tests; } }
