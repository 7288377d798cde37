//! Sockets that a service manager has opened and hands over (systemd's socket activation).
//!
//! The environment says so: `LISTEN_PID` is whom it is for, `LISTEN_FDS` how many there are, from descriptor 3 on,
//! and `LISTEN_FDNAMES` what they are called.
//!
//! # Ordering arguments
//! - `[ORD-1]` Whether they were taken: Relaxed. One exchange decides who takes them, and nothing is passed on by it.

use std::env;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::{FdFlags, fcntl_getfd, fcntl_setfd};
use rustix::net::AddressFamily;
use rustix::net::sockopt::{socket_acceptconn, socket_domain};

use crate::tcp::TcpListener;
use crate::unix::UnixListener;

/// The first descriptor that is handed over.
const FIRST: RawFd = 3;

/// A socket that was handed over.
#[derive(Debug)]
#[non_exhaustive]
pub enum ActivatedSocket {
    /// A listening TCP socket.
    Tcp(TcpListener),
    /// A listening Unix socket. Its file belongs to who has made it, and stays.
    Unix(UnixListener),
    /// Another descriptor: a datagram socket, a FIFO.
    Other(OwnedFd),
}

/// Takes the sockets that a service manager has handed to this process, with their names.
///
/// asyncio: no counterpart (`sock=socket.fromfd(3, ..)`).
///
/// It is systemd's protocol: `LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`. The first call takes them; a later one,
/// and one in a process that was handed none, finds none. The environment stays as it is, since it cannot be
/// changed safely; a child has another process id and so takes nothing.
///
/// # Errors
/// A variable is no number, a descriptor is not open, or a listener cannot be polled.
///
/// # Panics
/// Called outside a runtime, if there are listeners.
///
/// # Examples
/// ```
/// use bowerbird::streams::{ActivatedSocket, activated_sockets};
///
/// bowerbird::run(async {
///     for (name, socket) in activated_sockets()? {
///         match socket {
///             ActivatedSocket::Tcp(listener) => println!("{name}: {listener:?}"),
///             other => println!("{name}: {other:?}"),
///         }
///     }
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn activated_sockets() -> io::Result<Vec<(String, ActivatedSocket)>> {
    /// Whether they were taken: they have one owner.
    static TAKEN: AtomicBool = AtomicBool::new(false);

    let Some(count) = handed_over(std::process::id(), |name| env::var(name).ok())? else {
        return Ok(Vec::new());
    };
    // [ORD-1]
    if TAKEN.swap(true, Ordering::Relaxed) {
        return Ok(Vec::new());
    }
    let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':').filter(|name| !name.is_empty());
    let mut sockets = Vec::new();
    for descriptor in FIRST..FIRST + count {
        let name = names.next().unwrap_or("unknown").to_owned();
        sockets.push((name, adopt(take(descriptor)?)?));
    }
    Ok(sockets)
}

/// How many descriptors are for this process; `None` if none are.
fn handed_over(
    process: u32,
    variable: impl Fn(&str) -> Option<String>,
) -> io::Result<Option<RawFd>> {
    let number = |name: &str| match variable(name) {
        None => Ok(None),
        Some(text) => text.parse::<u32>().map(Some).map_err(|_| {
            let text =
                format!("{name} is `{text}`, which is no number; is this systemd's protocol?");
            io::Error::new(io::ErrorKind::InvalidData, text)
        }),
    };
    if number("LISTEN_PID")? != Some(process) {
        return Ok(None);
    }
    let count = number("LISTEN_FDS")?.and_then(|count| RawFd::try_from(count).ok());
    Ok(count.filter(|count| (1..RawFd::MAX - FIRST).contains(count)))
}

/// Makes a descriptor that was handed over this process's own, not its children's.
fn take(descriptor: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: the number is not -1; it is borrowed for the next call only, which fails if it is not open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let flags = fcntl_getfd(borrowed).map_err(|error| {
        let text =
            format!("LISTEN_FDS speaks of descriptor {descriptor}, which is not open: {error}");
        io::Error::new(io::ErrorKind::NotFound, text)
    })?;
    fcntl_setfd(borrowed, flags | FdFlags::CLOEXEC)?;
    // SAFETY: it is open. The process was started with it, for whoever reads these variables with its own process
    // id in them, which is this function, once (`TAKEN`); so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

#[track_caller]
fn adopt(descriptor: OwnedFd) -> io::Result<ActivatedSocket> {
    let is_listening = socket_acceptconn(descriptor.as_fd()).unwrap_or(false);
    match socket_domain(descriptor.as_fd()) {
        Ok(AddressFamily::INET | AddressFamily::INET6) if is_listening => {
            TcpListener::from_std(descriptor.into()).map(ActivatedSocket::Tcp)
        }
        Ok(AddressFamily::UNIX) if is_listening => {
            UnixListener::from_std(descriptor.into()).map(ActivatedSocket::Unix)
        }
        _ => Ok(ActivatedSocket::Other(descriptor)),
    }
}

#[cfg(test)]
mod tests;
