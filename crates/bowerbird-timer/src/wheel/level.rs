//! Which slot a deadline belongs to: the arithmetic of the wheel, without its contents.
//!
//! Time is 64 bits of nanoseconds. The lowest `TICK_BITS` of them lie inside one slot of level 0; each
//! level above reads the next six bits. A deadline belongs to the level of the **highest bit in which it
//! differs from the time that has elapsed**, and there to the slot that its own six bits name:
//!
//! ```text
//!   bits  63 .. 58 | 57 .. 52 | .. | 21 .. 16 | 15 .. 10 | 9 .. 0
//!         level 8  | level 7  | .. | level 1  | level 0  | in the slot
//! ```
//!
//! Hence two facts that everything rests on: on each level all slots in use lie after the one that time
//! is in (level 0: not before it), and all of a level comes before all of the level above.

/// Nanoseconds in a slot of level 0, as a power of two: 1 us. Deadlines inside a slot stay exact; a
/// smaller slot means more moves between levels, a larger one longer lists to take apart again and again.
/// Firing 100,000 sleeps of 1 to 100 ms in turns of 10 us and of 1 ms cost 50 and 56 ns each with 10 bits,
/// 63 and 53 with 14, 83 and 57 with 16.
const TICK_BITS: u32 = 10;
/// Slots of a level: one bit each in a word.
const SLOT_BITS: u32 = 6;
/// Slots of a level.
pub(super) const SLOTS: usize = 1 << SLOT_BITS;
/// Levels, so that 64 bits are covered: no deadline lies beyond the wheel.
pub(super) const LEVELS: usize = (u64::BITS - TICK_BITS).div_ceil(SLOT_BITS) as usize;

#[inline]
fn shift(level: usize) -> u32 {
    TICK_BITS + SLOT_BITS * level as u32
}

/// The level and the slot for a deadline; one that has passed goes to the slot that time is in.
#[inline]
pub(super) fn place(elapsed_ns: u64, deadline_ns: u64) -> (usize, usize) {
    let deadline_ns = deadline_ns.max(elapsed_ns);
    let differing = (elapsed_ns ^ deadline_ns) >> TICK_BITS;
    let level = (differing | 1).ilog2() / SLOT_BITS;
    let slot = (deadline_ns >> shift(level as usize)) as usize % SLOTS;
    (level as usize, slot)
}

/// The slots of a level that time has reached or passed when it goes from `before` to `now`, as a mask;
/// `None` if this level and all above it are as they were.
pub(super) fn reached(level: usize, before_ns: u64, now_ns: u64) -> Option<u64> {
    let (before, now) = (before_ns >> shift(level), now_ns >> shift(level));
    if level > 0 && before == now {
        return None;
    }
    if before >> SLOT_BITS != now >> SLOT_BITS {
        return Some(u64::MAX);
    }
    let slot = now as usize % SLOTS;
    Some(u64::MAX >> (SLOTS - 1 - slot))
}

/// The first nanosecond of a slot in use.
pub(super) fn start_ns(level: usize, slot: usize, elapsed_ns: u64) -> u64 {
    let above = elapsed_ns.checked_shr(shift(level + 1)).unwrap_or(0);
    let above = above.checked_shl(shift(level + 1)).unwrap_or(0);
    above | ((slot as u64) << shift(level))
}
