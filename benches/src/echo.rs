//! The client of the servers: no runtime, the same for all of them.
//!
//! One thread holds all connections on an epoll of its own and keeps one exchange in flight on each: when
//! the answer is complete, the next request goes out. What an exchange is, the [`Load`] says.

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
/// The size of a large one, and of the buffer that it is read into.
pub const LARGE_MESSAGE_BYTES: usize = 16 * 1024;
/// How many connections the client holds.
pub const CONNECTIONS: usize = 64;

/// How many connections are idle in a server whose memory is measured: those before it and those in it.
pub const IDLE_CONNECTIONS: (usize, usize) = (1_000, 10_000);

/// What an HTTP server answers.
pub const HELLO: &[u8] = b"Hello, World!";
/// What it is asked.
pub const HTTP_REQUEST: &[u8] = b"GET /plaintext HTTP/1.1\r\nhost: localhost\r\n\r\n";
/// How many requests come together where they are pipelined.
pub const PIPELINE_DEPTH: usize = 16;

/// What one exchange is.
#[derive(Clone, Debug)]
pub struct Load {
    request: Vec<u8>,
    /// Of how many messages it counts.
    messages: u64,
    /// The answer has as many bytes as the request; else it ends with [`HELLO`] for each message.
    is_echo: bool,
}

impl Load {
    /// A message of so many bytes, which comes back.
    pub fn echo(bytes: usize) -> Self {
        Self { request: vec![7; bytes], messages: 1, is_echo: true }
    }

    /// So many HTTP requests at a time.
    pub fn http(depth: usize) -> Self {
        Self { request: HTTP_REQUEST.repeat(depth), messages: depth as u64, is_echo: false }
    }
}

/// What came of an exchange.
pub struct Exchange {
    /// How many messages went there and back.
    pub messages: u64,
    /// How long that took.
    pub elapsed: Duration,
    /// The time of each exchange, in nanoseconds, unsorted.
    pub latencies_ns: Vec<u64>,
}
