//! What can be registered: a file descriptor, on Windows a socket.

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub use unix::Descriptor;
#[cfg(unix)]
pub(crate) use unix::{Borrowed, borrow, number};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::Descriptor;
#[cfg(windows)]
pub(crate) use windows::{Borrowed, borrow, number};
