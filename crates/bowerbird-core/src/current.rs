//! Which runtime and which seat this thread belongs to.

use std::cell::{Cell, RefCell};
use std::ptr;
use std::sync::Arc;

use bowerbird_base::const_thread_local;

use crate::runtime::Runtime;
use crate::worker::Occupant;

const_thread_local! {
    static OCCUPANT: Cell<*const Occupant<'static>> = Cell::new(ptr::null());
    static RUNTIME: RefCell<Option<Arc<Runtime>>> = RefCell::new(None);
}

/// Calls `f` with the seat that this thread occupies, if it does.
#[inline]
pub(crate) fn with_occupant<R>(f: impl FnOnce(Option<&Occupant<'_>>) -> R) -> R {
    let occupant = OCCUPANT.with(Cell::get);
    // SAFETY: the pointer is null or was set by `occupy` from a reference that outlives the call in which
    // it is set (it is taken back by a guard), on this thread; the borrow ends with `f`.
    f(unsafe { occupant.as_ref() })
}

/// Whether this thread occupies a seat.
pub(crate) fn is_occupant() -> bool {
    !OCCUPANT.with(Cell::get).is_null()
}

/// This thread has lost its seat.
pub(crate) fn leave_seat() {
    OCCUPANT.with(|slot| slot.set(ptr::null()));
}

/// Calls `f` with `occupant` as this thread's seat, or with none.
pub(crate) fn occupy<R>(occupant: Option<&Occupant<'_>>, f: impl FnOnce() -> R) -> R {
    struct Back(*const Occupant<'static>);
    impl Drop for Back {
        fn drop(&mut self) {
            OCCUPANT.with(|slot| slot.set(self.0));
        }
    }
    let pointer: *const Occupant<'static> =
        occupant.map_or(ptr::null(), |occupant| ptr::from_ref(occupant).cast());
    let _back = Back(OCCUPANT.with(|slot| slot.replace(pointer)));
    f()
}

/// The runtime of this thread: that of its seat, or the one that it entered.
pub(crate) fn runtime() -> Option<Arc<Runtime>> {
    RUNTIME.try_with(|slot| slot.borrow().clone()).ok().flatten()
}

/// The runtime of this thread, if it is wanted.
pub(crate) fn runtime_if(is_wanted: bool) -> Option<Arc<Runtime>> {
    if is_wanted { runtime() } else { None }
}

/// Calls `f` with the runtime of this thread; with none while the thread is being taken down.
pub(crate) fn with_runtime<R>(f: impl FnOnce(Option<&Arc<Runtime>>) -> R) -> R {
    f(runtime().as_ref())
}

/// Sets the runtime of this thread and gives the one before.
pub(crate) fn replace_runtime(runtime: Option<Arc<Runtime>>) -> Option<Arc<Runtime>> {
    RUNTIME.with(|slot| std::mem::replace(&mut *slot.borrow_mut(), runtime))
}
