//! Waking many, where one of them may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakes all, in order. A waker that panics does not keep the others asleep: the first panic goes on
/// after the last wake.
pub fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut first: Option<Box<dyn Any + Send>> = None;
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            first.get_or_insert(panic);
        }
    }
    if let Some(panic) = first {
        resume_unwind(panic);
    }
}
