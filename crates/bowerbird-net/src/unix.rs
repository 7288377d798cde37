//! Unix sockets: streams and datagrams between processes of one machine.
//!
//! asyncio: what is under `open_unix_connection` and `start_unix_server`.
//!
//! Where a path is asked for, one that begins with NUL is an abstract name (Linux only), as in Python:
//! `"\0name"`.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

mod stream;
mod connect;
mod own_file;
mod listener;
mod credentials;
mod datagram;
mod send_to;
mod socket;

pub use connect::Connect;
pub use credentials::UCred;
pub use datagram::UnixDatagram;
pub use listener::UnixListener;
#[doc(hidden)]
pub use send_to::QueuePause;
pub use send_to::SendTo;
pub use socket::UnixSocket;
pub use stream::UnixStream;

/// Makes the address of a path, or of an abstract name: where an address is wanted, as by `send_to_addr`.
///
/// asyncio: an address is the path itself.
///
/// # Errors
/// `InvalidInput` if it is too long, with the limit; or if the path holds a NUL.
///
/// # Examples
/// ```
/// use bowerbird::net::unix;
/// let address = unix::socket_addr("/run/log.sock")?;
/// assert_eq!(address.as_pathname(), Some("/run/log.sock".as_ref()));
/// assert!(unix::socket_addr("x".repeat(200)).is_err());
/// # #[cfg(target_os = "linux")]
/// assert!(!unix::socket_addr("\0name")?.is_unnamed());
/// # std::io::Result::Ok(())
/// ```
pub fn socket_addr(path: impl AsRef<Path>) -> io::Result<SocketAddr> {
    crate::socket::std_unix_address(path.as_ref())
}
