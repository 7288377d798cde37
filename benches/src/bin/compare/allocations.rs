//! Counts allocations while it is told to; beside that it costs one load and one branch for each.
//!
//! # Ordering arguments
//! - `[ORD-1]` Relaxed: who counts and who asks are ordered by the tasks between them; a number that is a few off
//!   would do.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The system's allocator with a counter.
struct Counting {
    is_counting: AtomicBool,
    count: AtomicU64,
}

#[global_allocator]
static ALLOCATOR: Counting =
    Counting { is_counting: AtomicBool::new(false), count: AtomicU64::new(0) };

impl Counting {
    #[inline]
    fn one(&self) {
        // [ORD-1]
        if self.is_counting.load(Ordering::Relaxed) {
            // [ORD-1]
            self.count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: every method hands its arguments on to `System`, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.one();
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        self.one();
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.one();
        // SAFETY: as above; `pointer` came from `System`.
        unsafe { System.realloc(pointer, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `pointer` came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Begins to count and gives the count so far.
pub(crate) fn start() -> u64 {
    // [ORD-1]
    ALLOCATOR.is_counting.store(true, Ordering::Relaxed);
    // [ORD-1]
    ALLOCATOR.count.load(Ordering::Relaxed)
}

/// Ends counting and gives the count.
pub(crate) fn stop() -> u64 {
    // [ORD-1]
    ALLOCATOR.is_counting.store(false, Ordering::Relaxed);
    // [ORD-1]
    ALLOCATOR.count.load(Ordering::Relaxed)
}
