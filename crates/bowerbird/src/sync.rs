//! Locks, events, queues and channels; they run under any executor.
//!
//! asyncio: `asyncio.Lock`, `Event`, `Condition`, `Semaphore`, `Barrier`, the queues, and a bare `asyncio.Future`
//! (`oneshot`).

pub use bowerbird_sync::*;
