//! Frames out of a reader.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use bytes::BytesMut;
use futures_core::Stream;
use futures_io::AsyncRead;
use pin_project_lite::pin_project;

use super::traits::Decoder;
use crate::io::step;

/// How much room is made for a read, at least and at most: room is zeroed before each.
const ROOM: (usize, usize) = (4 * 1024, 64 * 1024);

/// What was read, and what is known of it.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) bytes: BytesMut,
    room: usize,
    /// There may be a frame in the buffer.
    is_worth_a_try: bool,
    is_at_end: bool,
    is_suspended: bool,
}

impl Incoming {
    pub(super) fn new(bytes: BytesMut) -> Self {
        let is_worth_a_try = !bytes.is_empty();
        Self { bytes, room: ROOM.0, is_worth_a_try, is_at_end: false, is_suspended: false }
    }

    /// The next frame. What was read of one stays here when the wait is given up.
    pub(super) fn poll_frame<R: AsyncRead, D: Decoder>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        decoder: &mut D,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        loop {
            if self.is_worth_a_try {
                // A step of its own: many frames of one read are many results.
                let frame = ready!(step(leaf, cx, |_| Poll::Ready(self.decode(decoder))));
                if let Some(frame) = frame.transpose() {
                    return Poll::Ready(Some(frame));
                }
            }
            if ready!(step(leaf, cx, |cx| self.poll_read(cx, reader.as_mut())))? == 0 {
                if self.is_at_end {
                    return Poll::Ready(None);
                }
                self.is_at_end = true;
            } else {
                self.is_at_end = false;
            }
            self.is_worth_a_try = true;
        }
    }

    fn decode<D: Decoder>(&mut self, decoder: &mut D) -> Result<Option<D::Item>, D::Error> {
        let frame = if self.is_at_end {
            decoder.decode_eof(&mut self.bytes)
        } else {
            decoder.decode(&mut self.bytes)
        };
        self.is_worth_a_try = !matches!(frame, Ok(None));
        frame
    }

    /// Reads once, behind what is there.
    fn poll_read<R: AsyncRead>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
    ) -> Poll<std::io::Result<usize>> {
        let length = self.bytes.len();
        self.bytes.resize(length + self.room, 0);
        let result = reader.poll_read(cx, &mut self.bytes[length..]);
        let count = if let Poll::Ready(Ok(count)) = &result { *count } else { 0 };
        self.bytes.truncate(length + count);
        if result.is_ready() {
            // A read that fills the room asks for more of it, one that does not for less.
            self.room = if count == self.room { self.room * 2 } else { self.room / 2 };
            self.room = self.room.clamp(ROOM.0, ROOM.1);
        }
        result
    }

    /// The form of `Stream`, which has no future to keep whether it was suspended.
    pub(super) fn poll_next<R: AsyncRead, D: Decoder>(
        &mut self,
        cx: &mut Context<'_>,
        reader: Pin<&mut R>,
        decoder: &mut D,
    ) -> Poll<Option<Result<D::Item, D::Error>>> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let result = self.poll_frame(&mut leaf, cx, reader, decoder);
        self.is_suspended = result.is_pending();
        result
    }
}

pin_project! {
    /// The frames that a decoder finds in a reader: a `Stream`, and [`next`](Self::next).
    ///
    /// asyncio: `async for` over a `StreamReader`, with `readuntil` or `readexactly` inside.
    ///
    /// At the end of the reader the decoder is asked for what is left, and then the frames end. An error does not end
    /// them.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::codec::{FramedRead, LinesCodec};
    ///
    /// bowerbird::run(async {
    ///     let mut lines = FramedRead::new(&b"one\ntwo"[..], LinesCodec::new());
    ///     while let Some(line) = lines.next().await {
    ///         assert_eq!(line?.len(), 3);
    ///     }
    ///     Ok::<_, bowerbird::codec::FrameError>(())
    /// }).unwrap();
    /// ```
    #[derive(Debug)]
    pub struct FramedRead<R, D> {
        #[pin]
        reader: R,
        decoder: D,
        incoming: Incoming,
    }
}

impl<R, D> FramedRead<R, D> {
    /// Puts a decoder on a reader.
    pub fn new(reader: R, decoder: D) -> Self {
        Self { reader, decoder, incoming: Incoming::new(BytesMut::new()) }
    }

    /// Borrows the reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// Borrows the reader mutably. What is in the buffer is not in it any more.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Gives the reader back. What is in the buffer is lost; [`read_buffer`](Self::read_buffer) shows it.
    pub fn into_inner(self) -> R {
        self.reader
    }

    /// Borrows the decoder.
    pub fn decoder(&self) -> &D {
        &self.decoder
    }

    /// Borrows the decoder mutably.
    pub fn decoder_mut(&mut self) -> &mut D {
        &mut self.decoder
    }

    /// What was read, and is in no frame yet.
    pub fn read_buffer(&self) -> &BytesMut {
        &self.incoming.bytes
    }
}

impl<R: AsyncRead + Unpin, D: Decoder> FramedRead<R, D> {
    /// Waits for the next frame; `None` at the end.
    ///
    /// asyncio: `anext(iterator, None)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what there is of a frame stays here.
    ///
    /// # Errors
    /// What the decoder or the reader gives. Another call goes on behind it.
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "the name that every stream has for it")]
    pub fn next(&mut self) -> Next<'_, R, D> {
        let Self { reader, decoder, incoming } = self;
        Next { reader, decoder, incoming, leaf: Leaf::new("FramedRead::next") }
    }
}

impl<R: AsyncRead, D: Decoder> Stream for FramedRead<R, D> {
    type Item = Result<D::Item, D::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.project();
        this.incoming.poll_next(cx, this.reader, this.decoder)
    }
}

/// The future of [`FramedRead::next`] and [`Framed::next`](super::Framed::next).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Next<'a, R, D> {
    pub(super) reader: &'a mut R,
    pub(super) decoder: &'a mut D,
    pub(super) incoming: &'a mut Incoming,
    pub(super) leaf: Leaf,
}

impl<R: AsyncRead + Unpin, D: Decoder> Future for Next<'_, R, D> {
    type Output = Option<Result<D::Item, D::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { reader, decoder, incoming, leaf } = self.get_mut();
        incoming.poll_frame(leaf, cx, Pin::new(&mut **reader), *decoder)
    }
}

impl<R, D> CancelSafe for Next<'_, R, D> {}

impl<R, D> fmt::Debug for Next<'_, R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").finish_non_exhaustive()
    }
}
