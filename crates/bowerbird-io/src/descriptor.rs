//! What can be registered: a file descriptor, on Windows a socket.

#[cfg(unix)]
mod unix;
#[cfg(all(unix, not(all(target_os = "linux", not(feature = "portable-poller")))))]
pub(crate) use unix::polled;
#[cfg(unix)]
pub(crate) use unix::{Borrowed, borrow, number};
#[cfg(unix)]
pub use unix::{Descriptor, is_ready_now};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::{Borrowed, borrow, number, polled};
#[cfg(windows)]
pub use windows::{Descriptor, Watched};
