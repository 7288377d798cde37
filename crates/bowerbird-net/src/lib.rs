//! TCP for bowerbird: [`TcpListener`] and [`TcpStream`].
//!
//! The methods that one uses are inherent and `async`; the traits of the ecosystem are implemented beside
//! them: futures-io always, tokio's with the feature `tokio-io`, hyper's with the feature `hyper`.
//!
//! From the outside in:
//!
//! 1. `to_addrs`, `resolve`: from what the user writes to socket addresses; [`dns`]: the system's resolver, on
//!    threads of its own.
//! 2. `tcp::connect`: happy eyeballs (RFC 8305) over several addresses.
//! 3. `tcp::stream`, `tcp::listener`, `tcp::split`, `tcp::futures`: the types and their futures.
//! 4. `traits`: the foreign traits.
//! 5. `socket`: **the one place that reaches the operating system.**
//!
//! Readiness comes from bowerbird-io, delays from bowerbird-timer.

pub mod dns;
mod socket;
mod to_addrs;
mod resolve;
mod tcp;
mod traits;
pub mod streams;

pub use dns::{AddrInfo, getaddrinfo, getnameinfo, lookup_host};
pub use tcp::{
    Accept, Bind, Connect, Flush, Incoming, OwnedReadHalf, OwnedWriteHalf, Peek, Read, ReadExact,
    ReadHalf, ReadToEnd, Readable, ReuniteError, ShutdownWrite, TcpListener, TcpStream, Writable,
    Write, WriteAll, WriteHalf,
};
pub use to_addrs::{Target, ToAddrs};
