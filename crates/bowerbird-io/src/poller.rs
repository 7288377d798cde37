//! The operating system's side: registrations, waits, and the wake-up of a waiter.
//!
//! Both back ends have the same face:
//!
//! - `OsPoller::new`, `add`, `arm`, `delete`: a registration and its end. `add` registers all of an
//!   interest once; `arm` does something only where events disarm their registration.
//! - `wait` harvests up to [`BATCH`] events. `EINTR` ends it without events. It says whether a ring may
//!   have been among them.
//! - `ring` ends a wait that is going on or the next one.
//!
//! Linux waits and registers on the epoll descriptor directly (`epoll`); every other system, and Linux
//! with the feature `portable-poller`, uses the paths of the `polling` crate (`portable`).

#[cfg(all(target_os = "linux", not(feature = "portable-poller")))]
#[allow(unsafe_code, reason = "epoll_pwait2 has no safe wrapper with a fallback")]
mod epoll;
#[cfg(all(target_os = "linux", not(feature = "portable-poller")))]
pub(crate) use epoll::{Batch, OsPoller};

#[cfg(not(all(target_os = "linux", not(feature = "portable-poller"))))]
#[allow(
    unsafe_code,
    reason = "polling wants a promise that registrations end before their descriptors"
)]
mod portable;
#[cfg(not(all(target_os = "linux", not(feature = "portable-poller"))))]
pub(crate) use portable::{Batch, OsPoller};

/// How many events one wait harvests at most.
pub(crate) const BATCH: usize = 256;
