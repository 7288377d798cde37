//! Which timers this thread uses, and how a sleep finds its own.
//!
//! A sleep that held its runtime's `Arc` would pay for two more atomic operations in its short life. It
//! holds the runtime's number instead: almost always that is the number of the thread's current timers;
//! else, in a thread of another runtime or of none, a table of all runtimes is asked.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use bowerbird_base::clock::Clock;
use bowerbird_base::const_thread_local;

use crate::timers::Timers;

/// The timers that a thread uses, and its wheel among them.
#[derive(Debug, Clone)]
pub struct Current {
    /// The timers of the runtime.
    pub timers: Arc<Timers>,
    /// The worker's wheel, or [`Timers::shared_index`] in a thread that is no worker.
    pub wheel: usize,
}

const_thread_local! {
    static CURRENT: RefCell<Option<Current>> = RefCell::new(None);
}

/// All timers of this process. Not part of a model: nothing of a model runs while it is locked.
static ALL: Mutex<Registry> = Mutex::new(Registry { last_id: 0, timers: BTreeMap::new() });

static SYSTEM_CLOCK: LazyLock<Arc<Clock>> = LazyLock::new(|| Arc::new(Clock::new()));

struct Registry {
    last_id: u32,
    timers: BTreeMap<u32, Weak<Timers>>,
}

fn all() -> MutexGuard<'static, Registry> {
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the timers of this thread and returns those that were set before.
pub fn enter(current: Option<Current>) -> Option<Current> {
    CURRENT.with(|slot| std::mem::replace(&mut *slot.borrow_mut(), current))
}

/// Gives the clock of the runtime that this thread is in.
pub fn current_clock() -> Option<Arc<Clock>> {
    with_current(|current| current.timers.clock().clone())
}

/// Returns whether this thread is in a runtime, for a caller that names itself in its panic.
#[doc(hidden)]
pub fn is_inside() -> bool {
    with_current(|_| ()).is_some()
}

/// Shows the time of the runtime that this thread is in, else the system's.
///
/// asyncio: `loop.time()`, as an [`Instant`] instead of a `float`.
pub fn now() -> Instant {
    with_current(|current| current.timers.clock().now()).unwrap_or_else(system_now)
}

pub(crate) fn system_now() -> Instant {
    SYSTEM_CLOCK.now()
}

/// Calls `f` with the thread's current timers. `f` runs no code of others.
#[inline]
pub(crate) fn with_current<R>(f: impl FnOnce(&Current) -> R) -> Option<R> {
    // A thread that ends may have no slot any more.
    CURRENT.try_with(|slot| slot.borrow().as_ref().map(f)).ok().flatten()
}

/// Calls `f` with the timers of that number and the wheel that this thread inserts into; does nothing if
/// the runtime is gone. `f` runs no code of others.
#[inline]
pub(crate) fn with_timers<R>(id: u32, f: impl FnOnce(&Timers, usize) -> R) -> Option<R> {
    let mut f = Some(f);
    let found = with_current(|current| {
        if current.timers.id() != id {
            return None;
        }
        f.take().map(|f| f(&current.timers, current.wheel))
    });
    match found.flatten() {
        Some(result) => Some(result),
        None => find(id).and_then(|timers| f.take().map(|f| f(&timers, timers.shared_index()))),
    }
}

/// Finds the timers of that number.
#[cold]
pub(crate) fn find(id: u32) -> Option<Arc<Timers>> {
    let found = all().timers.get(&id).cloned();
    // Upgraded after unlocking: this may become the last reference.
    found.and_then(|timers| timers.upgrade())
}

/// Makes a number that no living timers have.
pub(crate) fn new_id() -> u32 {
    let mut all = all();
    loop {
        all.last_id = all.last_id.wrapping_add(1).max(1);
        let id = all.last_id;
        if let Entry::Vacant(free) = all.timers.entry(id) {
            free.insert(Weak::new());
            return id;
        }
    }
}

/// Lets sleeps find these timers by their number.
pub(crate) fn announce(timers: &Arc<Timers>) {
    all().timers.insert(timers.id(), Arc::downgrade(timers));
}

/// Ends what [`announce`] began.
pub(crate) fn withdraw(id: u32) {
    let removed = all().timers.remove(&id);
    drop(removed);
}

#[cfg(test)]
bowerbird_base::model_or_real! { {} { mod tests; } }
