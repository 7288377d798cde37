//! Frames in datagrams.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;
use bytes::BytesMut;
use futures_core::Stream;

use super::traits::{Decoder, Encoder};
use crate::UdpSocket;
use crate::io::step;

/// No datagram is longer.
const LONGEST: usize = 64 * 1024;

/// A UDP socket as one of frames: each datagram has whole frames, usually one.
///
/// asyncio: a `DatagramProtocol` that decodes what it gets.
///
/// What is left of a datagram behind its last frame is what the codec says of the end of a stream, an error mostly; it
/// never runs into the next datagram.
///
/// # Examples
/// ```
/// use bowerbird::codec::{LinesCodec, UdpFramed};
/// use bowerbird::net::UdpSocket;
///
/// bowerbird::run(async {
///     let mut here = UdpFramed::new(UdpSocket::bind("127.0.0.1:0").await?, LinesCodec::new());
///     let mut there = UdpFramed::new(UdpSocket::bind("127.0.0.1:0").await?, LinesCodec::new());
///     here.send("hello", there.get_ref().local_addr()?).await?;
///     let (line, from) = there.next().await?;
///     assert_eq!((line.as_str(), from), ("hello", here.get_ref().local_addr()?));
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug)]
pub struct UdpFramed<C> {
    socket: UdpSocket,
    codec: C,
    /// Where a datagram is received.
    buffer: Box<[u8]>,
    /// What is left of the last one, and who sent it; `None` when nothing is.
    datagram: BytesMut,
    from: Option<SocketAddr>,
    is_suspended: bool,
}

impl<C> UdpFramed<C> {
    /// Puts a codec on a socket.
    pub fn new(socket: UdpSocket, codec: C) -> Self {
        let (buffer, datagram) = (vec![0; LONGEST].into(), BytesMut::new());
        Self { socket, codec, buffer, datagram, from: None, is_suspended: false }
    }

    /// Borrows the socket.
    pub fn get_ref(&self) -> &UdpSocket {
        &self.socket
    }

    /// Borrows the socket mutably.
    pub fn get_mut(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Gives the socket back. Frames of the last datagram that nobody took are lost.
    pub fn into_inner(self) -> UdpSocket {
        self.socket
    }

    /// Borrows the codec.
    pub fn codec(&self) -> &C {
        &self.codec
    }

    /// Borrows the codec mutably.
    pub fn codec_mut(&mut self) -> &mut C {
        &mut self.codec
    }

    /// Sends a frame, as one datagram.
    ///
    /// asyncio: `transport.sendto(data, addr)`, with a wait where the system takes none.
    ///
    /// # Cancel safety
    /// Not safe: dropped while it waits, the frame is gone, and was not sent.
    ///
    /// # Errors
    /// What the codec or the system says.
    #[track_caller]
    pub fn send<T>(&mut self, frame: T, to: SocketAddr) -> SendFrame<'_, C::Error>
    where
        C: Encoder<T>,
    {
        let mut bytes = BytesMut::new();
        let encoded = self.codec.encode(frame, &mut bytes).map(|()| bytes);
        let leaf = Leaf::new("UdpFramed::send");
        SendFrame { socket: &self.socket, encoded: Some(encoded), to, leaf }
    }
}

/// A frame and its sender.
type Frame<C> = Result<(<C as Decoder>::Item, SocketAddr), <C as Decoder>::Error>;

impl<C: Decoder> UdpFramed<C> {
    /// Waits for the next frame, and gives it with its sender.
    ///
    /// asyncio: `datagram_received(data, addr)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what is left of a datagram stays here.
    ///
    /// # Errors
    /// What the codec or the system says. Another call goes on behind it.
    #[track_caller]
    #[allow(clippy::should_implement_trait, reason = "the name that every stream has for it")]
    pub fn next(&mut self) -> NextFrame<'_, C> {
        NextFrame { framed: self, leaf: Leaf::new("UdpFramed::next") }
    }

    fn poll_frame(&mut self, leaf: &mut Leaf, cx: &mut Context<'_>) -> Poll<Frame<C>> {
        loop {
            if let Some(from) = self.from {
                let frame = ready!(step(leaf, cx, |_| Poll::Ready(self.decode())));
                if let Some(frame) = frame? {
                    return Poll::Ready(Ok((frame, from)));
                }
                self.from = None;
            }
            let Self { socket, buffer, .. } = self;
            let received = step(leaf, cx, |cx| socket.poll_recv_from(cx, buffer));
            let (count, from) = ready!(received)?;
            self.datagram.clear();
            self.datagram.extend_from_slice(&self.buffer[..count]);
            self.from = Some(from);
        }
    }

    /// A frame of the datagram; its end is as that of a stream.
    fn decode(&mut self) -> Result<Option<C::Item>, C::Error> {
        let frame = self.codec.decode_eof(&mut self.datagram);
        if frame.is_err() && self.datagram.is_empty() {
            self.from = None;
        }
        frame
    }
}

impl<C: Decoder + Unpin> Stream for UdpFramed<C> {
    type Item = Frame<C>;

    /// Never gives `None`: a socket has no end.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let mut leaf = Leaf::without_location(this.is_suspended);
        let result = this.poll_frame(&mut leaf, cx);
        this.is_suspended = result.is_pending();
        result.map(Some)
    }
}

/// The future of [`UdpFramed::next`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct NextFrame<'a, C> {
    framed: &'a mut UdpFramed<C>,
    leaf: Leaf,
}

impl<C: Decoder> Future for NextFrame<'_, C> {
    type Output = Frame<C>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { framed, leaf } = self.get_mut();
        framed.poll_frame(leaf, cx)
    }
}

impl<C> CancelSafe for NextFrame<'_, C> {}

/// The future of [`UdpFramed::send`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct SendFrame<'a, E> {
    socket: &'a UdpSocket,
    encoded: Option<Result<BytesMut, E>>,
    to: SocketAddr,
    leaf: Leaf,
}

// What was encoded is moved, never pinned.
impl<E> Unpin for SendFrame<'_, E> {}

impl<E: From<io::Error>> Future for SendFrame<'_, E> {
    type Output = Result<(), E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { socket, encoded, to, leaf } = self.get_mut();
        let Some(Ok(bytes)) = encoded else {
            leaf.polled();
            return match encoded.take() {
                Some(Err(error)) => Poll::Ready(Err(error)),
                _ => panic!("a future was polled after it was ready"),
            };
        };
        ready!(step(leaf, cx, |cx| socket.poll_send_to(cx, bytes, *to)))?;
        *encoded = None;
        Poll::Ready(Ok(()))
    }
}

impl<C> fmt::Debug for NextFrame<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NextFrame").finish_non_exhaustive()
    }
}

impl<E> fmt::Debug for SendFrame<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendFrame").field("to", &self.to).finish_non_exhaustive()
    }
}
