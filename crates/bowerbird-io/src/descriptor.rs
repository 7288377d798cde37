//! What can be registered: a file descriptor, on Windows a socket.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::{Borrowed, borrow, number};
#[cfg(unix)]
pub use unix::{Descriptor, is_ready_now};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Descriptor;
#[cfg(windows)]
pub(crate) use windows::{Borrowed, borrow, number};
