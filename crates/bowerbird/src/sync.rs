//! Locks, events, queues and channels; they run under any executor.
//!
//! asyncio: `asyncio.Lock`, `Event`, `Condition`, `Semaphore`, `Barrier`, the queues, and a bare `asyncio.Future`
//! (`oneshot`). What is seldom named stands apart: [`guards`] of parts, the [`futures`] behind the calls, and the types
//! of [`statistics`].

pub use bowerbird_sync::*;
