//! Panics of code that is not ours, where others must go on: told, and dropped.
//!
//! The crates that call wakers know no exception handler. The executor says once for the process who hears;
//! without it the panic hook is the only one that has told.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

/// Hears what panicked, in words, and the payload.
pub type Listener = fn(&'static str, Box<dyn Any + Send>);

static LISTENER: OnceLock<Listener> = OnceLock::new();

/// Says who hears of swallowed panics; the first to say so stays.
pub fn set_listener(listener: Listener) {
    // Every runtime of the process says the same.
    let _is_set_already = LISTENER.set(listener);
}

/// Calls `f`; what it panics with is told and goes no further.
pub fn contain(what: &'static str, f: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(f)) {
        swallow(what, payload);
    }
}

/// Tells of a panic that goes no further.
#[cold]
pub fn swallow(what: &'static str, payload: Box<dyn Any + Send>) {
    let told = catch_unwind(AssertUnwindSafe(|| match LISTENER.get() {
        Some(listener) => listener(what, payload),
        None => drop(payload),
    }));
    // The destructor of a payload has panicked too; what that carries is not worth a third try.
    if let Err(second) = told {
        std::mem::forget(second);
    }
}

#[cfg(test)]
mod tests;
