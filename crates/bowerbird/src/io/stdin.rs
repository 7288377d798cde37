//! Standard input.
//!
//! There is one for the process, and it is read by a thread of its own, when somebody waits for it: a thread that no
//! end of a runtime waits for, since a read of a pipe or a terminal may last for ever. The descriptor stays as it is,
//! blocking: it may be shared with other processes.
//!
//! ```text
//!            somebody waits                 the read ends
//!   IDLE ---------------------> WANTED -------------------> IDLE, with bytes, an end or an error
//! ```
//! What was read belongs to the process: whoever waits next takes it. So nothing is lost when a wait is given up, or
//! when a whole runtime ends, and no more is read than somebody has waited for.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bowerbird_base::sync::{Condvar, Mutex};
use bowerbird_io::Leaf;
use bowerbird_net::io::{AsyncBufRead, AsyncRead};

/// How much is read at a time.
const SIZE: usize = 8 * 1024;
/// How long the thread stays when nobody waits.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

static INPUT: Input = Input {
    state: Mutex::new(State {
        bytes: VecDeque::new(),
        end: None,
        is_wanted: false,
        has_thread: false,
        waiting: Vec::new(),
        next_number: 0,
    }),
    is_wanted: Condvar::new(),
};

struct Input {
    state: Mutex<State>,
    is_wanted: Condvar,
}

struct State {
    bytes: VecDeque<u8>,
    /// How a read ended that brought nothing; whoever takes it makes the next one read again.
    end: Option<io::Result<()>>,
    is_wanted: bool,
    has_thread: bool,
    /// The handles that wait, by number.
    waiting: Vec<(u64, Waker)>,
    next_number: u64,
}

/// Gives a handle of the standard input of the process.
///
/// asyncio: `loop.connect_read_pipe(.., sys.stdin)`.
///
/// The end of a runtime does not wait for a read that nobody answers. A wait that is given up loses nothing: what
/// comes later is given to whoever waits next, by any handle. What a handle has in its buffer when it is dropped goes
/// back.
///
/// Do not read it by [`std::io::stdin`] at the same time: that waits for what is read here.
///
/// # Examples
/// ```no_run
/// use bowerbird::io::{self, AsyncBufReadExt};
///
/// bowerbird::run(async {
///     let mut lines = io::stdin().lines();
///     while let Some(line) = lines.next_line().await? {
///         println!("{line}");
///     }
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn stdin() -> Stdin {
    let number = {
        let mut state = INPUT.state.lock();
        state.next_number += 1;
        state.next_number
    };
    Stdin { number, bytes: Vec::new(), at: 0, is_suspended: false }
}

/// A handle of the standard input, from [`stdin`].
pub struct Stdin {
    number: u64,
    /// What it took, from `at` on.
    bytes: Vec<u8>,
    at: usize,
    is_suspended: bool,
}

impl Input {
    /// Takes what was read, or makes the thread read. `None`: its waker is kept.
    fn take(&'static self, number: u64, waker: &Waker) -> io::Result<Option<Vec<u8>>> {
        let waker = waker.clone();
        let (result, old) = {
            let mut state = self.state.lock();
            if let Some(result) = state.take() {
                (Some(result), vec![waker])
            } else {
                let old = state.take_waker(number);
                state.waiting.push((number, waker));
                (None, old)
            }
        };
        drop(old);
        if let Some(result) = result {
            return result.map(Some);
        }
        self.want()?;
        Ok(None)
    }

    /// Makes the thread read, if it does not.
    fn want(&'static self) -> io::Result<()> {
        let needs_thread = {
            let mut state = self.state.lock();
            state.is_wanted = true;
            !std::mem::replace(&mut state.has_thread, true)
        };
        self.is_wanted.notify_one();
        if needs_thread {
            let thread = std::thread::Builder::new().name("bowerbird-stdin".into());
            if let Err(error) = thread.spawn(|| self.serve()) {
                self.state.lock().has_thread = false;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The thread: reads once for each time that it is wanted.
    fn serve(&self) {
        let mut buffer = vec![0; SIZE];
        loop {
            {
                let mut state = self.state.lock();
                while !state.is_wanted {
                    if self.is_wanted.wait_for(&mut state, KEEP_ALIVE).timed_out()
                        && !state.is_wanted
                    {
                        state.has_thread = false;
                        return;
                    }
                }
            }
            let result = loop {
                match io::stdin().read(&mut buffer) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result,
                }
            };
            let waiting = {
                let mut state = self.state.lock();
                state.is_wanted = false;
                match result {
                    Ok(0) => state.end = Some(Ok(())),
                    Ok(count) => state.bytes.extend(&buffer[..count]),
                    Err(error) => state.end = Some(Err(error)),
                }
                std::mem::take(&mut state.waiting)
            };
            waiting.into_iter().for_each(|(_, waker)| waker.wake());
        }
    }
}

impl State {
    /// Takes the waker of a handle out.
    fn take_waker(&mut self, number: u64) -> Vec<Waker> {
        let at = self.waiting.iter().position(|(other, _)| *other == number);
        at.map(|at| self.waiting.swap_remove(at).1).into_iter().collect()
    }

    /// Bytes; none at the end.
    fn take(&mut self) -> Option<io::Result<Vec<u8>>> {
        if !self.bytes.is_empty() {
            return Some(Ok(std::mem::take(&mut self.bytes).into()));
        }
        self.end.take().map(|end| end.map(|()| Vec::new()))
    }
}

impl AsyncBufRead for Stdin {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.at == this.bytes.len() {
            let mut leaf = Leaf::without_location(this.is_suspended);
            let proceed = leaf.poll_enter(cx);
            this.is_suspended = true;
            let proceed = ready!(proceed);
            let Some(bytes) = INPUT.take(this.number, cx.waker())? else {
                leaf.suspend("readable", 0);
                return Poll::Pending;
            };
            proceed.made_progress();
            this.is_suspended = false;
            this.bytes = bytes;
            this.at = 0;
        }
        Poll::Ready(Ok(&this.bytes[this.at..]))
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        self.at = (self.at + amount).min(self.bytes.len());
    }
}

impl AsyncRead for Stdin {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if buffer.is_empty() {
            return Poll::Ready(Ok(0));
        }
        let bytes = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = bytes.len().min(buffer.len());
        buffer[..count].copy_from_slice(&bytes[..count]);
        self.consume(count);
        Poll::Ready(Ok(count))
    }
}

impl Drop for Stdin {
    fn drop(&mut self) {
        let left = &self.bytes[self.at..];
        let wakers = {
            let mut state = INPUT.state.lock();
            let mut wakers = state.take_waker(self.number);
            if !left.is_empty() {
                // In front of what was read since.
                let since = std::mem::take(&mut state.bytes);
                state.bytes = left.iter().copied().chain(since).collect();
                wakers
                    .extend(std::mem::take(&mut state.waiting).into_iter().map(|(_, waker)| waker));
            }
            wakers
        };
        // Its own wakes nobody who waits for it.
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}
