//! The other end of a connection, which tries everything once.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bowerbird::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use bowerbird::net::TcpStream;
use bowerbird::tls::TlsStream;

use crate::Op;
use crate::life::{MOST, bytes, check_bytes};

/// A stream, and the socket under it.
pub(crate) trait End: AsyncRead + AsyncWrite + Unpin + Send {
    fn socket(&self) -> &TcpStream;
}

impl End for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }
}

impl End for TlsStream<TcpStream> {
    fn socket(&self) -> &TcpStream {
        self.get_ref()
    }
}

pub(crate) struct Peer {
    stream: Option<Box<dyn End>>,
    pub(crate) sent: usize,
    pub(crate) read: usize,
    has_ended: bool,
    pub(crate) saw_end: bool,
}

/// Polls once.
fn once<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<io::Result<T>>) -> Option<T> {
    match poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(value)) => Some(value),
        _ => None,
    }
}

impl Peer {
    pub(crate) fn new(stream: impl End + 'static) -> Self {
        let stream: Option<Box<dyn End>> = Some(Box::new(stream));
        Self { stream, sent: 0, read: 0, has_ended: false, saw_end: false }
    }

    pub(crate) fn act(&mut self, op: Op) {
        let Some(stream) = &mut self.stream else { return };
        let mut pinned = Pin::new(&mut **stream);
        match op {
            Op::PeerSends(count) if !self.has_ended => {
                let data = bytes(self.sent, count);
                self.sent += once(|cx| pinned.as_mut().poll_write(cx, data)).unwrap_or(0);
                let _later = once(|cx| pinned.as_mut().poll_flush(cx));
            }
            Op::PeerReads(count) => {
                let mut room = vec![0; count.min(MOST)];
                if let Some(read) = once(|cx| pinned.as_mut().poll_read(cx, &mut room)) {
                    check_bytes(self.read, &room[..read]);
                    self.read += read;
                    self.saw_end |= read == 0;
                }
            }
            Op::PeerEnds => {
                self.has_ended = true;
                let _lost = once(|cx| pinned.as_mut().poll_close(cx));
            }
            Op::PeerResets => {
                let _lost = stream.socket().set_linger(Some(Duration::ZERO));
                self.stream = None;
            }
            Op::PeerGoes => self.stream = None,
            _ => {}
        }
    }

    /// Reads everything up to the end.
    pub(crate) async fn read_out(&mut self) {
        let Some(stream) = &mut self.stream else { return };
        let mut room = vec![0; 1 << 18];
        while !self.saw_end {
            let Ok(read) = stream.read(&mut room).await else { return };
            check_bytes(self.read, &room[..read]);
            self.read += read;
            self.saw_end = read == 0;
        }
    }
}
