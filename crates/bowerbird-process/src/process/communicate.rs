//! Both ways at once: what is written to a child, and what it writes.

use std::io;
use std::pin::Pin;
use std::process::Output;
use std::task::{Context, Poll, ready};

use bowerbird_io::Leaf;
use futures_io::{AsyncRead, AsyncWrite};

use super::Process;

/// How far a `communicate` has come. It stays with the process, so that a second call goes on.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// How much of the input was handed to the pipe.
    fed: usize,
    /// The pipe was closed after it.
    is_fed: bool,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// How much room is made at a time, at least and at most: room is zeroed before each read.
const ROOM: (usize, usize) = (8 * 1024, 64 * 1024);

impl Process {
    /// Feeds and reads what can be now; ready when all pipes and the process have ended.
    pub(super) fn poll_communicate(
        &mut self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        input: &[u8],
    ) -> Poll<io::Result<Output>> {
        let fed = self.poll_feed(cx, input)?;
        let stdout = poll_collect(cx, &mut self.stdout, &mut self.said.stdout)?;
        let stderr = poll_collect(cx, &mut self.stderr, &mut self.said.stderr)?;
        ready!(fed);
        ready!(stdout);
        ready!(stderr);
        let status = ready!(self.poll_wait(cx, leaf))?;
        let Said { stdout, stderr, .. } = std::mem::take(&mut self.said);
        Poll::Ready(Ok(Output { status, stdout, stderr }))
    }

    /// Writes the input, then closes the pipe. A child that reads no more has enough.
    fn poll_feed(&mut self, cx: &mut Context<'_>, input: &[u8]) -> io::Result<Poll<()>> {
        let Some(stdin) = &mut self.stdin else {
            if !input.is_empty() && !self.said.is_fed {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "communicate() was given {} bytes, and the child's standard input is no pipe: start it with \
                         stdin(PIPE)",
                        input.len()
                    ),
                ));
            }
            return Ok(Poll::Ready(()));
        };
        while let Some(rest) = input.get(self.said.fed..).filter(|rest| !rest.is_empty()) {
            // The writer copies what it is given.
            let rest = &rest[..rest.len().min(ROOM.1)];
            match Pin::new(&mut *stdin).poll_write(cx, rest) {
                Poll::Ready(Ok(count)) if count > 0 => self.said.fed += count,
                Poll::Ready(Ok(_)) => break,
                Poll::Ready(Err(error)) if is_gone(&error) => break,
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        match Pin::new(stdin).poll_close(cx) {
            Poll::Ready(Err(error)) if !is_gone(&error) => return Err(error),
            Poll::Ready(_) => {}
            Poll::Pending => return Ok(Poll::Pending),
        }
        self.said.is_fed = true;
        self.stdin = None;
        Ok(Poll::Ready(()))
    }
}

/// Reads a pipe to its end, and drops it then.
fn poll_collect<R: AsyncRead + Unpin>(
    cx: &mut Context<'_>,
    pipe: &mut Option<R>,
    said: &mut Vec<u8>,
) -> io::Result<Poll<()>> {
    let Some(reader) = pipe else { return Ok(Poll::Ready(())) };
    loop {
        let length = said.len();
        // As much again as there is, so that little costs little and much few reads.
        said.resize(length + length.clamp(ROOM.0, ROOM.1), 0);
        let result = Pin::new(&mut *reader).poll_read(cx, &mut said[length..]);
        let count = if let Poll::Ready(Ok(count)) = &result { *count } else { 0 };
        said.truncate(length + count);
        match result {
            Poll::Ready(Ok(0)) => {
                *pipe = None;
                return Ok(Poll::Ready(()));
            }
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Pending => return Ok(Poll::Pending),
        }
    }
}

/// The child has closed its standard input, or has ended.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset)
}
