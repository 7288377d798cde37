//! One place of the table: who it stands for, and how many guests are in it.
//!
//! The table is a static and so on std's atomics, which a model cannot watch; for the models the same code is
//! made once more, on the atomics of the build (tests).
//!
//! # Ordering arguments
//! - `[ORD-1]` Counting, leaving and `retire`'s reading of the counter are read-modify-writes on one word: a
//!   guest either counts before that reading, and is waited for, or after it, and then acquires the pointers
//!   that are gone. Leaving is Release against the Acquire of the readings, so that the guest's last use of
//!   the runtime precedes its end. Weaker: the queues are freed while a guest unparks a worker (loom
//!   `runtime_outlives_its_guests`).
//! - `[ORD-2]` The pointers are written before the first task with this number exists, and the task is handed
//!   over with at least Release and Acquire, so Relaxed loads see them; that they are gone is released by
//!   the reading of the counter that follows `[ORD-1]`.

macro_rules! define_place {
    ({ $($constness:tt)* } $($atomics:tt)+) => {
        use std::ptr;

        use $($atomics)+::{AtomicPtr, AtomicUsize, Ordering};

        use bowerbird_base::sync::hint::spin_loop;
        use bowerbird_base::sync::thread::yield_now;

        /// One place of the table.
        #[repr(align(64))]
        pub(crate) struct Place<R, S> {
            guest_count: AtomicUsize,
            runtime: AtomicPtr<R>,
            /// The same, but null for a seat that may go before its runtime does.
            home: AtomicPtr<R>,
            seat: AtomicPtr<S>,
        }

        #[allow(dead_code, reason = "a model asks for the runtime only")]
        impl<R, S> Place<R, S> {
            /// Makes a place that stands for nothing.
            pub(crate) $($constness)* fn new() -> Self {
                Self {
                    guest_count: AtomicUsize::new(0),
                    runtime: AtomicPtr::new(ptr::null_mut()),
                    home: AtomicPtr::new(ptr::null_mut()),
                    seat: AtomicPtr::new(ptr::null_mut()),
                }
            }

            /// Says what the place stands for, before any task leads here.
            pub(crate) fn set(&self, runtime: *const R, seat: *const S, lasts: bool) {
                let home = if lasts { runtime.cast_mut() } else { ptr::null_mut() };
                // [ORD-2]
                self.home.store(home, Ordering::Relaxed);
                self.runtime.store(runtime.cast_mut(), Ordering::Relaxed);
                self.seat.store(seat.cast_mut(), Ordering::Relaxed);
            }

            #[inline]
            pub(crate) fn home(&self) -> *const R {
                self.home.load(Ordering::Relaxed) // [ORD-2]
            }

            #[inline]
            pub(crate) fn runtime(&self) -> *const R {
                self.runtime.load(Ordering::Relaxed) // [ORD-2]
            }

            #[inline]
            pub(crate) fn seat(&self) -> *const S {
                self.seat.load(Ordering::Relaxed) // [ORD-2]
            }

            /// A guest comes, before its transition.
            #[inline]
            pub(crate) fn enter(&self) {
                self.guest_count.fetch_add(1, Ordering::Acquire); // [ORD-1]
            }

            /// The guest goes, after its last use of the runtime.
            #[inline]
            pub(crate) fn leave(&self) {
                self.guest_count.fetch_sub(1, Ordering::Release); // [ORD-1]
            }

            /// Takes the pointers away and waits for the guests that may have seen them.
            pub(crate) fn retire(&self) {
                self.set(ptr::null(), ptr::null(), true);
                self.wait_for_guests();
            }

            /// Waits until no guest is there.
            pub(crate) fn wait_for_guests(&self) {
                // [ORD-1]
                if self.guest_count.fetch_add(0, Ordering::AcqRel) == 0 {
                    return;
                }
                let mut round = 0_u32;
                // [ORD-1]
                while self.guest_count.load(Ordering::Acquire) != 0 {
                    round += 1;
                    if round < 64 { spin_loop() } else { yield_now() }
                }
            }
        }
    };
}

define_place! { { const } bowerbird_base::sync::static_atomic }
