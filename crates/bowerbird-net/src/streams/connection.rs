//! A connection's writing side: what is to be sent, who sends it, and who waits for that.
//!
//! `write` tries the system first and keeps what is left. The rest is sent without anybody awaiting it: by
//! the **flusher**, whoever that is at the moment. There is one at a time, and it takes what is to be sent out
//! of the lock, so that no system call and no code of others runs under it.
//!
//! ```text
//!              1 write, close: something to do
//!   IDLE ----------------------------------------> FLUSHING --.
//!    |  ^                                           |  |  ^   | 4 wake, write: leave a note (`again`)
//!    |  '---- 3 nothing left to do, or the wire ----'  '--'   |      or bytes in the queue
//!    |          said Pending and there is no note       2 the next step
//!    '-- wake (the waker that a Pending has left): as 1
//! ```
//! - One mutex guards all of it. Both the note and the end of flushing are written under it, so a wake that
//!   comes while the wire says `Pending` is either seen by the flusher (2), or finds nobody flushing and
//!   flushes itself (1). In neither case is it lost.
//! - The waker that the wire is given is the connection itself ([`Wake`]), so a wire that waits keeps its
//!   connection alive until everything is sent, although reader and writer are gone. The circle ends with the
//!   event that the wire waits for, with the end of the runtime, or with `abort`.
//! - A wake runs on any thread, also in the poll of a task that has nothing to do with it; that poll is set
//!   aside ([`poll_context::set_aside`]).
//!
//! Steps, in their order: send the queue; flush the wire; then, if asked for, end the direction or close.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, Wake, Waker};

use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_base::wake_all::wake_all;

use super::error::KeptError;
use super::wire::Wire;

mod out;
pub(super) use out::Goal;
use out::{Eof, Out, Phase, Step, Woken};

/// How many pieces one system call is given.
const PIECES: usize = 64;

/// How often a wire may say `Pending` and wake at once before it has to wait for who comes next.
const RETRIES: usize = 64;

/// What reader and writer share.
pub(super) struct Connection {
    out: Mutex<Out>,
    pub(super) wire: Box<dyn Wire>,
    /// The connection that has taken this one as its wire: to close this one is to close that one.
    successor: OnceLock<Weak<Connection>>,
}

fn wake(woken: Woken) {
    wake_all(woken.into_iter().map(|(_, waker)| waker));
}

impl Connection {
    pub(super) fn new(wire: impl Wire + 'static, has_reader: bool) -> Arc<Self> {
        let successor = OnceLock::new();
        Arc::new(Self { out: Mutex::new(Out::new(has_reader)), wire: Box::new(wire), successor })
    }

    // ----- writing -----------------------------------------------------------------------------------

    /// Sends, or keeps, all the pieces. Nothing happens on a connection that is closed.
    ///
    /// # Panics
    /// After `write_eof`.
    #[track_caller]
    pub(super) fn write(&self, waker: &Waker, pieces: &[IoSlice<'_>]) {
        let total = pieces.iter().map(|piece| piece.len()).sum();
        let mut out = self.out.lock();
        if out.phase != Phase::Open || total == 0 {
            return;
        }
        if out.eof != Eof::Not {
            drop(out);
            panic!("write() after write_eof(): nothing can follow the end; write before it");
        }
        if out.is_flushing || out.has_next_step() {
            out.push(pieces);
            // Somebody sends it, or the wire wakes; unless it was given up.
            if out.is_stalled && out.begin_flushing() {
                drop(out);
                self.flush(&mut Context::from_waker(waker));
            }
            return;
        }
        out.is_flushing = true;
        out.in_flight = total;
        drop(out);
        self.write_now(waker, pieces, total);
    }

    /// The flusher's first step: with bytes that are in no queue yet.
    fn write_now(&self, waker: &Waker, pieces: &[IoSlice<'_>], total: usize) {
        let sent = match self.try_send(pieces) {
            Ok(sent) => sent,
            Err(error) => return self.fail(error),
        };
        let mut out = self.out.lock();
        if sent == total && !out.has_next_step() {
            out.in_flight = 0;
            out.is_flushing = false;
            return;
        }
        let woken = out.put_back(rest_of(pieces, sent), 0);
        drop(out);
        wake(woken);
        self.flush(&mut Context::from_waker(waker));
    }

    /// Sends what the system takes now.
    fn try_send(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut total = 0;
        for some in pieces.chunks(PIECES) {
            let length: usize = some.iter().map(|piece| piece.len()).sum();
            match self.wire.try_write(some) {
                Ok(count) => {
                    total += count;
                    if count < length {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(total)
    }

    // ----- the flusher -------------------------------------------------------------------------------

    /// Does all steps that can be done now. The caller has become the flusher.
    fn flush(&self, cx: &mut Context<'_>) {
        let _the_poll_around = poll_context::set_aside();
        let mut unwinding = Unwinding { connection: self, is_armed: true };
        let mut retries = 0;
        loop {
            let step = {
                let mut out = self.out.lock();
                out.again = false;
                let step = out.next_step();
                out.is_flushing = !matches!(step, Step::Rest);
                step
            };
            let polled = match step {
                Step::Send(queue) => self.send(queue, cx),
                Step::Flush => self.wire.poll_flush(cx).map_ok(|()| self.flushed()),
                Step::End => self.wire.poll_end(cx).map_ok(|()| self.out.lock().eof = Eof::Sent),
                Step::Close => self.wire.poll_end(cx).map_ok(|()| self.end(None)),
                Step::Rest => break,
            };
            match polled {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => self.fail(error),
                Poll::Pending => {
                    retries += 1;
                    let mut out = self.out.lock();
                    out.is_stalled = out.again && retries > RETRIES;
                    if !out.again || out.is_stalled {
                        out.is_flushing = false;
                        break;
                    }
                }
            }
        }
        unwinding.is_armed = false;
    }

    fn send(&self, queue: VecDeque<u8>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (first, second) = queue.as_slices();
        let pieces = [IoSlice::new(first), IoSlice::new(second)];
        let pieces = if second.is_empty() { &pieces[..1] } else { &pieces[..] };
        let polled = match self.wire.poll_write(cx, pieces) {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            polled => polled,
        };
        let sent = if let Poll::Ready(Ok(sent)) = &polled { *sent } else { 0 };
        let woken = self.out.lock().put_back(queue, sent);
        wake(woken);
        polled.map_ok(drop)
    }

    fn flushed(&self) {
        let woken = {
            let mut out = self.out.lock();
            out.is_unflushed = false;
            out.look_at_size()
        };
        wake(woken);
    }

    // ----- the end -----------------------------------------------------------------------------------

    /// Ends the writing direction when everything is sent.
    pub(super) fn write_eof(&self, waker: &Waker) {
        self.ask(waker, |out| {
            if out.phase == Phase::Open && out.eof == Eof::Not {
                out.eof = Eof::Asked;
            }
        });
    }

    /// Closes when everything is sent.
    pub(super) fn close(&self, waker: &Waker) {
        if let Some(successor) = self.successor.get().and_then(Weak::upgrade) {
            return successor.close(&Waker::from(successor.clone()));
        }
        self.close_itself(waker);
    }

    /// Closes when everything is sent, also under a connection that uses this one as its wire.
    pub(super) fn close_itself(&self, waker: &Waker) {
        self.ask(waker, |out| {
            if out.phase == Phase::Open {
                out.phase = Phase::Closing;
            }
        });
        if self.wire.limit_end() {
            waker.wake_by_ref();
        }
    }

    /// The writer is dropped.
    pub(super) fn leave_writer(&self, waker: &Waker) {
        self.ask(waker, Out::leave_writer);
    }

    /// The reader is dropped.
    pub(super) fn leave_reader(self: &Arc<Self>) {
        let is_closing = {
            let mut out = self.out.lock();
            let was_open = out.phase == Phase::Open;
            out.leave_reader();
            was_open && out.phase == Phase::Closing
        };
        if is_closing {
            self.wake_by_ref();
        }
    }

    /// Changes what is to be done, and does it if nobody is at it. Where bytes wait for the wire, it will
    /// wake.
    fn ask(&self, waker: &Waker, change: impl FnOnce(&mut Out)) {
        let mut out = self.out.lock();
        let waits_for_the_wire = out.has_next_step() && !out.is_stalled;
        change(&mut out);
        let begins = !waits_for_the_wire && out.begin_flushing();
        drop(out);
        if begins {
            self.flush(&mut Context::from_waker(waker));
        }
    }

    /// Closes now; what was not sent is lost.
    pub(super) fn abort(&self) {
        self.end(None);
    }

    /// The connection has failed.
    pub(super) fn fail(&self, error: io::Error) {
        self.end(Some(KeptError::new(error)));
    }

    fn end(&self, error: Option<KeptError>) {
        let (unsent, woken) = self.out.lock().end(error);
        drop(unsent);
        self.wire.close();
        wake(woken);
    }

    /// Goes on as the wire of another connection.
    #[cfg(feature = "tls")]
    pub(super) fn set_successor(&self, successor: &Arc<Connection>) {
        // There is one at most: reader and writer have left this connection for it.
        let _ = self.successor.set(Arc::downgrade(successor));
    }

    // ----- waiting and looking -----------------------------------------------------------------------

    /// Tells whether the goal is reached; else notes the waker in the entry of `key`.
    pub(super) fn poll_goal(
        &self,
        cx: &mut Context<'_>,
        goal: Goal,
        key: &mut Option<u64>,
    ) -> Poll<io::Result<()>> {
        let waker = cx.waker().clone();
        let (result, old, stalled) = {
            let mut out = self.out.lock();
            match out.look(goal) {
                Some(result) => (Some(result), Some(waker), false),
                None => {
                    let old = out.waiters.store(key, waker);
                    let stalled = out.is_stalled && out.begin_flushing();
                    (None, old, stalled)
                }
            }
        };
        drop(old);
        match result {
            Some(result) => Poll::Ready(result),
            None => {
                if stalled {
                    self.flush(cx);
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    /// A future that has waited is gone.
    pub(super) fn forget(&self, key: Option<u64>) {
        let Some(key) = key else { return };
        let old = self.out.lock().waiters.remove(key);
        drop(old);
    }

    pub(super) fn is_closing(&self) -> bool {
        self.out.lock().phase != Phase::Open
    }

    /// Whether it was closed here, and not by a failure.
    pub(super) fn was_closed_here(&self) -> bool {
        let out = self.out.lock();
        out.phase == Phase::Closed && out.error.is_none()
    }

    pub(super) fn buffer_size(&self) -> usize {
        self.out.lock().size()
    }

    /// The low and the high mark.
    pub(super) fn buffer_limits(&self) -> (usize, usize) {
        self.out.lock().marks()
    }

    pub(super) fn set_buffer_limits(&self, low: usize, high: usize) {
        let woken = self.out.lock().set_marks(low, high);
        wake(woken);
    }
}

impl Wake for Connection {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.out.lock().begin_flushing() {
            let waker = Waker::from(self.clone());
            self.flush(&mut Context::from_waker(&waker));
        }
    }
}

/// A stream of somebody else's that panics ends the connection, so that nobody waits for it.
struct Unwinding<'a> {
    connection: &'a Connection,
    is_armed: bool,
}

impl Drop for Unwinding<'_> {
    fn drop(&mut self) {
        if self.is_armed {
            self.connection.fail(io::Error::other("the stream that is written to panicked"));
        }
    }
}

/// What is left of the pieces after the first `sent` bytes.
fn rest_of(pieces: &[IoSlice<'_>], sent: usize) -> VecDeque<u8> {
    let mut rest = VecDeque::new();
    let mut skip = sent;
    for piece in pieces {
        let begin = skip.min(piece.len());
        skip -= begin;
        rest.extend(&piece[begin..]);
    }
    rest
}
