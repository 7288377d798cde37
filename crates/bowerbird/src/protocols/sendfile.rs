//! Sending files through transports.

use std::fmt;
use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::call_site::CallSite;
use bowerbird_sync::oneshot;

use super::Transport;
use super::stream::Job;

/// Sends a file from `offset`, at most `count` bytes of it, and gives how many there were.
///
/// asyncio: `loop.sendfile`; the file's own position is not used. There reading is paused meanwhile; here it goes on.
///
/// What was written before goes first. On Linux the bytes go from the file to a TCP or Unix socket without coming here;
/// over TLS, elsewhere, or where the system refuses, through a buffer (asyncio's `fallback=True`). In both cases a file
/// that is not in memory is read by the worker. Until this completes nothing else can be written to the transport: a
/// write panics, as it raises there.
///
/// # Cancel safety
/// Dropping it stops; how much was sent is lost.
///
/// # Errors
/// What the system says of the file or of the socket; the connection was closed or lost meanwhile
/// ([`ConnectionAborted`](io::ErrorKind::ConnectionAborted)). The transport is closing, is one of a pipe, sends a
/// file already, or [`write_eof`](Transport::write_eof) was called: nothing is sent then.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{Protocol, create_connection, sendfile};
/// use bowerbird::net::TcpListener;
/// use std::fs::File;
///
/// struct Quiet;
/// impl Protocol for Quiet {}
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let transport = create_connection(|| Quiet, listener.local_addr()?).await?;
///     let (mut peer, _) = listener.accept().await?;
///     let text = std::fs::read("Cargo.toml")?;
///     transport.write(b"here it is: ");
///     let sent = sendfile(&transport, File::open("Cargo.toml")?, 0, None).await?;
///     assert_eq!(sent, text.len() as u64);
///     transport.close();
///     let mut got = Vec::new();
///     peer.read_to_end(&mut got).await?;
///     assert_eq!(got, [&b"here it is: "[..], &text].concat());
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn sendfile(
    transport: &Transport,
    file: impl Into<Arc<File>>,
    offset: u64,
    count: Option<u64>,
) -> SendFile {
    SendFile {
        transport: transport.clone(),
        begin: Some((file.into(), offset, count)),
        done: None,
        site: CallSite::new("sendfile"),
    }
}

/// The future of [`sendfile`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SendFile {
    transport: Transport,
    /// `None` once it was polled.
    begin: Option<(Arc<File>, u64, Option<u64>)>,
    /// There while it is being sent: its number, and who tells of it.
    done: Option<(u64, oneshot::Receiver<io::Result<u64>>)>,
    site: CallSite,
}

impl Future for SendFile {
    type Output = io::Result<u64>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.site.polled();
        if let Some((file, offset, count)) = this.begin.take() {
            let (waiter, done) = oneshot::channel();
            let id = this.transport.0.send_file(Job::new(file, offset, count, waiter))?;
            this.done = Some((id, done));
        }
        let Some((_, done)) = &mut this.done else { panic!("polled after it was ready") };
        let result = ready!(Pin::new(done).poll(cx));
        this.done = None;
        Poll::Ready(result.unwrap_or_else(|_| {
            let text = "the connection was closed while a file was sent";
            Err(io::Error::new(io::ErrorKind::ConnectionAborted, text))
        }))
    }
}

impl Drop for SendFile {
    fn drop(&mut self) {
        if let Some((id, _)) = self.done {
            self.transport.0.stop_file(id);
        }
    }
}

impl fmt::Debug for SendFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFile").field("transport", &self.transport).finish_non_exhaustive()
    }
}
