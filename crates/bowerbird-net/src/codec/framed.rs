//! Frames both ways.

use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_io::Leaf;
use bytes::BytesMut;
use futures_core::Stream;
use futures_io::{AsyncRead, AsyncWrite};

use super::framed_read::{Incoming, Next};
use super::framed_write::{Outgoing, writing_methods};
use super::traits::Decoder;

/// A stream of bytes as one of frames, both ways, by one codec.
///
/// asyncio: a `StreamReader` and `StreamWriter` with a protocol on them.
///
/// # Examples
/// ```
/// use bowerbird::codec::{Framed, LengthDelimitedCodec};
///
/// bowerbird::run(async {
///     let (here, there) = bowerbird::io::duplex(64);
///     let mut here = Framed::new(here, LengthDelimitedCodec::new());
///     let mut there = Framed::new(there, LengthDelimitedCodec::new());
///     here.send(b"question").await?;
///     assert_eq!(there.next().await.unwrap()?, "question");
///     there.send(b"answer").await?;
///     assert_eq!(here.next().await.unwrap()?, "answer");
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct Framed<S, C> {
    stream: S,
    codec: C,
    incoming: Incoming,
    outgoing: Outgoing,
}

/// What a [`Framed`] is made of: for a change of codec in the middle of a stream, without losing a byte.
///
/// # Examples
/// ```
/// use bowerbird::codec::{BytesCodec, Framed, LinesCodec};
///
/// bowerbird::run(async {
///     let stream = bowerbird::io::join(&b"head\nbody"[..], bowerbird::io::sink());
///     let mut lines = Framed::new(stream, LinesCodec::new());
///     assert_eq!(lines.next().await.unwrap()?, "head");
///     let mut rest = Framed::from_parts(lines.into_parts().with_codec(BytesCodec::new()));
///     assert_eq!(rest.next().await.unwrap()?, "body");
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct FramedParts<S, C> {
    /// The stream of bytes.
    pub io: S,
    /// The codec.
    pub codec: C,
    /// What was read, and is in no frame yet.
    pub read_buffer: BytesMut,
    /// What is to be written, and is not yet.
    pub write_buffer: BytesMut,
}

impl<S, C> FramedParts<S, C> {
    /// Puts another codec in the place of this one.
    pub fn with_codec<D>(self, codec: D) -> FramedParts<S, D> {
        let Self { io, read_buffer, write_buffer, .. } = self;
        FramedParts { io, codec, read_buffer, write_buffer }
    }
}

impl<S, C> Framed<S, C> {
    /// Puts a codec on a stream.
    pub fn new(stream: S, codec: C) -> Self {
        let (read_buffer, write_buffer) = Default::default();
        Self::from_parts(FramedParts { io: stream, codec, read_buffer, write_buffer })
    }

    /// Puts the parts together.
    pub fn from_parts(parts: FramedParts<S, C>) -> Self {
        let FramedParts { io, codec, read_buffer, write_buffer } = parts;
        let incoming = Incoming::new(read_buffer);
        Self { stream: io, codec, incoming, outgoing: Outgoing::new(write_buffer) }
    }

    /// Takes it apart.
    pub fn into_parts(self) -> FramedParts<S, C> {
        FramedParts {
            io: self.stream,
            codec: self.codec,
            read_buffer: self.incoming.bytes,
            write_buffer: self.outgoing.bytes,
        }
    }

    /// Borrows the stream.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Borrows the stream mutably. What is in the buffers is not in it.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Gives the stream back. What is in the buffers is lost; [`into_parts`](Self::into_parts) has it.
    pub fn into_inner(self) -> S {
        self.stream
    }

    /// Borrows the codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Borrows the codec mutably.
    pub fn codec_mut(&mut self) -> &mut C {
        &mut self.codec
    }

    /// What was read, and is in no frame yet.
    pub fn read_buffer(&self) -> &BytesMut {
        &self.incoming.bytes
    }
}

impl<S: AsyncRead + Unpin, C: Decoder> Framed<S, C> {
    /// Waits for the next frame; `None` at the end.
    ///
    /// asyncio: `anext(iterator, None)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what there is of a frame stays here.
    ///
    /// # Errors
    /// What the codec or the stream gives. Another call goes on behind it.
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "the name that every stream has for it")]
    pub fn next(&mut self) -> Next<'_, S, C> {
        let Self { stream, codec, incoming, .. } = self;
        Next { reader: stream, decoder: codec, incoming, leaf: Leaf::new("Framed::next") }
    }
}

impl<S: AsyncRead + Unpin, C: Decoder + Unpin> Stream for Framed<S, C> {
    type Item = Result<C::Item, C::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { stream, codec, incoming, .. } = self.get_mut();
        incoming.poll_next(cx, Pin::new(stream), codec)
    }
}

writing_methods!([S: AsyncWrite + Unpin, C] Framed<S, C>, stream, codec, "Framed");
