//! Std, loom or shuttle: the primitives that every other module imports from here.
//!
//! A build is ordinary, or it is a model: `--cfg bowerbird_loom` or `--cfg bowerbird_shuttle`. The three
//! have the same names and shapes, so the code above is the same in all. The cfgs are our own because a
//! plain `cfg(loom)` would also change the crates of the development tree.

#[cfg(not(any(bowerbird_loom, bowerbird_shuttle)))]
mod real;
#[cfg(not(any(bowerbird_loom, bowerbird_shuttle)))]
pub use real::*;

#[cfg(bowerbird_loom)]
mod loom_model;
#[cfg(bowerbird_loom)]
pub use loom_model::*;

#[cfg(all(bowerbird_shuttle, not(bowerbird_loom)))]
mod shuttle_model;
#[cfg(all(bowerbird_shuttle, not(bowerbird_loom)))]
pub use shuttle_model::*;

pub mod model_deque;

/// Whether this build checks a model: capacities shrink, sizes are not asserted.
pub const IS_MODEL: bool = cfg!(any(bowerbird_loom, bowerbird_shuttle));

/// Chooses between two lists of items: the first in a model, the second in an ordinary build.
#[cfg(any(bowerbird_loom, bowerbird_shuttle))]
#[macro_export]
macro_rules! model_or_real {
    ({ $($model:tt)* } { $($real:tt)* }) => { $($model)* };
}

/// Chooses between two lists of items: the first in a model, the second in an ordinary build.
#[cfg(not(any(bowerbird_loom, bowerbird_shuttle)))]
#[macro_export]
macro_rules! model_or_real {
    ({ $($model:tt)* } { $($real:tt)* }) => { $($real)* };
}

/// Declares a thread-local whose first value is a constant: no lazy initialisation in an ordinary build.
#[cfg(any(bowerbird_loom, bowerbird_shuttle))]
#[macro_export]
macro_rules! const_thread_local {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr;)*) => {
        $crate::sync::thread_local! { $($(#[$attr])* $vis static $name: $t = $init;)* }
    };
}

/// Declares a thread-local whose first value is a constant: no lazy initialisation in an ordinary build.
#[cfg(not(any(bowerbird_loom, bowerbird_shuttle)))]
#[macro_export]
macro_rules! const_thread_local {
    ($($(#[$attr:meta])* $vis:vis static $name:ident: $t:ty = $init:expr;)*) => {
        ::std::thread_local! { $($(#[$attr])* $vis static $name: $t = const { $init };)* }
    };
}

/// Declares a function that is `const` in an ordinary build: for constructors, since the atomics and locks of
/// a model are not made in constants.
#[cfg(any(bowerbird_loom, bowerbird_shuttle))]
#[macro_export]
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$attr])* $vis fn $($rest)* };
}

/// Declares a function that is `const` in an ordinary build: for constructors, since the atomics and locks of
/// a model are not made in constants.
#[cfg(not(any(bowerbird_loom, bowerbird_shuttle)))]
#[macro_export]
macro_rules! const_fn {
    ($(#[$attr:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$attr])* $vis const fn $($rest)* };
}

/// Atomics for process-wide statics, which a model cannot hold: always std's.
///
/// Use them only for what no model has to explore.
pub mod static_atomic {
    pub use std::sync::atomic::*;
}

// A model must know who waits for whom, and a spinning thread does not tell: there, a mutex is the lock,
// and the spin lock has a model of its own.
crate::model_or_real! {
    { pub use self::{Mutex as SpinLock, MutexGuard as SpinGuard}; }
    { pub use crate::spin_lock::{SpinGuard, SpinLock}; }
}
