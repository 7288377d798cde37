//! Unix sockets: streams between processes of one machine.
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

pub use connect::Connect;
pub use credentials::UCred;
pub use listener::UnixListener;
pub use stream::UnixStream;
