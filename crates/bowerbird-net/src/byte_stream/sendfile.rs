//! Sending a file.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::net::TcpStream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_io::{Interest, Leaf};

use super::Core;
use crate::socket::{self, OsWrite};

/// How many bytes are read at a time where the system does not send files.
const ROOM: usize = 64 * 1024;

/// The future of `sendfile`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SendFile<'a, O: OsWrite = TcpStream> {
    core: &'a Core<O>,
    file: &'a File,
    offset: u64,
    left: Option<u64>,
    sent: u64,
    /// Made when the system has refused to send the file itself.
    copy: Option<Copy>,
    leaf: Leaf,
}

/// What was read of the file and is to be written.
#[derive(Default)]
struct Copy {
    buffer: Vec<u8>,
    written: usize,
}

impl<'a, O: OsWrite> SendFile<'a, O> {
    pub(crate) fn new(
        leaf: Leaf,
        core: &'a Core<O>,
        file: &'a File,
        offset: u64,
        count: Option<u64>,
    ) -> Self {
        Self { core, file, offset, left: count, sent: 0, copy: None, leaf }
    }

    /// How many bytes may be sent now; 0 when it is over.
    fn limit(&self) -> usize {
        self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX))
    }

    fn was_sent(&mut self, count: usize) {
        let count = count as u64;
        self.offset += count;
        self.sent += count;
        self.left = self.left.map(|left| left - count);
    }

    /// One step; 0 at the end of the file.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let limit = self.limit();
        let Self { core, file, offset, copy, leaf, .. } = self;
        let Some(copy) = copy else {
            return core.source().poll_with_leaf(cx, Interest::WRITABLE, leaf, |_| {
                core.send_with(|os| socket::sendfile(os, file, *offset, limit))
            });
        };
        if copy.written == copy.buffer.len() {
            copy.buffer.resize(limit.min(ROOM), 0);
            copy.written = 0;
            let read = socket::read_at(file, &mut copy.buffer, *offset);
            copy.buffer.truncate(*read.as_ref().unwrap_or(&0));
            if read? == 0 {
                return Poll::Ready(Ok(0));
            }
        }
        let count = ready!(core.poll_send_leaf(cx, leaf, &copy.buffer[copy.written..]))?;
        copy.written += count;
        Poll::Ready(Ok(count))
    }
}

impl<O: OsWrite> Future for SendFile<'_, O> {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        while this.limit() > 0 {
            match ready!(this.poll_step(cx)) {
                Ok(0) => break,
                Ok(count) => this.was_sent(count),
                Err(error) if this.copy.is_none() && socket::is_refused(&error) => {
                    this.copy = Some(Copy::default());
                }
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        // Also without a step, for no bytes.
        this.leaf.polled();
        Poll::Ready(Ok(this.sent))
    }
}

impl<O: OsWrite> fmt::Debug for SendFile<'_, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFile").field("sent", &self.sent).finish_non_exhaustive()
    }
}
