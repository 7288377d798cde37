//! TCP: listeners and streams.

mod connect;
mod stream;
mod listener;

pub use connect::Connect;
pub use listener::{Bind, TcpListener};
pub use stream::TcpStream;
