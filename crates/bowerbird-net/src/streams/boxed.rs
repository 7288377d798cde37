//! Streams of any type as wires.
//!
//! Its methods want `&mut`, and it is somebody else's code, so it is not called under a lock: whoever
//! calls it takes it out, and puts it back after. The other direction, if it comes meanwhile, leaves its
//! waker and is woken then. Who ends it while it is out leaves a note, and it is dropped when it comes back.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bowerbird_base::sync::Mutex;
use bowerbird_io::Leaf;
use futures_io::{AsyncRead, AsyncWrite};

use super::wire::Wire;

/// Reads and writes.
pub(super) trait Duplex: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Duplex for T {}

type Stream = Pin<Box<dyn Duplex>>;

enum Place {
    Here(Stream),
    Out,
    Gone,
}

struct State {
    place: Place,
    /// The waker that the reader came with last: it is woken when the stream ends.
    reader: Option<Waker>,
    /// The reader came while the stream was out: it is woken when it is back.
    reader_waits: bool,
    /// The writer's waker, if it came while the stream was out.
    writer: Option<Waker>,
}

/// A stream of any type, shared by its two directions.
pub(super) struct BoxedWire(Mutex<State>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Reader,
    Writer,
}

impl BoxedWire {
    pub(super) fn new(stream: impl AsyncRead + AsyncWrite + Send + 'static) -> Self {
        let place = Place::Here(Box::pin(stream));
        Self(Mutex::new(State { place, reader: None, reader_waits: false, writer: None }))
    }

    /// Calls `f` with the stream; `None` if it has ended, `Pending` while the other side has it.
    fn poll_with<R>(
        &self,
        cx: &mut Context<'_>,
        side: Side,
        f: impl FnOnce(Pin<&mut dyn Duplex>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<Option<R>> {
        // Cloned before the lock; what it replaces is dropped after it.
        let mut waker = Some(cx.waker().clone());
        let taken = self.0.lock().take_out(side, &mut waker);
        drop(waker);
        match taken {
            Place::Here(stream) => {
                let mut back = PutBack { wire: self, side, stream: Some(stream) };
                match &mut back.stream {
                    Some(stream) => f(stream.as_mut(), cx).map(Some),
                    None => unreachable!("put there above"),
                }
            }
            Place::Out => Poll::Pending,
            Place::Gone => Poll::Ready(None),
        }
    }

    /// Ends the stream: it is dropped now, or when it comes back.
    fn end(&self) {
        let (place, reader, writer) = {
            let mut state = self.0.lock();
            let place = std::mem::replace(&mut state.place, Place::Gone);
            (place, state.reader.take(), state.writer.take())
        };
        drop(place);
        bowerbird_base::wake_all::wake_all(reader.into_iter().chain(writer));
    }
}

impl State {
    /// Takes the stream, if it is here, and leaves the waker where it may be wanted.
    fn take_out(&mut self, side: Side, waker: &mut Option<Waker>) -> Place {
        let next = if let Place::Gone = self.place { Place::Gone } else { Place::Out };
        let taken = std::mem::replace(&mut self.place, next);
        let is_out = matches!(taken, Place::Out);
        match side {
            Side::Reader => {
                self.reader_waits = is_out;
                std::mem::swap(&mut self.reader, waker);
            }
            Side::Writer if is_out => std::mem::swap(&mut self.writer, waker),
            Side::Writer => {}
        }
        taken
    }

    /// Puts the stream back, if it is wanted, and gives the waker of the other side, if that waits.
    fn put_back(&mut self, side: Side, stream: &mut Option<Stream>) -> Option<Waker> {
        if let Place::Out = self.place {
            if let Some(stream) = stream.take() {
                self.place = Place::Here(stream);
            }
        }
        match side {
            Side::Reader => self.writer.take(),
            Side::Writer if std::mem::take(&mut self.reader_waits) => self.reader.take(),
            Side::Writer => None,
        }
    }
}

/// Puts a stream back when a call is over, also by a panic.
struct PutBack<'a> {
    wire: &'a BoxedWire,
    side: Side,
    stream: Option<Stream>,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        let waiting = self.wire.0.lock().put_back(self.side, &mut self.stream);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the stream is closed")
}

impl Wire for BoxedWire {
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        poll_leaf(cx, leaf, |cx| {
            self.poll_with(cx, Side::Reader, |stream, cx| stream.poll_read(cx, buffer))
                .map(|result| result.unwrap_or(Ok(0)))
        })
    }

    fn try_write(&self, _pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_with(cx, Side::Writer, |stream, cx| stream.poll_write_vectored(cx, pieces))
            .map(|result| result.unwrap_or_else(|| Err(ended())))
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(cx, Side::Writer, |stream, cx| stream.poll_flush(cx))
            .map(|result| result.unwrap_or(Ok(())))
    }

    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(cx, Side::Writer, |stream, cx| stream.poll_close(cx))
            .map(|result| result.unwrap_or(Ok(())))
    }

    fn can_write_eof(&self) -> bool {
        true
    }

    fn close(&self) {
        self.end();
    }
}

/// Makes a stream of what only writes, as the end of a pipe: it reads the end.
pub(super) struct WriteOnly(pub(super) Pin<Box<dyn AsyncWrite + Send>>);

impl AsyncRead for WriteOnly {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(0))
    }
}

impl AsyncWrite for WriteOnly {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.0.as_mut().poll_write_vectored(cx, pieces)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_close(cx)
    }
}

/// Polls somebody else's stream with the manners of a leaf of ours.
pub(super) fn poll_leaf<R>(
    cx: &mut Context<'_>,
    leaf: &mut Leaf,
    poll: impl FnOnce(&mut Context<'_>) -> Poll<R>,
) -> Poll<R> {
    let proceed = ready!(leaf.poll_enter(cx));
    let polled = poll(cx);
    match polled {
        Poll::Ready(_) => proceed.made_progress(),
        Poll::Pending => leaf.suspend("stream", 0),
    }
    polled
}
