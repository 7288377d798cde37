//! Frames into a writer.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use bytes::{Buf, BytesMut};
use futures_io::AsyncWrite;

use super::traits::Encoder;
use crate::io::{poll_some, step};

/// How much may wait in the buffer before a frame has to.
const HIGH_WATER: usize = 8 * 1024;

/// What is to be written.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) bytes: BytesMut,
    high_water: usize,
}

impl Outgoing {
    pub(super) fn new(bytes: BytesMut) -> Self {
        Self { bytes, high_water: HIGH_WATER }
    }

    pub(super) fn set_high_water(&mut self, high_water: usize) {
        self.high_water = high_water;
    }

    /// Waits for room for a frame: less than the high-water mark in the buffer.
    fn poll_ready<W: AsyncWrite + Unpin>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        if self.bytes.len() >= self.high_water {
            return self.poll_write(leaf, cx, writer);
        }
        leaf.polled();
        Poll::Ready(Ok(()))
    }

    /// Writes what is in the buffer. What is not written stays there when the wait is given up.
    fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        while !self.bytes.is_empty() {
            let count = ready!(poll_some(writer, leaf, cx, &self.bytes))?;
            self.bytes.advance(count);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush<W: AsyncWrite + Unpin>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write(leaf, cx, writer))?;
        step(leaf, cx, |cx| Pin::new(writer).poll_flush(cx))
    }

    fn poll_close<W: AsyncWrite + Unpin>(
        &mut self,
        leaf: &mut Leaf,
        cx: &mut Context<'_>,
        writer: &mut W,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_write(leaf, cx, writer))?;
        step(leaf, cx, |cx| Pin::new(writer).poll_close(cx))
    }
}

/// Takes frames, and writes what an encoder makes of them.
///
/// asyncio: `StreamWriter`, with `write` and `drain` in one.
///
/// # Examples
/// ```
/// use bowerbird::codec::{FramedWrite, LinesCodec};
///
/// bowerbird::run(async {
///     let mut lines = FramedWrite::new(Vec::new(), LinesCodec::new());
///     lines.feed("one").await?;
///     lines.send("two").await?;
///     assert_eq!(lines.get_ref(), b"one\ntwo\n");
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct FramedWrite<W, E> {
    writer: W,
    encoder: E,
    outgoing: Outgoing,
}

impl<W, E> FramedWrite<W, E> {
    /// Puts an encoder on a writer.
    pub fn new(writer: W, encoder: E) -> Self {
        Self { writer, encoder, outgoing: Outgoing::new(BytesMut::new()) }
    }

    /// Borrows the writer.
    pub fn get_ref(&self) -> &W {
        &self.writer
    }

    /// Borrows the writer mutably. What is in the buffer is not written yet.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.writer
    }

    /// Gives the writer back. What is in the buffer is lost: [`flush`](Self::flush) first.
    pub fn into_inner(self) -> W {
        self.writer
    }

    /// Borrows the encoder.
    pub fn encoder(&self) -> &E {
        &self.encoder
    }

    /// Borrows the encoder mutably.
    pub fn encoder_mut(&mut self) -> &mut E {
        &mut self.encoder
    }
}

/// The writing methods of a type with the fields `writer`, `encoder` and `outgoing`, by these names or others.
macro_rules! writing_methods {
    ([$($generics:tt)*] $name:ident<$stream:ident, $codec:ident>, $writer:ident, $encoder:ident, $call:literal) => {
        impl<$($generics)*> $name<$stream, $codec> {
            /// Writes a frame, and all that is in the buffer, and flushes the writer.
            ///
            /// asyncio: `writer.write(..)` and `await writer.drain()`.
            ///
            /// # Cancel safety
            /// Not safe: dropped while it waits for room, the frame is gone; dropped while it writes, the frame is in
            /// the buffer, and the next call goes on with it. Without doubt: [`ready`](Self::ready), then
            /// [`encode`](Self::encode), then [`flush`](Self::flush).
            ///
            /// # Errors
            /// What the encoder or the writer gives.
            #[track_caller]
            pub fn send<T>(&mut self, frame: T) -> $crate::codec::Send<'_, $stream, $codec, T>
            where
                $codec: $crate::codec::Encoder<T>,
            {
                let Self { $writer, $encoder, outgoing, .. } = self;
                let feed = $crate::codec::framed_write::Feeding::new(outgoing, $writer, $encoder, frame);
                $crate::codec::Send::new(feed, concat!($call, "::send"))
            }

            /// Puts a frame into the buffer, after a wait for room if that is full.
            ///
            /// asyncio: `writer.write(..)`.
            ///
            /// # Cancel safety
            /// Not safe: dropped while it waits, the frame is gone, and not in the buffer.
            ///
            /// # Errors
            /// What the encoder or the writer gives.
            #[track_caller]
            pub fn feed<T>(&mut self, frame: T) -> $crate::codec::Feed<'_, $stream, $codec, T>
            where
                $codec: $crate::codec::Encoder<T>,
            {
                let Self { $writer, $encoder, outgoing, .. } = self;
                let feed = $crate::codec::framed_write::Feeding::new(outgoing, $writer, $encoder, frame);
                $crate::codec::Feed::new(feed, concat!($call, "::feed"))
            }

            /// Puts a frame into the buffer, whatever is in it. It is written by the next call that writes.
            ///
            /// asyncio: `writer.write(..)`, which sends at once what it can.
            ///
            /// # Errors
            /// What the encoder gives.
            pub fn encode<T>(
                &mut self,
                frame: T,
            ) -> Result<(), <$codec as $crate::codec::Encoder<T>>::Error>
            where
                $codec: $crate::codec::Encoder<T>,
            {
                self.$encoder.encode(frame, &mut self.outgoing.bytes)
            }

            /// Waits for room in the buffer.
            ///
            /// asyncio: `await writer.drain()`.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// What the writer gives.
            #[track_caller]
            pub fn ready(&mut self) -> $crate::codec::Ready<'_, $stream> {
                let Self { $writer, outgoing, .. } = self;
                $crate::codec::Ready::new(outgoing, $writer, concat!($call, "::ready"))
            }

            /// Writes what is in the buffer, and flushes the writer.
            ///
            /// asyncio: `await writer.drain()` with `set_write_buffer_limits(0)`.
            ///
            /// # Cancel safety
            /// Nothing is lost: another call goes on.
            ///
            /// # Errors
            /// What the writer gives.
            #[track_caller]
            pub fn flush(&mut self) -> $crate::codec::Flush<'_, $stream> {
                let Self { $writer, outgoing, .. } = self;
                $crate::codec::Flush::new(outgoing, $writer, concat!($call, "::flush"))
            }

            /// Writes what is in the buffer, and ends the writing direction.
            ///
            /// asyncio: `writer.write_eof()`.
            ///
            /// # Cancel safety
            /// Nothing is lost: another call goes on.
            ///
            /// # Errors
            /// What the writer gives.
            #[track_caller]
            pub fn close(&mut self) -> $crate::codec::Close<'_, $stream> {
                let Self { $writer, outgoing, .. } = self;
                $crate::codec::Close::new(outgoing, $writer, concat!($call, "::close"))
            }
        }

        impl<$stream, $codec> $name<$stream, $codec> {
            /// What is to be written, and is not yet.
            pub fn write_buffer(&self) -> &bytes::BytesMut {
                &self.outgoing.bytes
            }

            /// Sets how much may wait in the buffer before a frame has to wait for room; 8 KiB if nothing is said.
            ///
            /// asyncio: `transport.set_write_buffer_limits(high)`.
            pub fn set_high_water(&mut self, bytes: usize) {
                self.outgoing.set_high_water(bytes);
            }
        }
    };
}

pub(super) use writing_methods;

writing_methods!([W: AsyncWrite + Unpin, E] FramedWrite<W, E>, writer, encoder, "FramedWrite");

/// A frame on its way into the buffer.
pub(super) struct Feeding<'a, W, E, T> {
    outgoing: &'a mut Outgoing,
    writer: &'a mut W,
    encoder: &'a mut E,
    frame: Option<T>,
}

impl<'a, W: AsyncWrite + Unpin, E: Encoder<T>, T> Feeding<'a, W, E, T> {
    pub(super) fn new(
        outgoing: &'a mut Outgoing,
        writer: &'a mut W,
        encoder: &'a mut E,
        frame: T,
    ) -> Self {
        Self { outgoing, writer, encoder, frame: Some(frame) }
    }

    fn poll_feed(&mut self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<Result<(), E::Error>> {
        if self.frame.is_some() {
            ready!(self.outgoing.poll_ready(leaf, cx, self.writer))?;
        }
        match self.frame.take() {
            Some(frame) => Poll::Ready(self.encoder.encode(frame, &mut self.outgoing.bytes)),
            None => Poll::Ready(Ok(())),
        }
    }
}

/// The future of [`FramedWrite::feed`] and [`Framed::feed`](super::Framed::feed).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Feed<'a, W, E, T> {
    feeding: Feeding<'a, W, E, T>,
    leaf: Leaf,
}

/// The future of [`FramedWrite::send`] and [`Framed::send`](super::Framed::send).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Send<'a, W, E, T> {
    feeding: Feeding<'a, W, E, T>,
    leaf: Leaf,
}

// The frame is moved, never pinned.
impl<W, E, T> Unpin for Feed<'_, W, E, T> {}
impl<W, E, T> Unpin for Send<'_, W, E, T> {}

impl<'a, W, E, T> Feed<'a, W, E, T> {
    #[track_caller]
    pub(super) fn new(feeding: Feeding<'a, W, E, T>, call: &'static str) -> Self {
        Self { feeding, leaf: Leaf::new(call) }
    }
}

impl<'a, W, E, T> Send<'a, W, E, T> {
    #[track_caller]
    pub(super) fn new(feeding: Feeding<'a, W, E, T>, call: &'static str) -> Self {
        Self { feeding, leaf: Leaf::new(call) }
    }
}

impl<W: AsyncWrite + Unpin, E: Encoder<T>, T> Future for Feed<'_, W, E, T> {
    type Output = Result<(), E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { feeding, leaf } = self.get_mut();
        feeding.poll_feed(leaf, cx)
    }
}

impl<W: AsyncWrite + Unpin, E: Encoder<T>, T> Future for Send<'_, W, E, T> {
    type Output = Result<(), E::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { feeding, leaf } = self.get_mut();
        ready!(feeding.poll_feed(leaf, cx))?;
        feeding.outgoing.poll_flush(leaf, cx, feeding.writer).map_err(E::Error::from)
    }
}

macro_rules! buffer_futures {
    ($($name:ident $poll:ident $method:literal;)*) => {$(
        #[doc = concat!("The future of [`FramedWrite::", $method, "`] and [`Framed::", $method,
            "`](super::Framed::", $method, ").")]
        #[must_use = "futures do nothing unless you `.await` or poll them"]
        pub struct $name<'a, W> {
            outgoing: &'a mut Outgoing,
            writer: &'a mut W,
            leaf: Leaf,
        }

        impl<'a, W> $name<'a, W> {
            #[track_caller]
            pub(super) fn new(
                outgoing: &'a mut Outgoing,
                writer: &'a mut W,
                call: &'static str,
            ) -> Self {
                Self { outgoing, writer, leaf: Leaf::new(call) }
            }
        }

        impl<W: AsyncWrite + Unpin> Future for $name<'_, W> {
            type Output = io::Result<()>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let Self { outgoing, writer, leaf } = self.get_mut();
                outgoing.$poll(leaf, cx, *writer)
            }
        }

        // What is not written is in the buffer.
        impl<W> CancelSafe for $name<'_, W> {}

        impl<W> fmt::Debug for $name<'_, W> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

buffer_futures! {
    Ready poll_ready "ready";
    Flush poll_flush "flush";
    Close poll_close "close";
}

impl<W, E, T> fmt::Debug for Feed<'_, W, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").finish_non_exhaustive()
    }
}

impl<W, E, T> fmt::Debug for Send<'_, W, E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Send").finish_non_exhaustive()
    }
}
