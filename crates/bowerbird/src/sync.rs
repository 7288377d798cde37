//! Channels and events; they run under any executor.
//!
//! asyncio: `asyncio.Event` and a bare `asyncio.Future` (`oneshot`).

pub use bowerbird_sync::*;
