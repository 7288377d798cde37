//! The room that bytes are read into: one for each thread, so that a connection that waits has none.

use std::cell::Cell;

/// How much is read at once. asyncio: 256 KiB; this much stays in a core's cache.
const ROOM_BYTES: usize = 64 * 1024;

thread_local! {
    static ROOM: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

/// Lends this thread's room. What runs meanwhile may ask for it again, and gets another one.
pub(super) fn with_room<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    let kept = ROOM.try_with(Cell::take).ok().flatten();
    let mut room = kept.unwrap_or_else(|| vec![0; ROOM_BYTES].into_boxed_slice());
    let result = f(&mut room);
    // A thread that ends has no place for it any more.
    let _ends = ROOM.try_with(|place| place.set(Some(room)));
    result
}
