//! Our end of a pipe to a child.

use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_io::{AsyncFd, Interest, IoDriver};
use futures_io::{AsyncRead, AsyncWrite};

/// Our end of a pipe. It does not block; the child's end is as the child wants it.
pub(crate) struct Pipe(
    /// `None`: closed.
    Option<AsyncFd<OwnedFd>>,
);

impl Pipe {
    pub(crate) fn new(
        driver: &Arc<IoDriver>,
        end: OwnedFd,
        interest: Interest,
    ) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&end, true)?;
        AsyncFd::register(driver.clone(), end, interest).map(Some).map(Self)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match &self.0 {
            Some(end) => end.poll_read_with(cx, |end| {
                Ok(rustix::io::retry_on_intr(|| rustix::io::read(end, &mut *buffer))?)
            }),
            None => Poll::Ready(Ok(0)),
        }
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &self.0 {
            Some(end) => end.poll_write_with(cx, |end| {
                Ok(rustix::io::retry_on_intr(|| rustix::io::write(end, bytes))?)
            }),
            None => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}
