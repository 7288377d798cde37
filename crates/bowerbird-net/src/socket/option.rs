//! Options of sockets, through socket2.

use std::io;

use bowerbird_io::Descriptor;
#[cfg(windows)]
use bowerbird_io::Watched;
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
    socket: &impl Descriptor,
    ask: impl FnOnce(&SockRef<'_>) -> io::Result<R>,
) -> io::Result<R> {
    match socket.watched() {
        Watched::Socket(socket) => ask(&SockRef::from(&socket)),
        Watched::Nothing(_) => Err(io::Error::new(io::ErrorKind::Unsupported, "it is no socket")),
    }
}
