//! From one stream to another.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_io::{Interest, Leaf};

use super::Endpoint;
use crate::socket::{self, Channel};

/// How many bytes are read at a time where the system does not move them itself.
const ROOM: usize = 64 * 1024;

/// Moves all bytes of one stream to another, until the first ends, and returns how many there were. Neither is
/// shut down.
///
/// asyncio: no counterpart.
///
/// On Linux the bytes stay in the system (`splice`, through a pipe); elsewhere, or where the system refuses,
/// they go through a buffer. For both ways at once it is called twice, each time with both streams.
///
/// # Cancel safety
/// Not safe: dropped half-way, what was taken from one stream and not given to the other is lost.
///
/// # Errors
/// What the system says of either stream.
///
/// # Examples
/// ```
/// use bowerbird::net::{UnixStream, splice};
/// # #[cfg(unix)]
/// bowerbird::run(async {
///     let ((mut client, here), (there, mut server)) = (UnixStream::pair()?, UnixStream::pair()?);
///     client.write_all(b"hello").await?;
///     client.shutdown().await?;
///     assert_eq!(splice(&here, &there).await?, 5);
///     let mut buffer = [0; 5];
///     server.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello");
///     # there.shutdown_how(std::net::Shutdown::Both)
/// }).unwrap();
/// ```
#[track_caller]
pub fn splice<'a, A: Endpoint, B: Endpoint>(from: &'a A, to: &'a B) -> Splice<'a, A, B> {
    Splice { from, to, way: Way::Unknown, held: 0, moved: 0, leaf: Leaf::new("splice") }
}

/// The future of [`splice`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Splice<'a, A, B> {
    from: &'a A,
    to: &'a B,
    way: Way,
    /// How many bytes were taken and not given yet.
    held: usize,
    moved: u64,
    leaf: Leaf,
}

enum Way {
    Unknown,
    Channel(Channel),
    Buffer { bytes: Vec<u8>, begin: usize },
}

impl Way {
    fn buffer() -> Self {
        Self::Buffer { bytes: vec![0; ROOM], begin: 0 }
    }

    fn choose() -> Self {
        // Without a descriptor to spare it goes as well.
        Channel::new().map_or_else(|_| Self::buffer(), Self::Channel)
    }
}

impl<A: Endpoint, B: Endpoint> Splice<'_, A, B> {
    /// Takes what is there; 0 at the end.
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let from = self.from.core();
        match &mut self.way {
            Way::Unknown => unreachable!("chosen before"),
            Way::Channel(channel) => {
                from.source()
                    .poll_with_leaf(cx, Interest::READABLE, &mut self.leaf, |os| channel.fill(os))
            }
            Way::Buffer { bytes, begin } => {
                *begin = 0;
                from.poll_recv_leaf(cx, &mut self.leaf, bytes)
            }
        }
    }

    /// Gives what was taken, or a part of it.
    fn poll_give(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let (to, held) = (self.to.core(), self.held);
        match &mut self.way {
            Way::Unknown => unreachable!("chosen before"),
            Way::Channel(channel) => {
                to.source().poll_with_leaf(cx, Interest::WRITABLE, &mut self.leaf, |_| {
                    to.send_with(|os| channel.drain(os, held))
                })
            }
            Way::Buffer { bytes, begin } => {
                let piece = &bytes[*begin..*begin + held];
                let count = ready!(to.poll_send_leaf(cx, &mut self.leaf, piece))?;
                *begin += count;
                Poll::Ready(Ok(count))
            }
        }
    }
}

impl<A: Endpoint, B: Endpoint> Future for Splice<'_, A, B> {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Way::Unknown = this.way {
            this.way = Way::choose();
        }
        loop {
            while this.held > 0 {
                match ready!(this.poll_give(cx))? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => {
                        this.held -= count;
                        this.moved += count as u64;
                    }
                }
            }
            match ready!(this.poll_take(cx)) {
                Ok(0) => return Poll::Ready(Ok(this.moved)),
                Ok(count) => this.held = count,
                // Nothing is in the pipe.
                Err(error) if matches!(this.way, Way::Channel(_)) && socket::is_refused(&error) => {
                    this.way = Way::buffer();
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<A, B> fmt::Debug for Splice<'_, A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splice").field("moved", &self.moved).finish_non_exhaustive()
    }
}
