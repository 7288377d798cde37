//! TCP, UDP and Unix sockets for bowerbird.
//!
//! The methods that one uses are inherent and `async`; the traits of the ecosystem are implemented beside
//! them: futures-io always, tokio's with the feature `tokio-io`, hyper's with the feature `hyper`.
//!
//! From the outside in:
//!
//! 1. `to_addrs`, `resolve`: from what the user writes to socket addresses; [`dns`]: the system's resolver, on
//!    threads of its own.
//! 2. `tcp`, `udp`, `unix`: the public types. `tcp::connect`: happy eyeballs (RFC 8305) over several addresses.
//! 3. `byte_stream`, `accepting`, `datagram`: what all streams, listeners and datagram sockets share: futures, halves, methods.
//! 4. `traits`: the foreign traits.
//! 5. `socket`: **the one place that reaches the operating system.**
//!
//! Readiness comes from bowerbird-io, delays from bowerbird-timer.

pub mod dns;
mod socket;
pub mod io;
#[cfg(feature = "codec")]
pub mod codec;
mod to_addrs;
mod resolve;
mod byte_stream;
mod accepting;
pub mod datagram;
mod options;
mod tcp;
mod udp;
#[cfg(unix)]
pub mod pipe;
#[cfg(unix)]
pub mod unix;
#[cfg(windows)]
pub mod windows;
mod traits;
pub mod streams;
#[cfg(feature = "tls")]
pub mod tls;

/// For the crates above.
#[doc(hidden)]
pub mod private {
    pub use crate::socket::{is_refused, read_at};
}

pub use accepting::{Accept, Incoming};
pub use byte_stream::futures::{
    Flush, Peek, Read, ReadExact, ReadToEnd, Readable, ShutdownWrite, Writable, Write, WriteAll,
};
pub use byte_stream::halves::{OwnedReadHalf, OwnedWriteHalf, ReadHalf, ReuniteError, WriteHalf};
pub use byte_stream::sendfile::SendFile;
pub use byte_stream::splice::{Splice, splice};
pub use dns::{AddrInfo, getaddrinfo, getnameinfo, lookup_host};
pub use tcp::{
    Bind, Connect, ConnectErrors, ConnectOptions, Keepalive, TcpListener, TcpSocket, TcpStream,
};
pub use to_addrs::{Target, ToAddrs};
pub use udp::{BindUdp, ConnectUdp, Datagrams, RecvMany, SendMany, UdpSocket};
#[cfg(unix)]
pub use unix::{UnixDatagram, UnixListener, UnixSocket, UnixStream};
