//! Our end of a pipe to a child. Anonymous pipes block on Windows, so they are read and written on the blocking pool,
//! one call at a time.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::OwnedHandle;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::poll_context::{self, OffloadClass};
use bowerbird_base::sync::Mutex;
use bowerbird_base::waker_slot::WakerSlot;
use bowerbird_io::{Interest, IoDriver};
use futures_io::{AsyncRead, AsyncWrite};

/// How much is moved in one call.
const MOST: usize = 64 * 1024;

/// Our end of a pipe.
pub(crate) struct Pipe {
    /// `None`: closed.
    end: Option<Arc<File>>,
    /// What was read and not yet taken.
    read: Vec<u8>,
    call: Option<Arc<Call>>,
}

/// A call on the blocking pool: of a read what it gave, of a write nothing.
struct Call {
    result: Mutex<Option<io::Result<Vec<u8>>>>,
    waker: WakerSlot,
}

impl Pipe {
    pub(crate) fn new(_: &Arc<IoDriver>, end: OwnedHandle, _: Interest) -> io::Result<Self> {
        Ok(Self { end: Some(Arc::new(end.into())), read: Vec::new(), call: None })
    }

    fn begin(
        &mut self,
        work: impl FnOnce(&File) -> io::Result<Vec<u8>> + Send + 'static,
    ) -> io::Result<()> {
        let Some(end) = self.end.clone() else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let call = Arc::new(Call { result: Mutex::new(None), waker: WakerSlot::new() });
        let told = call.clone();
        let job = Box::new(move || {
            *told.result.lock() = Some(work(&end));
            told.waker.wake();
        });
        if poll_context::offload(OffloadClass::Other, job).is_err() {
            return Err(io::Error::other(
                "a pipe is read and written in a runtime that has not ended",
            ));
        }
        self.call = Some(call);
        Ok(())
    }

    /// The result of the call that is under way, if one is.
    fn poll_call(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let Some(call) = &self.call else { return Poll::Ready(Ok(Vec::new())) };
        let take = || call.result.lock().take();
        let result = take().or_else(|| {
            call.waker.register(cx.waker());
            take()
        });
        match result {
            Some(result) => {
                self.call = None;
                Poll::Ready(result)
            }
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if self.read.is_empty() {
            if self.end.is_none() || buffer.is_empty() {
                return Poll::Ready(Ok(0));
            }
            if self.call.is_none() {
                let room = buffer.len().min(MOST);
                self.begin(move |mut end| {
                    let mut read = vec![0; room];
                    let count = end.read(&mut read)?;
                    read.truncate(count);
                    Ok(read)
                })?;
            }
            self.read = match ready!(self.poll_call(cx)) {
                // The other end was closed.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Vec::new(),
                result => result?,
            };
        }
        let count = self.read.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.read[..count]);
        self.read.drain(..count);
        Poll::Ready(Ok(count))
    }
}

impl AsyncWrite for Pipe {
    /// Takes bytes while the ones before are written; their error comes with the next call.
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_call(cx))?;
        let copied = bytes[..bytes.len().min(MOST)].to_vec();
        let count = copied.len();
        self.begin(move |mut end| end.write_all(&copied).map(|()| Vec::new()))?;
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_call(cx).map_ok(drop)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(self.poll_call(cx));
        self.end = None;
        Poll::Ready(flushed.map(drop))
    }
}
