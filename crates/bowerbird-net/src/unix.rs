//! Unix sockets: streams and datagrams between processes of one machine.
//!
//! asyncio: what is under `open_unix_connection` and `start_unix_server`.
//!
//! Where a path is asked for, one that begins with NUL is an abstract name (Linux only), as in Python:
//! `"\0name"`.

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
pub use send_to::SendTo;
pub use socket::UnixSocket;
pub use stream::UnixStream;
