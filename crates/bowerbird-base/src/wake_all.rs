//! Waking, where a waker is foreign code that may panic.
//!
//! One rule for all that wake: **a waker that panics is no concern of who wakes it.** The panic is told, to the
//! exception handler where there is an executor, and goes no further: the others are woken, and the call that woke
//! them (a send, an unlock, the end of a wait) ends as if nothing had been. It has done its work by then; a panic
//! would take along what it has to give, and out of a destructor during another panic it would end the process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::swallow::{contain, swallow};
use crate::sync::IS_MODEL;

/// Wakes one task. A panic of its waker is told, and goes no further.
#[inline]
pub fn wake(waker: Waker) {
    if IS_MODEL {
        // What a model finds inside of a wake is a panic too, and must be heard.
        waker.wake();
        return;
    }
    contain("a waker panicked", || waker.wake());
}

/// Wakes all, in order, each as [`wake`] does.
pub fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    if IS_MODEL {
        wakers.into_iter().for_each(wake);
        return;
    }
    let mut wakers = wakers.into_iter();
    // One frame for all that come before a panic.
    while let Err(panic) = catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(Waker::wake)))
    {
        swallow("a waker panicked", panic);
    }
}
