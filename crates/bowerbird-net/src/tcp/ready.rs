//! Readiness of a connection, for those who poll.

use std::io;
use std::task::{Context, Poll};

use super::TcpStream;

impl TcpStream {
    /// Polls for readability; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves those who keep no future. Read with [`try_read`](Self::try_read)
    /// then, and poll again after its `WouldBlock`.
    ///
    /// # Errors
    /// The runtime has shut down.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.source().poll_readable(cx)
    }

    /// Polls for writability; the last caller's task is woken.
    ///
    /// asyncio: no counterpart; it serves those who keep no future. Write with
    /// [`try_write`](Self::try_write) then, and poll again after its `WouldBlock`.
    ///
    /// # Errors
    /// The runtime has shut down.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.source().poll_writable(cx)
    }
}
