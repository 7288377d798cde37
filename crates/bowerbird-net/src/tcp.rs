//! TCP: listeners, streams, and sockets that are neither yet.

mod connect;
mod connect_options;
mod stream;
mod listener;
mod options;
mod socket;

pub use connect::Connect;
pub use connect_options::{ConnectErrors, ConnectOptions};
pub use listener::{Bind, TcpListener};
pub use options::Keepalive;
pub use socket::TcpSocket;
pub use stream::TcpStream;
