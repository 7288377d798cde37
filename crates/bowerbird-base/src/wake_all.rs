//! Waking many, where one of them may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

use crate::swallow::swallow;

/// Wakes all, in order. A waker that panics does not keep the others asleep: the first panic goes on
/// after the last wake, the others are told of.
pub fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    let mut first: Option<Box<dyn Any + Send>> = None;
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            match first {
                None => first = Some(panic),
                Some(_) => swallow("a waker panicked, one of several", panic),
            }
        }
    }
    if let Some(panic) = first {
        resume_unwind(panic);
    }
}
