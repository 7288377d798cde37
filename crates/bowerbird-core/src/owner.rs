//! Who owns a task: a 16-bit number of a place in a process-wide table.
//!
//! A task's header has no room for a counted pointer to its runtime. It holds the number of the seat in
//! whose list it stands; this table leads from the number to the seat and its runtime. Places are reused
//! and never freed, so a number can always be looked up.
//!
//! # Why a foreign wake may follow the pointer
//! A thread outside the runtime [`enter`]s the place: it counts itself (A), makes its transition on the
//! task's state (B), follows the pointer, leaves. The runtime, before it frees anything, has seen all its
//! tasks done (C) and then reads the counters (D). If B made the task runnable, the task was not done, so
//! its end C comes after B in the order of the state word, and A, which precedes B, is visible at D: the
//! runtime waits until the guest has left. If B made nothing runnable, the guest follows no pointer.
//!
//! A runtime that is dropped without an end, or that left tasks behind, leaves tasks that are not done. So
//! [`retire`] takes the pointers away before it reads the counter: a guest that counts itself after that
//! reading finds no runtime and does nothing, and the number is not used again. The places themselves, and
//! the orderings, are in `place.rs`.

use crate::runtime::Runtime;
use crate::seat::Seat;
use crate::task::Runnable;

#[macro_use]
mod place;

use place::Place;

/// The number of a seat in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OwnerNumber(pub(crate) u16);

const PLACE_COUNT: usize = 1 << 16;

static PLACES: [Place<Runtime, Seat>; PLACE_COUNT] = [const { Place::new() }; PLACE_COUNT];

bowerbird_base::model_or_real! { {
    fn free_numbers<R>(f: impl FnOnce(&mut FreeNumbers) -> R) -> R {
        static FREE: std::sync::Mutex<FreeNumbers> = std::sync::Mutex::new(FreeNumbers::NEW);
        f(&mut FREE.lock().unwrap())
    }
} {
    fn free_numbers<R>(f: impl FnOnce(&mut FreeNumbers) -> R) -> R {
        use bowerbird_base::sync::Mutex;
        static FREE: Mutex<FreeNumbers> = Mutex::new(FreeNumbers::NEW);
        f(&mut FREE.lock())
    }
} }

struct FreeNumbers {
    returned: Vec<u16>,
    unused_from: usize,
}

impl FreeNumbers {
    const NEW: Self = Self { returned: Vec::new(), unused_from: 0 };
}

/// Takes a free number.
///
/// # Panics
/// If 65,536 seats are in use in this process.
pub(crate) fn take_number() -> OwnerNumber {
    free_numbers(|free| {
        free.returned.pop().map(OwnerNumber).unwrap_or_else(|| {
            assert!(
                free.unused_from < PLACE_COUNT,
                "all {PLACE_COUNT} worker seats of this process are in use; \
                 lower worker_threads or drop runtimes that are no longer needed"
            );
            let number = free.unused_from as u16;
            free.unused_from += 1;
            OwnerNumber(number)
        })
    })
}

#[inline]
fn place(number: OwnerNumber) -> &'static Place<Runtime, Seat> {
    &PLACES[usize::from(number.0)]
}

/// Says which seat and runtime a number stands for, before any task carries it. A seat that does not last
/// as long as its runtime is entered by the runtime's own workers too.
pub(crate) fn set(number: OwnerNumber, runtime: *const Runtime, seat: *const Seat, lasts: bool) {
    place(number).set(runtime, seat, lasts);
}

/// The runtime that a number stands for, if the seat lasts as long as it; to be compared only.
#[inline]
pub(crate) fn home_of(number: OwnerNumber) -> *const Runtime {
    place(number).home()
}

/// The runtime that a number stands for.
#[inline]
pub(crate) fn runtime_of(number: OwnerNumber) -> *const Runtime {
    place(number).runtime()
}

/// The seat that a number stands for.
#[inline]
pub(crate) fn seat_of(number: OwnerNumber) -> *const Seat {
    place(number).seat()
}

/// Waits until no guest is in the place.
pub(crate) fn wait_for_guests(number: OwnerNumber) {
    place(number).wait_for_guests();
}

/// The number stands for nothing from now on; returns when the last guest has left.
pub(crate) fn retire(number: OwnerNumber) {
    place(number).retire();
}

/// Gives a number back that was retired, unless unfinished tasks carry it.
pub(crate) fn give_back(number: OwnerNumber, unfinished_count: usize) {
    if unfinished_count == 0 {
        free_numbers(|free| free.returned.push(number.0));
    }
}

/// A thread outside the runtime, about to wake one of its tasks.
pub(crate) struct Guest {
    number: OwnerNumber,
}

/// Enters the place of a task's owner, before the transition of the task's state.
pub(crate) fn enter(number: OwnerNumber) -> Guest {
    place(number).enter();
    Guest { number }
}

impl Guest {
    /// Queues a task that this guest's transition has made runnable.
    pub(crate) fn schedule(&self, task: Runnable) {
        // SAFETY: the pointer is null, or its runtime cannot end before this guest leaves (module docs).
        let runtime = unsafe { runtime_of(self.number).as_ref() };
        // Without a runtime nobody will ever poll the task again.
        if let Some(runtime) = runtime {
            runtime.schedule_from_outside(task, self.number);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        place(self.number).leave();
    }
}

#[cfg(test)]
mod tests;
