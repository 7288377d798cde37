//! tokio's traits (feature `tokio-io`).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{for_readers, for_writers};
use crate::byte_stream::{Core, Endpoint};
use crate::socket::OsRead;

fn poll_read_buf<O: OsRead>(
    core: &Core<O>,
    cx: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>> {
    // SAFETY: the receive only writes bytes to this memory, and so does not de-initialise any of it.
    let room = unsafe { buffer.unfilled_mut() };
    let count = ready!(core.poll_recv_uninit(cx, room))?;
    // SAFETY: the receive has initialised the first `count` bytes of what is unfilled.
    unsafe { buffer.assume_init(count) };
    buffer.advance(count);
    Poll::Ready(Ok(()))
}

macro_rules! reads {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> AsyncRead for $type {
            #[inline]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                buffer: &mut ReadBuf<'_>,
            ) -> Poll<io::Result<()>> {
                poll_read_buf(self.core(), cx, buffer)
            }
        }
    };
}

macro_rules! writes {
    ([$($generics:tt)*] $type:ty) => {
        impl<$($generics)*> AsyncWrite for $type {
            #[inline]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_send(cx, bytes)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_send_vectored(cx, bytes)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.core().end())
            }
        }
    };
}

for_readers!(reads);
for_writers!(writes);
