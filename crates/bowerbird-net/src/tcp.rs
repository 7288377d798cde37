//! TCP: listeners and streams.

mod connect;
mod stream;
mod futures;
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
mod uninit;
mod ready;
mod split;
mod listener;

pub use connect::Connect;
pub use futures::{
    Flush, Peek, Read, ReadExact, ReadToEnd, Readable, ShutdownWrite, Writable, Write, WriteAll,
};
pub use listener::{Accept, Bind, Incoming, TcpListener};
pub use split::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use stream::TcpStream;
