//! The types and traits behind the functions of the crate's root: for signatures and fields that name them.
//!
//! asyncio: the awaitables that its functions return. [`spawn`](crate::spawn), [`gather`](crate::gather),
//! [`join`](crate::join), [`timeout`](crate::timeout) and the others stand at the root; the types of groups have
//! a module of their own, [`groups`](crate::groups).
//!
//! # Examples
//! ```
//! use bowerbird::tasks::{Timeout, YieldNow};
//! use std::time::Duration;
//!
//! fn turn(limit: Duration) -> Timeout<YieldNow> {
//!     bowerbird::timeout(limit, bowerbird::yield_now())
//! }
//! assert_eq!(bowerbird::run(async { turn(Duration::from_secs(1)).await }), Ok(()));
//! ```

// One of asyncio's names, one file.
pub(crate) mod spawn;
pub(crate) mod current;
pub(crate) mod gather;
#[allow(non_snake_case, reason = "fields and variables of the tuples are named after their types")]
pub(crate) mod join;
pub(crate) mod timeout;
mod ready_set;
pub(crate) mod wait;
pub(crate) mod wait_for;
pub(crate) mod as_completed;
pub(crate) mod task_set;
pub(crate) mod contest;
pub(crate) mod race;
pub(crate) mod staggered_race;
pub(crate) mod select;
pub(crate) mod lossy;
pub(crate) mod to_thread;
pub(crate) mod yield_now;
pub mod coop;
pub(crate) mod cancel_safe_future;

pub use crate::cancel::{
    CancelScopeRun, CatchCancel, DropGuard, DropGuardRef, Resume, RunUntilCancelled,
    RunUntilCancelledOwned, Shield, WaitForCancellation, WaitForCancellationOwned,
};
pub use crate::cleanup::Defer;
pub use as_completed::{AsCompleted, AsCompletedWithin, NextCompleted, NextWithin};
pub use bowerbird_core::{CallGraph, CallbackId, CancelOnDrop, SharedTask, TaskId, WaitDone};
pub use cancel_safe_future::CancelSafeFuture;
pub use gather::{
    FallibleSet, FirstError, Gather, GatherResults, GatherSet, Gatherable, TryGather,
};
pub use join::{
    Join, Join2, Join3, Join4, Join5, Join6, Join7, Join8, TryJoin, TryJoin2, TryJoin3, TryJoin4,
    TryJoin5, TryJoin6, TryJoin7, TryJoin8,
};
pub use lossy::Lossy;
pub use race::{Race, Raceable, Winner2, Winner3, Winner4, Winner5, Winner6, Winner7, Winner8};
pub use staggered_race::StaggeredRace;
pub use task_set::{JoinNext, JoinNextWithHandle};
pub use timeout::Timeout;
pub use to_thread::ToThread;
pub use wait::Wait;
pub use yield_now::YieldNow;
