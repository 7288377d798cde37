//! Standard output and standard error.

use std::fmt;
use std::io::{self, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_io::Leaf;
use bowerbird_net::io::AsyncWrite;

use crate::fs::writes::Writes;

/// Gives a handle of the standard output of the process.
///
/// asyncio: `loop.connect_write_pipe(.., sys.stdout)`.
///
/// A write is ready when its bytes are copied, and is done in the background by the blocking pool, through
/// [`std::io::stdout`], which is flushed. The next write by the handle waits for it, and says if it failed; so do
/// `flush` and `close`. The end of the runtime waits until all that was written is out, also by a handle that was
/// dropped: as with `println!`, a pipe that nobody reads holds it up.
///
/// Writes by one handle are in order; those of several handles mix, in pieces of up to 2 MiB. For single lines
/// `println!` serves as well: it blocks only when the other end is slow.
///
/// # Examples
/// ```
/// use bowerbird::io::{self, AsyncWriteExt};
///
/// bowerbird::run(async {
///     let mut out = io::stdout();
///     out.write_all(b"hello\n").await?;
///     out.flush().await
/// }).unwrap();
/// ```
pub fn stdout() -> Stdout {
    Stdout(Output::new(|bytes| {
        let mut out = io::stdout().lock();
        out.write_all(bytes)?;
        out.flush()
    }))
}

/// Gives a handle of the standard error of the process; as [`stdout`].
///
/// asyncio: `loop.connect_write_pipe(.., sys.stderr)`.
pub fn stderr() -> Stderr {
    Stderr(Output::new(|bytes| io::stderr().lock().write_all(bytes)))
}

/// A handle of the standard output, from [`stdout`].
pub struct Stdout(Output);

/// A handle of the standard error, from [`stderr`].
pub struct Stderr(Output);

struct Output {
    writes: Writes,
    write: fn(&[u8]) -> io::Result<()>,
    is_suspended: bool,
}

impl Output {
    fn new(write: fn(&[u8]) -> io::Result<()>) -> Self {
        Self { writes: Writes::new(), write, is_suspended: false }
    }

    fn poll_with<T>(&mut self, poll: impl FnOnce(&mut Self, &mut Leaf) -> Poll<T>) -> Poll<T> {
        let mut leaf = Leaf::without_location(self.is_suspended);
        let result = poll(self, &mut leaf);
        self.is_suspended = result.is_pending();
        result
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_with(|this, leaf| {
            ready!(this.writes.poll_flush(leaf, cx))?;
            ready!(leaf.poll_enter(cx)).made_progress();
            Poll::Ready(this.writes.start(bytes, this.write))
        })
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_with(|this, leaf| this.writes.poll_flush(leaf, cx))
    }
}

macro_rules! standard_outputs {
    ($($name:ident),*) => {$(
        impl AsyncWrite for $name {
            fn poll_write(
                mut self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bytes: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, bytes)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }

            /// Flushes; the descriptor stays open.
            fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

standard_outputs!(Stdout, Stderr);
