//! Channels, locks and events that run under any executor.
//!
//! Nothing here knows a runtime: a waiter stores its `std::task::Waker` and whoever makes it ready wakes
//! it. The poll context of bowerbird-base adds what our own executor offers (the cooperative budget, the
//! wait reason, cancellation at a suspension); under another executor these calls do nothing.
//!
//! - [`broadcast`]: every value to every receiver. [`watch`]: the last value, and its changes.
//! - [`oneshot`]: one value, once, from one place to another. asyncio: a bare `Future`.
//! - [`Lock`]: a value that one task reaches at a time. asyncio: `asyncio.Lock`.
//! - [`RwLock`]: a value that many read at a time, or one writes. asyncio: no counterpart.
//! - [`Semaphore`], [`BoundedSemaphore`]: a number of permits. asyncio: the same names.
//! - [`CapacityLimiter`]: tokens that may be made more or fewer, and who has them. asyncio: no counterpart.
//! - [`Queue`], [`LifoQueue`], [`PriorityQueue`]: items that some put and others get. asyncio: the same names.
//! - [`mpsc`], [`mpmc`]: many values, from many senders to one receiver or to many. asyncio: `asyncio.Queue`.
//! - [`Event`]: a flag that many may wait for. asyncio: `asyncio.Event`. [`AutoResetEvent`] lets one through for each
//!   time it is set.
//! - [`Notify`]: tells one waiter, or all, that something happened.
//! - [`Condition`]: who has a lock waits for what others change under it. asyncio: `asyncio.Condition`.
//! - [`OnceCell`], [`LazyCell`]: a value that is made once, by who needs it first.
//! - [`Barrier`]: lets tasks through in groups. asyncio: `asyncio.Barrier`.
//!
//! What is seldom named stands apart: [`guards`] of parts, the [`futures`] behind the calls, and the types of
//! [`statistics`].
//!
//! # Wakers
//! A waker is foreign code. None is cloned, woken or dropped under a lock of this crate, nor does a user's destructor
//! run under one, so a waker may use the primitive that it waits for.
//!
//! A waker that **panics when it is woken** is no concern of who wakes it: the panic is told (to the exception handler,
//! if a runtime of bowerbird is in the process; the panic hook hears of it in any case), the others are woken too, and
//! the call that woke them ends as if nothing had been: `send` has sent, the guard is dropped, the value that `recv`
//! took is returned. The lock, permit or value that its wait was handed is still that wait's, and goes to the next when
//! the wait is dropped. So it is in each primitive, blocking and async, also where a thread unwinds already.
//!
//! A waker is cloned and dropped only in a poll or in the drop of its own wait. If it panics there, the panic goes to
//! who polls or drops, and no other wait loses its wake-up by it.

pub mod broadcast;
pub mod oneshot;
pub mod queue;
pub mod watch;
mod event;
#[macro_use]
mod guard_traits;
mod lock;
mod rwlock;
mod semaphore;
mod capacity_limiter;
#[allow(unsafe_code, reason = "a lock lends its value to who holds it")]
mod held;
mod channel;
pub mod mpsc;
pub mod mpmc;
mod auto_reset_event;
mod notify;
mod barrier;
mod condition;
mod once_cell;
mod lazy_cell;
mod block_on;
mod leaf;
mod permits;
mod wait_list;
mod crowd;

pub use auto_reset_event::AutoResetEvent;
pub use barrier::{Barrier, BarrierState, BrokenBarrierError};
pub use capacity_limiter::{CapacityLimiter, CapacityToken, OwnedCapacityToken};
pub use condition::Condition;
pub use event::Event;
pub use lazy_cell::LazyCell;
pub use lock::{Lock, LockGuard, OwnedLockGuard};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use queue::{LifoQueue, PriorityQueue, Queue, QueueShutDown};
pub use rwlock::{
    OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{
    AcquireError, BoundedSemaphore, OverReleaseError, OwnedSemaphorePermit, Semaphore,
    SemaphorePermit, TryAcquireError,
};

/// Guards that are seldom named: of a part of a value, of who reads and may write later, and the trait of those that a
/// [`Condition`] takes.
pub mod guards {
    pub use crate::condition::ConditionGuard;
    pub use crate::lock::{MappedLockGuard, OwnedMappedLockGuard};
    pub use crate::rwlock::{
        MappedRwLockReadGuard, MappedRwLockWriteGuard, OwnedMappedRwLockReadGuard,
        OwnedMappedRwLockWriteGuard, OwnedRwLockUpgradableReadGuard, RwLockUpgradableReadGuard,
    };
}

/// The futures behind the calls that wait, for who keeps one in a struct.
pub mod futures {
    pub use crate::auto_reset_event::AutoResetWait;
    pub use crate::barrier::BarrierWait;
    pub use crate::capacity_limiter::{AcquireToken, AcquireTokenOwned};
    pub use crate::condition::{ConditionWait, ConditionWaitFor};
    pub use crate::event::EventWait;
    pub use crate::lock::{LockOwned, LockWait};
    pub use crate::notify::{Notified, OwnedNotified};
    pub use crate::once_cell::OnceCellWait;
    pub use crate::rwlock::{
        RwLockRead, RwLockReadOwned, RwLockUpgradableRead, RwLockUpgradableReadOwned,
        RwLockUpgrade, RwLockUpgradeOwned, RwLockWrite, RwLockWriteOwned,
    };
    pub use crate::semaphore::{Acquire, AcquireOwned};
}

/// What the `statistics()` of each primitive gives. Those of queues and channels stand in their modules.
pub mod statistics {
    pub use crate::auto_reset_event::AutoResetEventStatistics;
    pub use crate::barrier::BarrierStatistics;
    pub use crate::capacity_limiter::{Borrower, CapacityLimiterStatistics};
    pub use crate::condition::ConditionStatistics;
    pub use crate::event::EventStatistics;
    pub use crate::lock::LockStatistics;
    pub use crate::notify::NotifyStatistics;
    pub use crate::once_cell::OnceCellStatistics;
    pub use crate::rwlock::RwLockStatistics;
    pub use crate::semaphore::SemaphoreStatistics;
}

bowerbird_base::model_or_real! {
    {}
    {
        #[cfg(test)]
        mod test_wakers;
    }
}
