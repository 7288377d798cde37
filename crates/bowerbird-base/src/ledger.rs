//! Who holds what: locks, permits, and what was handed to a wait that did not look yet.
//!
//! A primitive opens a [`Line`] where a task begins to wait for something that is handed over, and one where it holds
//! it; the executor reads them, for the call graph ([`holders`]) and in debug mode for what is called a
//! futurelock ([`poll_ended`]): a lock handed to a future whose task was polled since, but not that future.
//! Oxide's engineers described it (oxidecomputer/omicron, issue 9259).
//!
//! Lines are kept in polls that are tracked alone ([`poll_context::is_tracked`](crate::poll_context::is_tracked));
//! others pay for a load and a branch. What a task holds from before it was tracked is not seen.
//!
//! All of it stands behind one lock, which is never held while other code runs.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::Location;

use parking_lot::Mutex;

use crate::const_thread_local;
use crate::poll_context::is_tracked;

static LEDGER: Mutex<Ledger> =
    Mutex::new(Ledger { next: 1, rows: BTreeMap::new(), handed: Vec::new() });

const_thread_local! {
    /// The number of the task in whose tracked poll this thread is.
    static TASK: Cell<u64> = Cell::new(0);
}

struct Ledger {
    /// Numbers for lines and for what happens, in their order.
    next: u64,
    rows: BTreeMap<u64, Row>,
    /// The lines that were handed something and have not looked.
    handed: Vec<u64>,
}

struct Row {
    task: u64,
    kind: &'static str,
    object: u64,
    location: &'static Location<'static>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Since when, and whether its task was polled since without looking.
    Handed {
        at: u64,
        is_missed: bool,
        is_told: bool,
    },
    Holding,
}

impl Ledger {
    fn number(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    fn waiting(&self, object: u64) -> usize {
        let waits = |row: &&Row| row.object == object && row.state == State::Waiting;
        self.rows.values().filter(waits).count()
    }
}

/// What a line is about: what kind of thing, which one, and where the user's code made the wait or the guard.
#[derive(Debug, Clone, Copy)]
pub struct Spot {
    /// `"lock"`, `"semaphore"`, ...: as in [`note_wait`](crate::poll_context::note_wait).
    pub kind: &'static str,
    /// The address: as in [`note_wait`](crate::poll_context::note_wait).
    pub object: u64,
    /// Where the user's code made it.
    pub location: &'static Location<'static>,
}

impl Spot {
    /// The line of a wait that begins, or none where this poll is not tracked.
    #[inline]
    pub fn wait(self) -> Line {
        if is_tracked() { self.open(State::Waiting) } else { Line(0) }
    }

    /// The line of a hold that begins, or none where this poll is not tracked.
    #[inline]
    pub fn hold(self) -> Line {
        Line::of_hold(|| self)
    }

    #[cold]
    fn open(self, state: State) -> Line {
        let Self { kind, object, location } = self;
        let row = Row { task: TASK.with(Cell::get), kind, object, location, state };
        let mut ledger = LEDGER.lock();
        let number = ledger.number();
        ledger.rows.insert(number, row);
        Line(number)
    }
}

/// One line, struck out on drop.
#[derive(Debug)]
#[must_use = "a line is struck out when it is dropped"]
pub struct Line(u64);

impl Line {
    /// The line of a hold that begins, or none where this poll is not tracked, and then nothing is asked for.
    #[inline]
    pub fn of_hold(spot: impl FnOnce() -> Spot) -> Self {
        if is_tracked() { spot().open(State::Holding) } else { Self(0) }
    }

    /// What was waited for has been handed over. May be said under a lock.
    #[inline]
    pub fn hand(&self) {
        if self.0 != 0 {
            self.hand_over();
        }
    }

    #[cold]
    fn hand_over(&self) {
        let ledger = &mut *LEDGER.lock();
        let at = ledger.number();
        if let Some(row) = ledger.rows.get_mut(&self.0) {
            row.state = State::Handed { at, is_missed: false, is_told: false };
            ledger.handed.push(self.0);
        }
    }

    #[cold]
    fn strike_out(&self) {
        let ledger = &mut *LEDGER.lock();
        if let Some(Row { state: State::Handed { .. }, .. }) = ledger.rows.remove(&self.0) {
            ledger.handed.retain(|number| *number != self.0);
        }
    }
}

impl Drop for Line {
    #[inline]
    fn drop(&mut self) {
        if self.0 != 0 {
            self.strike_out();
        }
    }
}

/// One that holds an object, or was handed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Holder {
    /// The number of the task in whose poll it began.
    pub task: u64,
    /// Where the user's code made the wait or the guard.
    pub location: &'static Location<'static>,
    /// Whether it was handed over to a wait that has not looked since.
    pub is_handed: bool,
}

/// Who holds an object, as far as it was tracked, the longest first.
pub fn holders(object: u64) -> Vec<Holder> {
    let ledger = LEDGER.lock();
    let rows = ledger.rows.values().filter(|row| row.object == object);
    rows.filter(|row| row.state != State::Waiting)
        .map(|row| Holder {
            task: row.task,
            location: row.location,
            is_handed: row.state != State::Holding,
        })
        .collect()
}

/// Something was handed to a future that its task does not poll, and others wait for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Futurelock {
    /// The number of the task whose future it is.
    pub task: u64,
    /// What kind of thing was handed over.
    pub kind: &'static str,
    /// Where the user's code made the future.
    pub location: &'static Location<'static>,
    /// How many wait behind it.
    pub waiting: usize,
}

/// The time between two polls of the executor, for [`poll_ended`].
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    at: u64,
    outer: u64,
}

/// A tracked poll of this task begins.
pub fn poll_begins(task: u64) -> Mark {
    let at = LEDGER.lock().number();
    Mark { at, outer: TASK.with(|current| current.replace(task)) }
}

/// The poll has ended. What was handed to the task before it began and was not looked at is missed, if the
/// task `sleeps` now: one that comes back soon, for it ran out of budget, may look then. Tells of what was
/// missed and is waited for, once each.
pub fn poll_ended(task: u64, mark: Mark, sleeps: bool) -> Vec<Futurelock> {
    TASK.with(|current| current.set(mark.outer));
    let ledger = &mut *LEDGER.lock();
    let mut found = Vec::new();
    for number in ledger.handed.clone() {
        let Some(row) = ledger.rows.get_mut(&number) else { continue };
        let State::Handed { at, is_missed, is_told } = &mut row.state else { continue };
        *is_missed |= row.task == task && *at < mark.at && sleeps;
        if !*is_missed || *is_told {
            continue;
        }
        let (task, kind, object, location) = (row.task, row.kind, row.object, row.location);
        let waiting = ledger.waiting(object);
        if waiting == 0 {
            continue;
        }
        found.push(Futurelock { task, kind, location, waiting });
        if let Some(Row { state: State::Handed { is_told, .. }, .. }) = ledger.rows.get_mut(&number)
        {
            *is_told = true;
        }
    }
    found
}

crate::model_or_real! {
    {}
    {
        #[cfg(test)]
        mod tests;
    }
}
