//! The driver of the runtime that this thread belongs to.

use std::cell::RefCell;
use std::sync::Arc;

use bowerbird_base::const_thread_local;

use crate::driver::IoDriver;

const_thread_local! {
    static CURRENT: RefCell<Option<Arc<IoDriver>>> = RefCell::new(None);
}

/// Sets the driver of this thread and returns the one before.
pub fn enter(driver: Option<Arc<IoDriver>>) -> Option<Arc<IoDriver>> {
    CURRENT.with(|current| current.replace(driver))
}

/// Returns the driver of this thread, if it belongs to a runtime.
pub fn current() -> Option<Arc<IoDriver>> {
    // At the end of the thread it belongs to none any more.
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Returns the driver of this thread.
///
/// # Panics
/// The thread belongs to no runtime. The message names `call`, and its place is the caller's.
#[track_caller]
pub fn expect_current(call: &str) -> Arc<IoDriver> {
    match current() {
        Some(driver) => driver,
        None => panic!(
            "`{call}` was called outside a bowerbird runtime: call it in `bowerbird::run(..)`, in a task, \
             or while the guard of `Runtime::enter()` is held"
        ),
    }
}
