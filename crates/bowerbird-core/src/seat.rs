//! A worker's place: its queues, its tasks, where it sleeps. The thread that occupies it may change.
//!
//! A runtime has a seat for each worker and one for tasks that are spawned from outside (which nobody
//! occupies); a thread in `block_on` that finds no idle worker brings a seat of its own, which polls its
//! own main future and local tasks and nothing else.
//!
//! # Occupancy
//! ```text
//!   VACANT -- 0 enter --> HOME -- 1 ask --> ASKED -- 2 lend --> LENT -- 3 give back --> HOME
//!                           |                 |----- 2 refuse (live local tasks) -----> HOME
//!     VACANT <-- 4 close ---'-----------------'
//! ```
//! A thread takes an empty seat (0) and is then the one that belongs to it, until it leaves (4). It lends
//! the seat to a `block_on` caller that asked (1, 2), and waits until it has it back (3). Each question has
//! a number, so that two callers who ask one after the other do not both take one answer for theirs, and
//! leaving refuses a question that is open. All under one lock; the core is handed over with it (loom
//! `seat_has_one_occupant`). `block_in_place` gives the seat to another thread for good, before that thread
//! begins; the seat is not vacant in between.
//!
//! # Ordering arguments
//! - `[ORD-1]` The flag of the inbox is set after an item was put into it and cleared before it is
//!   emptied, so a set flag may find nothing but a cleared flag hides nothing. The item itself is behind
//!   the lock, and the occupant is unparked after the flag was set. Weaker (the flag set or cleared outside of
//!   the lock): an item that nobody looks for (loom `inbox_item_is_never_hidden`).
//! - `[ORD-2]` `asked` is a hint to look at the occupancy, which is behind its lock.
//! - `[ORD-3]` Figures for the rescue thread and for metrics: Relaxed, nothing depends on their order.
//! - `[ORD-4]` The next-task slot hands a task over between the owner and the rescue thread: Release when
//!   it is put, Acquire when it is taken, and taking is a swap, so that one of the two gets it. Weaker: a
//!   task polled twice, or a header read before it was written (loom `slot_is_taken_once`,
//!   `slot_hands_over_what_was_written`).

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ptr::{self, NonNull};

use bowerbird_base::cache_line::CacheLine;
use bowerbird_base::rng::Rng;
use bowerbird_base::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use bowerbird_base::sync::{Condvar, IS_MODEL, Mutex};

use crate::batch::BatchCost;
use crate::cells::Cells;
use crate::owned::OwnedList;
use crate::owner::{self, OwnerNumber};
use crate::park::Parker;
use crate::queue::Deque;
use crate::runtime::Runtime;
use crate::task::Runnable;
use crate::task::header::Header;
use crate::task::id;

/// A worker's place.
pub(crate) struct Seat {
    pub(crate) number: OwnerNumber,
    pub(crate) list: OwnedList,
    pub(crate) parker: Parker,
    pub(crate) inbox: Inbox,
    pub(crate) slot: NextSlot,
    pub(crate) figures: CacheLine<Figures>,
    pub(crate) occupancy: Occupancy,
    /// The occupant's own; see `core`.
    core: Core,
}

// SAFETY: everything but `core` is `Sync`; `core` is reached by the occupant alone (`Occupant::core`), and
// what it holds may be handed over between threads.
unsafe impl Sync for Seat {}
// SAFETY: as above.
unsafe impl Send for Seat {}

/// What only the occupant touches.
pub(crate) struct Core {
    /// One worker: everything that is ready. Several: the local tasks that are ready.
    pub(crate) queue: RefCell<VecDeque<Runnable>>,
    /// What the inbox is emptied into.
    pub(crate) inbox_buffer: Cell<Vec<Runnable>>,
    /// Several workers: what was spawned or woken, newest first; thieves take the oldest.
    pub(crate) lifo: Deque,
    /// Several workers: what yielded, and what events and deadlines woke, oldest first.
    pub(crate) fifo: Deque,
    /// The main future is ready (several workers; with one it stands in the queue).
    pub(crate) ready_main: Cell<Option<Runnable>>,
    /// How many tasks were taken.
    pub(crate) tick: Cell<u32>,
    /// How many tasks in a row came from the slot.
    pub(crate) slot_streak: Cell<u32>,
    /// How many local tasks live here, the main future included.
    pub(crate) local_count: Cell<usize>,
    /// Counts as searching in the idle protocol.
    pub(crate) is_searching: Cell<bool>,
    /// Events and deadlines are being turned into wake-ups: queue them without waking anybody.
    pub(crate) is_dispatching: Cell<bool>,
    /// How many tasks the dispatch has queued.
    pub(crate) dispatched_count: Cell<u32>,
    pub(crate) batch_cost: BatchCost,
    pub(crate) rng: Rng,
    /// Memory of ended tasks.
    pub(crate) cells: Cells,
    next_id: Cell<u64>,
    end_of_ids: Cell<u64>,
}

/// What others read of the occupant.
pub(crate) struct Figures {
    /// Rises with each poll.
    pub(crate) polls: AtomicU64,
    /// The occupant sleeps, or there is none.
    pub(crate) is_parked: AtomicBool,
}

impl Seat {
    /// Makes a seat; it is in the table when `enlist` was called.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            number: owner::take_number(),
            list: OwnedList::new(),
            parker: Parker::new(),
            inbox: Inbox { has_items: AtomicBool::new(false), items: Mutex::new(Vec::new()) },
            slot: NextSlot(AtomicPtr::new(ptr::null_mut())),
            figures: CacheLine(Figures {
                polls: AtomicU64::new(0),
                is_parked: AtomicBool::new(true),
            }),
            occupancy: Occupancy::new(),
            core: Core {
                queue: RefCell::new(VecDeque::new()),
                inbox_buffer: Cell::new(Vec::new()),
                lifo: Deque::new_lifo(),
                fifo: Deque::new_fifo(),
                ready_main: Cell::new(None),
                tick: Cell::new(0),
                slot_streak: Cell::new(0),
                local_count: Cell::new(0),
                is_searching: Cell::new(false),
                is_dispatching: Cell::new(false),
                dispatched_count: Cell::new(0),
                batch_cost: BatchCost::new(),
                rng: Rng::new(seed),
                cells: Cells::new(),
                next_id: Cell::new(0),
                end_of_ids: Cell::new(0),
            },
        }
    }

    /// Puts the seat into the process-wide table, before any task stands in it.
    pub(crate) fn enlist(&self, runtime: *const Runtime, lasts: bool) {
        owner::set(self.number, runtime, self, lasts);
    }

    /// The occupant's own part.
    ///
    /// # Safety
    /// The caller's thread occupies the seat, or nobody has occupied it yet.
    #[inline]
    pub(crate) unsafe fn core(&self) -> &Core {
        &self.core
    }

    /// Publishes that a poll begins.
    #[inline]
    pub(crate) fn count_poll(&self) {
        let polls = &self.figures.polls;
        // [ORD-3] One writer, so no read-modify-write.
        polls.store(polls.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// How many polls have begun.
    pub(crate) fn polls(&self) -> u64 {
        self.figures.polls.load(Ordering::Relaxed) // [ORD-3]
    }

    /// Publishes whether the occupant sleeps.
    pub(crate) fn set_parked(&self, is_parked: bool) {
        self.figures.is_parked.store(is_parked, Ordering::Relaxed); // [ORD-3]
    }

    /// Whether the occupant sleeps.
    pub(crate) fn is_parked(&self) -> bool {
        self.figures.is_parked.load(Ordering::Relaxed) // [ORD-3]
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        owner::retire(self.number);
        owner::give_back(self.number, self.list.len());
    }
}

impl Core {
    /// The number of the next task that is spawned here.
    #[inline]
    pub(crate) fn next_id(&self) -> u64 {
        let id = self.next_id.get();
        if id == self.end_of_ids.get() {
            return self.next_block();
        }
        self.next_id.set(id + 1);
        id
    }

    #[cold]
    fn next_block(&self) -> u64 {
        let first = id::take(id::BLOCK);
        self.next_id.set(first + 1);
        self.end_of_ids.set(first + id::BLOCK);
        first
    }
}

/// Tasks that other threads made ready for this seat's thread.
pub(crate) struct Inbox {
    has_items: AtomicBool,
    items: Mutex<Vec<Runnable>>,
}

impl Inbox {
    /// Puts a task in; the caller unparks the occupant afterwards.
    pub(crate) fn put(&self, task: Runnable) {
        let mut items = self.items.lock();
        items.push(task);
        // [ORD-1] Under the lock, so that a concurrent `take` leaves the flag right.
        self.has_items.store(true, Ordering::Release);
    }

    /// Whether there may be something.
    #[inline]
    pub(crate) fn has_items(&self) -> bool {
        self.has_items.load(Ordering::Acquire) // [ORD-1]
    }

    /// Takes everything, in the order in which it came; `into` is empty.
    pub(crate) fn take(&self, into: &mut Vec<Runnable>) {
        let mut items = self.items.lock();
        self.has_items.store(false, Ordering::Release); // [ORD-1]
        std::mem::swap(&mut *items, into);
    }
}

/// The task that runs next: what the running task spawned or woke last. No wake-up for it, and no thief
/// looks at it; the rescue thread takes it when the owner's poll lasts.
pub(crate) struct NextSlot(AtomicPtr<Header>);

impl NextSlot {
    /// Puts a task in and gives the one that was there. Only the owner calls it.
    #[inline]
    pub(crate) fn replace(&self, task: Runnable) -> Option<Runnable> {
        // [ORD-4] Only the owner fills the slot, so an empty one stays empty. A model always swaps: loom lets
        // a later swap overlook the plain store behind a swap that had read what was there before it.
        if !IS_MODEL && self.0.load(Ordering::Relaxed).is_null() {
            self.fill(&task);
            return None;
        }
        // [ORD-4]
        NonNull::new(self.0.swap(task.as_ptr(), Ordering::AcqRel)).map(Runnable)
    }

    /// Fills the empty slot.
    #[inline]
    fn fill(&self, task: &Runnable) {
        self.0.store(task.as_ptr(), Ordering::Release); // [ORD-4]
    }

    /// Takes the task out.
    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        // [ORD-4]
        if self.0.load(Ordering::Relaxed).is_null() {
            return None;
        }
        // [ORD-4]
        NonNull::new(self.0.swap(ptr::null_mut(), Ordering::AcqRel)).map(Runnable)
    }

    /// Whether a task stands there.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null() // [ORD-4]
    }
}

/// Who has the seat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nobody.
    Vacant,
    /// The thread that belongs to it.
    Home,
    /// Somebody asked the occupant for it.
    Asked,
    /// Somebody else has it.
    Lent,
}

/// The hand-over of a seat.
pub(crate) struct Occupancy {
    asked: AtomicBool,
    state: Mutex<OccupancyState>,
    changed: Condvar,
}

struct OccupancyState {
    turn: Turn,
    /// The number of the last question.
    question: u64,
}

/// An open question of a guest.
#[must_use = "the home thread waits to have the seat back"]
pub(crate) struct Question(u64);

impl Occupancy {
    fn new() -> Self {
        Self {
            asked: AtomicBool::new(false),
            state: Mutex::new(OccupancyState { turn: Turn::Vacant, question: 0 }),
            changed: Condvar::new(),
        }
    }

    /// Whether somebody wants the seat.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed) // [ORD-2]
    }

    /// Edge 0. `false` if somebody has the seat.
    pub(crate) fn enter(&self) -> bool {
        let mut state = self.state.lock();
        let is_vacant = state.turn == Turn::Vacant;
        if is_vacant {
            state.turn = Turn::Home;
        }
        is_vacant
    }

    /// Edge 4, by the home thread, which leaves: whoever asks, or has asked, does not get the seat.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        self.asked.store(false, Ordering::Relaxed); // [ORD-2]
        state.turn = Turn::Vacant;
        self.changed.notify_all();
    }

    /// Edge 1, by a guest. `None` if somebody else was first, or nobody is there to answer. The caller then
    /// unparks the occupant.
    pub(crate) fn ask(&self) -> Option<Question> {
        let mut state = self.state.lock();
        if state.turn != Turn::Home {
            return None;
        }
        state.turn = Turn::Asked;
        state.question += 1;
        self.asked.store(true, Ordering::Relaxed); // [ORD-2]
        Some(Question(state.question))
    }

    /// Edge 2, the guest's side: waits for the answer and returns whether the seat is its own now.
    pub(crate) fn wait_for_answer(&self, question: Question) -> bool {
        let mut state = self.state.lock();
        // A later question means that this one was refused.
        while state.turn == Turn::Asked && state.question == question.0 {
            self.changed.wait(&mut state);
        }
        state.turn == Turn::Lent && state.question == question.0
    }

    /// Edges 2 and 3, the home thread's side: lends or refuses, and returns when it has the seat again.
    pub(crate) fn answer(&self, lend: bool) {
        let mut state = self.state.lock();
        self.asked.store(false, Ordering::Relaxed); // [ORD-2]
        if state.turn != Turn::Asked {
            return;
        }
        state.turn = if lend { Turn::Lent } else { Turn::Home };
        self.changed.notify_all();
        while state.turn == Turn::Lent {
            self.changed.wait(&mut state);
        }
    }

    /// Edge 3, the guest's side.
    pub(crate) fn give_back(&self) {
        let mut state = self.state.lock();
        self.asked.store(false, Ordering::Relaxed); // [ORD-2]
        state.turn = Turn::Home;
        self.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
