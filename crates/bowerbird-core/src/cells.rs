//! The memory of tasks that have ended, kept by a worker for those that it spawns next.
//!
//! Malloc and free took 140 to 210 of the 550 to 850 instructions of a task's life. A seat keeps the memory of
//! ended tasks in a list for each size, up to [`MOST_BYTES`] in all, and only its occupant touches them; what
//! other threads make and free comes from malloc and goes there. The memory goes with the seat.
//!
//! Sizes go up in steps of malloc's own chunks (16 n + 8 bytes), so rounding up to one takes no memory that the
//! allocator would not take anyway. Larger tasks, and those of a larger alignment, go to malloc.
//!
//! In debug builds and in models nothing is kept: AddressSanitizer and loom are to see each task freed.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::{self, NonNull};

use bowerbird_base::sync::IS_MODEL;

use crate::current;

/// How much a seat keeps.
const MOST_BYTES: usize = 1 << 20;
const SMALLEST: usize = 88;
const STEP: usize = 16;
const CLASSES: usize = 32;
const ALIGNMENT: usize = 8;

const IS_KEPT: bool = !cfg!(debug_assertions) && !IS_MODEL;

/// How memory for one type of task is got and given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// With the size of its class.
    layout: Layout,
    class: Option<usize>,
}

impl Kind {
    /// The one of tasks with this layout, which is not of size zero.
    pub(crate) const fn of(layout: Layout) -> Self {
        assert!(layout.size() > 0);
        let class = layout.size().saturating_sub(SMALLEST).div_ceil(STEP);
        if layout.align() > ALIGNMENT || class >= CLASSES {
            return Self { layout, class: None };
        }
        let Ok(layout) = Layout::from_size_align(size_of_class(class), ALIGNMENT) else {
            panic!("sizes of classes are small")
        };
        Self { layout, class: Some(class) }
    }
}

const fn size_of_class(class: usize) -> usize {
    SMALLEST + class * STEP
}

/// Memory for one task of this kind.
#[inline]
pub(crate) fn allocate(kind: Kind) -> NonNull<u8> {
    if let (true, Some(class)) = (IS_KEPT, kind.class) {
        let kept = current::with_occupant(|occupant| occupant?.core().cells.take(class));
        if let Some(memory) = kept {
            return memory;
        }
    }
    // SAFETY: `Kind::of` admits no size of zero.
    let memory = unsafe { alloc(kind.layout) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(kind.layout))
}

/// Gives it back.
///
/// # Safety
/// The memory came from `allocate` with this kind, on whatever thread, and is not used any more.
#[inline]
pub(crate) unsafe fn free(memory: NonNull<u8>, kind: Kind) {
    if let (true, Some(class)) = (IS_KEPT, kind.class) {
        // SAFETY: the caller's contract; the memory is as large as its class.
        let keep = |cells: &Cells| unsafe { cells.keep(memory, class) };
        let is_kept = current::with_occupant(|occupant| {
            occupant.is_some_and(|occupant| keep(&occupant.core().cells))
        });
        if is_kept {
            return;
        }
    }
    // SAFETY: the caller's contract: it was allocated with this layout.
    unsafe { dealloc(memory.as_ptr(), kind.layout) };
}

/// The lists of one seat, of which only the occupant takes.
pub(crate) struct Cells {
    lists: [Cell<*mut Free>; CLASSES],
    bytes: Cell<usize>,
}

/// What stands in memory that is kept.
struct Free {
    next: *mut Free,
}

const _: () = assert!(size_of::<Free>() <= SMALLEST && align_of::<Free>() <= ALIGNMENT);

impl Cells {
    pub(crate) const fn new() -> Self {
        Self { lists: [const { Cell::new(ptr::null_mut()) }; CLASSES], bytes: Cell::new(0) }
    }

    /// The memory that was kept last in this class.
    #[inline]
    fn take(&self, class: usize) -> Option<NonNull<u8>> {
        let list = &self.lists[class];
        let first = NonNull::new(list.get())?;
        // SAFETY: what is in a list was written by `keep`, and is nobody's until it is taken out.
        let Free { next } = unsafe { first.read() };
        list.set(next);
        self.bytes.set(self.bytes.get() - size_of_class(class));
        Some(first.cast())
    }

    /// Keeps memory, unless there is enough already.
    ///
    /// # Safety
    /// The memory is of this class, aligned to `ALIGNMENT`, and nobody's from now on if the answer is `true`.
    #[inline]
    unsafe fn keep(&self, memory: NonNull<u8>, class: usize) -> bool {
        let bytes = self.bytes.get() + size_of_class(class);
        if bytes > MOST_BYTES {
            return false;
        }
        let list = &self.lists[class];
        let free = memory.cast::<Free>();
        // SAFETY: the caller's contract: it is large enough, aligned and nobody's.
        unsafe { free.write(Free { next: list.get() }) };
        list.set(free.as_ptr());
        self.bytes.set(bytes);
        true
    }
}

impl Drop for Cells {
    fn drop(&mut self) {
        for class in 0..CLASSES {
            while let Some(memory) = self.take(class) {
                let layout = Layout::from_size_align(size_of_class(class), ALIGNMENT);
                let layout = layout.expect("sizes of classes are small");
                // SAFETY: `keep` was given memory of this class, which has this layout.
                unsafe { dealloc(memory.as_ptr(), layout) };
            }
        }
    }
}

#[cfg(test)]
mod tests;
