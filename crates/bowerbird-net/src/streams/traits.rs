//! futures-io and futures-core for reader and writer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use futures_io::{AsyncBufRead, AsyncRead, AsyncWrite};

use super::connection::Goal;
use super::error::ReadError;
use super::reader::StreamReader;
use super::writer::StreamWriter;

impl Stream for StreamReader {
    type Item = Result<Vec<u8>, ReadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_next_line(cx)
    }
}

impl AsyncRead for StreamReader {
    /// What is in the buffer first; a read with nothing there goes past it.
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let reader = self.get_mut();
        reader.check()?;
        if !reader.buffer.is_empty() || reader.is_eof() || buffer.is_empty() {
            let count = reader.buffer.len().min(buffer.len());
            buffer[..count].copy_from_slice(reader.buffer.borrow(count));
            return Poll::Ready(Ok(count));
        }
        let polled = reader.poll_form(cx, |reader, cx, leaf| reader.poll_source(cx, leaf, buffer));
        match ready!(polled) {
            Ok(count) => {
                reader.note_end(count);
                Poll::Ready(Ok(count))
            }
            Err(error) => {
                reader.failed(error);
                Poll::Ready(reader.check().map(|()| 0))
            }
        }
    }
}

impl AsyncBufRead for StreamReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let reader = self.get_mut();
        reader.check()?;
        if reader.buffer.is_empty() && !reader.is_eof() {
            ready!(reader.poll_form(cx, StreamReader::poll_fill));
            reader.check()?;
        }
        Poll::Ready(Ok(reader.buffer.bytes()))
    }

    fn consume(self: Pin<&mut Self>, count: usize) {
        let reader = self.get_mut();
        reader.buffer.borrow(count.min(reader.buffer.len()));
    }
}

impl AsyncWrite for StreamWriter {
    /// Waits as `drain` does, then takes all.
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let writer = self.get_mut();
        ready!(writer.poll_form(cx, Goal::Drained))?;
        writer.write_pieces(pieces);
        Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_form(cx, Goal::Empty)
    }

    /// Closes, and waits for it.
    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let writer = self.get_mut();
        writer.close();
        writer.poll_form(cx, Goal::Closed)
    }
}
