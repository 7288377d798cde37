//! Sending a datagram to a socket that this one is not connected to. If the receiver's queue is full, the system
//! has no event for the end of that: this socket is writable all the time. So time is what there is to wait for.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::net::UnixDatagram as OsSocket;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Leaf};
use bowerbird_timer::Sleep;
use socket2::SockAddr;

use crate::socket::OsDatagram;

/// How long to wait for room in a receiver's queue, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));

/// The wait for room in a receiver's queue: longer each time.
#[doc(hidden)]
#[derive(Debug)]
pub struct QueuePause {
    next: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Default for QueuePause {
    fn default() -> Self {
        Self { next: PAUSE.0, sleep: None }
    }
}

impl QueuePause {
    /// Ready if nobody waits, or when the pause is over.
    fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = &mut self.sleep {
            ready!(sleep.as_mut().poll(cx));
            self.sleep = None;
        }
        Poll::Ready(())
    }

    /// The queue is full: begins the next pause.
    fn begin(&mut self) {
        self.sleep = Some(Box::pin(bowerbird_timer::part::sleep(self.next)));
        self.next = (self.next * 2).min(PAUSE.1);
    }

    /// The queue is full: waits for the next attempt.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.sleep.is_none() {
            self.begin();
        }
        self.poll_over(cx)
    }
}

/// The future of [`UnixDatagram::send_to`](super::UnixDatagram::send_to) and
/// [`send_to_addr`](super::UnixDatagram::send_to_addr).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SendTo<'a> {
    source: &'a AsyncFd<OsSocket>,
    leaf: Leaf,
    bytes: &'a [u8],
    to: Option<io::Result<SockAddr>>,
    pause: QueuePause,
}

impl<'a> SendTo<'a> {
    pub(super) fn new(
        source: &'a AsyncFd<OsSocket>,
        leaf: Leaf,
        bytes: &'a [u8],
        to: io::Result<SockAddr>,
    ) -> Self {
        Self { source, leaf, bytes, to: Some(to), pause: QueuePause::default() }
    }

    fn attempt(&mut self) -> io::Result<usize> {
        match &self.to {
            Some(Ok(to)) => OsDatagram::send_to(self.source.get_ref(), self.bytes, to),
            Some(Err(_)) => match self.to.take() {
                Some(Err(error)) => Err(error),
                _ => unreachable!("just seen"),
            },
            None => panic!("polled after it was ready"),
        }
    }
}

impl Future for SendTo<'_> {
    type Output = io::Result<usize>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            ready!(self.pause.poll_over(cx));
            let proceed = ready!(self.leaf.poll_enter(cx));
            match self.attempt() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => {
                    proceed.made_progress();
                    return Poll::Ready(result);
                }
            }
            self.pause.begin();
        }
    }
}

impl CancelSafe for SendTo<'_> {}

impl fmt::Debug for SendTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendTo").finish_non_exhaustive()
    }
}
