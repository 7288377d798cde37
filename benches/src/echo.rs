//! The client of the echo server: no runtime, the same for all of them.
//!
//! One thread holds all connections on an epoll of its own and keeps one message in flight on each:
//! what comes back complete is sent again.

pub use imp::Client;

use std::time::Duration;

#[cfg(target_os = "linux")]
#[path = "echo/linux.rs"]
mod imp;

#[cfg(not(target_os = "linux"))]
#[path = "echo/elsewhere.rs"]
mod imp;

/// What a server reads into, for each connection.
pub const BUFFER_BYTES: usize = 4096;
/// The size of a message.
pub const MESSAGE_BYTES: usize = 64;
/// How many connections the client holds.
pub const CONNECTIONS: usize = 64;

/// How many connections are idle in a server whose memory is measured: those before it and those in it.
pub const IDLE_CONNECTIONS: (usize, usize) = (1_000, 10_000);

/// What came of an exchange.
pub struct Exchange {
    /// How many messages went there and back.
    pub messages: u64,
    /// How long that took.
    pub elapsed: Duration,
    /// The time of each message, in nanoseconds, unsorted.
    pub latencies_ns: Vec<u64>,
}
