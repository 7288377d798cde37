//! Readers and writers over streams of any type.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::streams::from_stream;
use bowerbird::{StreamWriter, join, spawn, timeout};
use bowerbird_tests::{catch, everywhere, on_workers};
use futures_io::AsyncWrite;

#[test]
fn any_stream_will_do() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (one, other) = join((TcpStream::connect(address), listener.accept())).await;
        let (one, (other, _)) = (one.unwrap(), other.unwrap());
        let ((mut reader, writer), (mut peer, peer_writer)) =
            (from_stream(one), from_stream(other));
        let data = vec![9; 2_000_000];
        let writing = spawn({
            let data = data.clone();
            async move {
                for piece in data.chunks(30_000) {
                    writer.write(piece);
                    writer.drain().await.unwrap();
                }
                writer.close();
                writer.wait_closed().await.unwrap();
            }
        });
        assert!(peer.read_to_end().await.unwrap() == data);
        writing.await.unwrap();
        assert_eq!(reader.read(1).await.unwrap(), b"");
        drop(peer_writer);
    });
}

/// A stream with manners of its own.
struct Odd(&'static str, u32);

impl AsyncWrite for Odd {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let before = self.1;
        self.as_mut().1 += 1;
        match self.0 {
            // The wake comes while the flusher is at work.
            "wakes once" if before == 0 => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            "wakes once" => Poll::Ready(Ok(bytes.len())),
            "panics" => panic!("an odd stream"),
            "wakes" => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            _ => Poll::Ready(Ok(0)),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn stream_that_panics_fails_the_writer() {
    on_workers(1, async {
        let writer = StreamWriter::new(Odd("panics", 0));
        let caught = catch(|| writer.write("x"));
        assert_eq!(caught.message, "an odd stream");
        assert!(writer.drain().await.unwrap_err().to_string().contains("panicked"));
    });
}

#[test]
fn stream_that_only_wakes_does_not_hold_the_thread() {
    on_workers(1, async {
        let writer = StreamWriter::new(Odd("wakes", 0));
        writer.set_write_buffer_limits(0, 0);
        writer.write("x");
        assert!(timeout(Duration::from_millis(5), writer.drain()).await.is_err());
        writer.abort();
    });
}

#[test]
fn wake_that_comes_while_the_stream_is_polled_is_not_lost() {
    on_workers(1, async {
        let writer = StreamWriter::new(Odd("wakes once", 0));
        writer.write("x");
        assert_eq!(writer.get_write_buffer_size(), 0);
    });
}

#[test]
fn stream_that_takes_nothing_is_an_error() {
    on_workers(1, async {
        let writer = StreamWriter::new(Odd("zero", 0));
        writer.write("x");
        assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::WriteZero);
    });
}
