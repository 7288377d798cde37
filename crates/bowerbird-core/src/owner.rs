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
//! # Ordering arguments
//! - `[ORD-1]` A is Relaxed before an AcqRel read-modify-write (B) of the same thread, and D comes after
//!   an acquire of C; leaving is Release against the Acquire of D, so that the guest's last use of the
//!   runtime precedes its end. Weaker at leaving: the queues are freed while the guest unparks a worker.
//! - `[ORD-2]` The pointers are written before the first task with this number exists and the task is
//!   handed over with at least Release and Acquire, so Relaxed loads see them.

use std::ptr;

use bowerbird_base::sync::Mutex;
use bowerbird_base::sync::hint::spin_loop;
use bowerbird_base::sync::static_atomic::{AtomicPtr, AtomicUsize, Ordering};
use bowerbird_base::sync::thread::yield_now;

use crate::runtime::Runtime;
use crate::seat::Seat;
use crate::task::Runnable;

/// The number of a seat in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct OwnerNumber(pub(crate) u16);

#[repr(align(64))]
struct Place {
    guest_count: AtomicUsize,
    runtime: AtomicPtr<Runtime>,
    /// The same, but null for a seat that may go before its runtime does.
    home: AtomicPtr<Runtime>,
    seat: AtomicPtr<Seat>,
}

const PLACE_COUNT: usize = 1 << 16;

static PLACES: [Place; PLACE_COUNT] = [const {
    Place {
        guest_count: AtomicUsize::new(0),
        runtime: AtomicPtr::new(ptr::null_mut()),
        home: AtomicPtr::new(ptr::null_mut()),
        seat: AtomicPtr::new(ptr::null_mut()),
    }
}; PLACE_COUNT];

bowerbird_base::model_or_real! { {
    fn free_numbers<R>(f: impl FnOnce(&mut FreeNumbers) -> R) -> R {
        static FREE: std::sync::Mutex<FreeNumbers> = std::sync::Mutex::new(FreeNumbers::NEW);
        f(&mut FREE.lock().unwrap())
    }
} {
    fn free_numbers<R>(f: impl FnOnce(&mut FreeNumbers) -> R) -> R {
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

/// Says which seat and runtime a number stands for, before any task carries it. A seat that does not last
/// as long as its runtime is entered by the runtime's own workers too.
pub(crate) fn set(number: OwnerNumber, runtime: *const Runtime, seat: *const Seat, lasts: bool) {
    let place = &PLACES[usize::from(number.0)];
    let home = if lasts { runtime.cast_mut() } else { ptr::null_mut() };
    // [ORD-2]
    place.home.store(home, Ordering::Relaxed);
    // [ORD-2]
    place.runtime.store(runtime.cast_mut(), Ordering::Relaxed);
    // [ORD-2]
    place.seat.store(seat.cast_mut(), Ordering::Relaxed);
}

/// The runtime that a number stands for, if the seat lasts as long as it; to be compared only.
#[inline]
pub(crate) fn home_of(number: OwnerNumber) -> *const Runtime {
    // [ORD-2]
    PLACES[usize::from(number.0)].home.load(Ordering::Relaxed)
}

/// The runtime that a number stands for.
#[inline]
pub(crate) fn runtime_of(number: OwnerNumber) -> *const Runtime {
    // [ORD-2]
    PLACES[usize::from(number.0)].runtime.load(Ordering::Relaxed)
}

/// The seat that a number stands for.
#[inline]
pub(crate) fn seat_of(number: OwnerNumber) -> *const Seat {
    // [ORD-2]
    PLACES[usize::from(number.0)].seat.load(Ordering::Relaxed)
}

/// Gives a number back, after the last guest has left. No task that carries it is unfinished.
pub(crate) fn give_back(number: OwnerNumber) {
    let place = &PLACES[usize::from(number.0)];
    let mut round = 0_u32;
    // [ORD-1]
    while place.guest_count.load(Ordering::Acquire) != 0 {
        round += 1;
        if round < 64 { spin_loop() } else { yield_now() }
    }
    free_numbers(|free| free.returned.push(number.0));
}

/// A thread outside the runtime, about to wake one of its tasks.
pub(crate) struct Guest {
    number: OwnerNumber,
}

/// Enters the place of a task's owner, before the transition of the task's state.
pub(crate) fn enter(number: OwnerNumber) -> Guest {
    // [ORD-1]
    PLACES[usize::from(number.0)].guest_count.fetch_add(1, Ordering::Relaxed);
    Guest { number }
}

impl Guest {
    /// Queues a task that this guest's transition has made runnable.
    pub(crate) fn schedule(&self, task: Runnable) {
        // SAFETY: the transition made the task runnable, so the runtime cannot end before this guest
        // leaves (module docs).
        let runtime = unsafe { &*runtime_of(self.number) };
        runtime.schedule_from_outside(task, self.number);
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // [ORD-1]
        PLACES[usize::from(self.number.0)].guest_count.fetch_sub(1, Ordering::Release);
    }
}
