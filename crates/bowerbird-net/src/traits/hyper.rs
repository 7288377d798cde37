//! hyper's traits (feature `hyper`).

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};

use crate::byte_stream::Endpoint;

macro_rules! both_ways {
    ($type:ty) => {
        impl Read for $type {
            #[inline]
            fn poll_read(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                mut buffer: ReadBufCursor<'_>,
            ) -> Poll<io::Result<()>> {
                // SAFETY: the receive only writes bytes to this memory, and so does not de-initialise any of it.
                let room = unsafe { buffer.as_mut() };
                let count = ready!(self.core().poll_recv_uninit(cx, room))?;
                // SAFETY: the receive has initialised the first `count` bytes of what is unfilled.
                unsafe { buffer.advance(count) };
                Poll::Ready(Ok(()))
            }
        }

        impl Write for $type {
            #[inline]
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_send(cx, bytes)
            }

            fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(self.core().shutdown(Shutdown::Write))
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            #[inline]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.core().poll_send_vectored(cx, bytes)
            }
        }
    };
}

both_ways!(crate::TcpStream);
#[cfg(unix)]
both_ways!(crate::UnixStream);
