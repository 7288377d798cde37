//! Writes that go on in the background: what a [`File`](super::File) and the standard outputs share.

use std::io;
use std::task::{Context, Poll, ready};

use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};
use bowerbird_io::Leaf;

use crate::offloaded::InFlight;

/// How much one write takes at most: it is copied.
pub(crate) const MOST: usize = 2 * 1024 * 1024;

type Written = (Vec<u8>, io::Result<()>);

/// One write that goes on, and the error of the last that nobody was told of.
pub(crate) struct Writes {
    in_flight: Option<InFlight<Written>>,
    /// A buffer that was written, for the next.
    spare: Vec<u8>,
    error: Option<io::Error>,
}

impl Writes {
    pub(crate) const fn new() -> Self {
        Self { in_flight: None, spare: Vec::new(), error: None }
    }

    /// Waits until nothing goes on.
    pub(crate) fn poll_settle(&mut self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(in_flight) = &self.in_flight {
            match ready!(in_flight.poll(leaf, cx)) {
                Ok((buffer, result)) => {
                    self.spare = buffer;
                    self.error = result.err();
                }
                Err(error) => self.error = Some(error),
            }
            self.in_flight = None;
        }
        Poll::Ready(())
    }

    /// Waits until nothing goes on, and gives the error of what did.
    pub(crate) fn poll_flush(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_settle(leaf, cx));
        leaf.polled();
        Poll::Ready(self.error.take().map_or(Ok(()), Err))
    }

    /// Begins a write, after the last one; the bytes are copied. `write` is called on the pool.
    pub(crate) fn start(
        &mut self,
        bytes: &[u8],
        write: impl FnOnce(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> io::Result<usize> {
        let count = bytes.len().min(MOST);
        let mut buffer = std::mem::take(&mut self.spare);
        buffer.clear();
        buffer.extend_from_slice(&bytes[..count]);
        let job = move || {
            let result = write(&buffer);
            (buffer, result)
        };
        self.in_flight = Some(InFlight::start(job, |(_, result)| tell(result))?);
        Ok(count)
    }
}

impl Drop for Writes {
    fn drop(&mut self) {
        if let Some(error) = self.error.take() {
            tell(Err(error));
        }
    }
}

/// A write failed, and its file or handle is gone.
fn tell(result: io::Result<()>) {
    if let Err(error) = result {
        let text =
            "a write failed after its file was dropped; flush() or close() would have said so";
        call_exception_handler(&Unhandled::new(UnhandledKind::Blocking, text).with_error(error));
    }
}
