//! Options of sockets, through socket2.

use std::io;

#[cfg(unix)]
use bowerbird_io::Descriptor;
use socket2::SockRef;

/// Asks a socket about an option, or sets it.
#[cfg(unix)]
pub(crate) fn option<R>(
    socket: &impl Descriptor,
    ask: impl FnOnce(&SockRef<'_>) -> io::Result<R>,
) -> io::Result<R> {
    ask(&SockRef::from(&std::os::fd::AsFd::as_fd(socket)))
}

/// Asks a socket about an option, or sets it.
#[cfg(windows)]
pub(crate) fn option<R>(
    socket: &impl std::os::windows::io::AsSocket,
    ask: impl FnOnce(&SockRef<'_>) -> io::Result<R>,
) -> io::Result<R> {
    ask(&SockRef::from(socket))
}
