//! The I/O driver of bowerbird: readiness of a source becomes a wake-up.
//!
//! This crate knows no task and no timer: a `std::task::Waker` goes in, and it is woken when the operating
//! system says that a descriptor may be read or written. The modules, in the order in which an event
//! passes them:
//!
//! 1. [`IoDriver`]: a small array of pollers, shared by all workers. One thread at a time waits on each;
//!    any thread may drain it without blocking.
//! 2. `claim`: who waits on a poller, and how it is woken without an event (a word and an eventfd).
//! 3. `poller`: the operating system. On Linux the epoll descriptor itself, elsewhere the `polling` crate.
//! 4. `registry`: from the key of an event to its source; a stale key finds nobody.
//! 5. `source`, `readiness`, `waiters`: what is known about one source, and who waits for it.
//! 6. `wake_list`: wakers are collected under locks and woken after them.
//! 7. [`AsyncFd`]: the public face. `reporter`, on Windows: a source that the poller does not watch says itself when it
//!    is ready.
//!
//! Sources are registered once, edge-triggered where the system can do that, and their readiness is
//! cached: an operation tries the system call first and waits only after it said `WouldBlock`.
//!
//! # Unsafe code
//! Only in `poller::epoll` (a system call that has no safe wrapper with a fallback) and
//! `poller::portable` (`polling` asks for a promise that registrations end before their descriptors).

mod claim;
mod poller;
mod registry;
mod interest;
mod readiness;
mod waiters;
mod source;
mod wake_list;
mod driver;
mod current;
mod descriptor;
mod registration;
mod leaf;
#[cfg(windows)]
mod reporter;
mod async_fd;

#[doc(hidden)]
pub use async_fd::IoPart;
pub use async_fd::{AsyncFd, Guarded, IoWith, IoWithMut, ReadyFor, ReadyGuard, RegisterError};
pub use current::{current, enter, expect_current};
pub use descriptor::Descriptor;
#[cfg(windows)]
#[doc(hidden)]
pub use descriptor::Watched;
#[cfg(unix)]
pub use descriptor::is_ready_now;
pub use driver::{IoDriver, Turn};
pub use interest::{Interest, Ready};
#[doc(hidden)]
pub use leaf::Leaf;
#[cfg(windows)]
#[doc(hidden)]
pub use reporter::Reporter;
