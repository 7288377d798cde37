//! Listeners for servers, with the options that `start_server` has.

use std::io;
use std::net::SocketAddr;

use crate::tcp::{TcpListener, TcpSocket};

/// How a listening socket is made; `None` leaves it to the system, or to what is usual there.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct ListenOptions {
    /// How many connections may wait to be accepted.
    pub backlog: Option<u32>,
    /// `SO_REUSEADDR`; on Unix it is on.
    pub reuse_address: Option<bool>,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
    /// `SO_KEEPALIVE`, which what is accepted inherits.
    pub keep_alive: bool,
    /// `IPV6_V6ONLY`, for an IPv6 address.
    pub only_v6: Option<bool>,
}

/// Binds an address and listens; for the server of the umbrella crate.
///
/// # Errors
/// What the system says, with the address.
#[doc(hidden)]
#[track_caller]
pub fn listen(address: SocketAddr, options: &ListenOptions) -> io::Result<TcpListener> {
    // Not in a closure: a panic points at the user's line.
    let listening = match bind(address, options) {
        Ok(socket) => socket.listen(options.backlog.unwrap_or(1_024)),
        Err(error) => Err(error),
    };
    listening.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
    })
}

fn bind(address: SocketAddr, options: &ListenOptions) -> io::Result<TcpSocket> {
    let socket = TcpSocket::for_addr(address)?;
    if options.reuse_address.unwrap_or(cfg!(unix)) {
        // On Windows the option of that name lets two listeners have one port.
        socket.set_reuse_address(true)?;
    }
    if options.reuse_port {
        share_port(&socket)?;
    }
    if options.keep_alive {
        socket.set_keepalive(true)?;
    }
    if let (Some(only_v6), true) = (options.only_v6, address.is_ipv6()) {
        socket.set_only_v6(only_v6)?;
    }
    socket.bind(address)?;
    Ok(socket)
}

#[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
fn share_port(socket: &TcpSocket) -> io::Result<()> {
    socket.set_reuse_port(true)
}

#[cfg(not(all(
    unix,
    not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
)))]
fn share_port(_socket: &TcpSocket) -> io::Result<()> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no SO_REUSEPORT"))
}
