//! Tasks and how they are waited for: one of asyncio's names, one file.

pub(crate) mod spawn;
pub(crate) mod current;
pub(crate) mod gather;
#[allow(non_snake_case, reason = "fields and variables of the tuples are named after their types")]
pub(crate) mod join;
pub(crate) mod shared;
pub(crate) mod timeout;
pub(crate) mod to_thread;
pub(crate) mod yield_now;
pub(crate) mod cancel_safe_future;
