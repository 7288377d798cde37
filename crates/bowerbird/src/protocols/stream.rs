//! The state of a stream's transport: shared by its handles and the task of its connection.
//!
//! [`life`](super::life) draws its phases. Beside them stand, for a stream:
//!
//! ```text
//! reading:  READS <--pause_reading(), resume_reading()--> PAUSED     end of stream: ENDED, from READS
//! writing:  OPEN --write_eof()--> WANTED --all is sent--> DONE       from OPEN to DONE if nothing waits
//! ```
//! Both are looked at in phase OPEN only (WANTED also in FLUSHING, where closing ends the direction anyway).
//! The task reads in OPEN and READS, and sends while there is a backlog.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use bowerbird_base::sync::Mutex;
use bowerbird_core::Unhandled;

use super::any::AnyProtocol;
use super::backlog::Bytes;
use super::life::{Life, Turn};
use super::wire::Wire;

/// What the task does next.
pub(super) enum Step {
    /// Goes on with another protocol.
    Adopt(AnyProtocol),
    Turn(Turn),
    /// Moves bytes, in the directions that are `true`.
    Move {
        reads: bool,
        writes: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Reads,
    Paused,
    Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Writing {
    Open,
    Wanted,
    Done,
}

/// Why a write is refused at the caller's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    AfterEof,
    DuringSendfile,
}

struct State {
    life: Life<Bytes>,
    /// `None` when it is closed.
    wire: Option<Arc<Wire>>,
    reading: Reading,
    writing: Writing,
    /// A file is being sent, and nobody else may write.
    sends_file: bool,
    next_protocol: Option<AnyProtocol>,
    /// The task's. Cloned, dropped and woken without the lock.
    waker: Option<Waker>,
}

/// What the handles of a transport and its task share.
pub(super) struct Stream {
    state: Mutex<State>,
    local_addr: OnceLock<Option<SocketAddr>>,
    peer_addr: OnceLock<Option<SocketAddr>>,
}

/// What is to be done once the state's lock is free.
#[derive(Default)]
#[must_use]
struct After {
    wakes: bool,
    reports: bool,
}

impl Stream {
    pub(super) fn new(wire: Arc<Wire>, peer_addr: Option<SocketAddr>) -> Arc<Self> {
        let state = State {
            life: Life::new(),
            wire: Some(wire),
            reading: Reading::Reads,
            writing: Writing::Open,
            sends_file: false,
            next_protocol: None,
            waker: None,
        };
        let known = peer_addr.map_or_else(OnceLock::new, |address| OnceLock::from(Some(address)));
        Arc::new(Self { state: Mutex::new(state), local_addr: OnceLock::new(), peer_addr: known })
    }

    /// Changes the state, and wakes the task if that says so.
    fn change(&self, change: impl FnOnce(&mut State) -> bool) {
        let mut state = self.state.lock();
        let waker = if change(&mut state) { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.state.lock())
    }

    // ----- for the handles -------------------------------------------------------------------------

    pub(super) fn close(&self) {
        self.change(|state| state.life.close());
    }

    /// Loses the connection at once.
    pub(super) fn fail(&self, error: Option<io::Error>) {
        self.change(|state| state.life.fail(error));
    }

    pub(super) fn is_closing(&self) -> bool {
        self.look(|state| state.life.is_closing())
    }

    pub(super) fn is_reading(&self) -> bool {
        self.look(|state| !state.life.is_closing() && state.reading != Reading::Paused)
    }

    pub(super) fn set_reading(&self, is_on: bool) {
        self.change(|state| match (state.life.is_closing(), state.reading, is_on) {
            (false, Reading::Reads, false) => {
                state.reading = Reading::Paused;
                false
            }
            (false, Reading::Paused, true) => {
                state.reading = Reading::Reads;
                true
            }
            _ => false,
        });
    }

    /// Sends what can be sent now and keeps the rest.
    pub(super) fn write(&self, pieces: &[IoSlice<'_>]) -> Result<(), Misuse> {
        let mut state = self.state.lock();
        match (state.writing, state.sends_file) {
            (Writing::Open, false) => {}
            (Writing::Open, true) => return Err(Misuse::DuringSendfile),
            (Writing::Wanted | Writing::Done, _) => return Err(Misuse::AfterEof),
        }
        let after = state.write(pieces);
        let waker = if after.wakes { state.waker.take() } else { None };
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        if after.reports {
            report_lost_write();
        }
        Ok(())
    }

    pub(super) fn write_eof(&self) {
        self.change(|state| {
            if state.life.is_closing() || state.writing != Writing::Open {
                return false;
            }
            state.writing = Writing::Wanted;
            state.end_writing()
        });
    }

    pub(super) fn can_write_eof(&self) -> bool {
        self.look(|state| state.wire.as_ref().is_none_or(|wire| wire.can_end_writing()))
    }

    pub(super) fn set_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), (usize, usize)> {
        let mut result = Ok(());
        self.change(|state| {
            // The task looks in any case: a backlog may be short by the new limits.
            result = state.life.set_limits(high, low).map(drop);
            result.is_ok()
        });
        result
    }

    pub(super) fn limits(&self) -> (usize, usize) {
        self.look(|state| state.life.limits())
    }

    pub(super) fn backlog_size(&self) -> usize {
        use super::life::Backlog;
        self.look(|state| state.life.backlog.size())
    }

    pub(super) fn set_protocol(&self, protocol: AnyProtocol) {
        let mut old = Some(protocol);
        self.change(|state| {
            if state.wire.is_some() {
                std::mem::swap(&mut state.next_protocol, &mut old);
            }
            true
        });
        drop(old);
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.known(&self.local_addr, Wire::local_addr)
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.known(&self.peer_addr, Wire::peer_addr)
    }

    pub(super) fn wire(&self) -> Option<Arc<Wire>> {
        self.look(|state| state.wire.clone())
    }

    /// What was once asked for is known after the socket is closed.
    fn known(
        &self,
        cell: &OnceLock<Option<SocketAddr>>,
        ask: impl FnOnce(&Wire) -> Option<SocketAddr>,
    ) -> Option<SocketAddr> {
        if let Some(known) = cell.get() {
            return *known;
        }
        let wire = self.wire()?;
        *cell.get_or_init(|| ask(&wire))
    }

    // ----- for the task ----------------------------------------------------------------------------

    /// Says what is next. From then on a change wakes `waker`.
    pub(super) fn next(&self, waker: &Waker) -> Step {
        let mut fresh = None;
        loop {
            let mut state = self.state.lock();
            let mut old = None;
            if !state.waker.as_ref().is_some_and(|stored| stored.will_wake(waker)) {
                let Some(fresh) = fresh.take() else {
                    drop(state);
                    fresh = Some(waker.clone());
                    continue;
                };
                old = state.waker.replace(fresh);
            }
            let step = state.next();
            drop(state);
            drop(old);
            return step;
        }
    }

    /// Sends from the backlog once. An error is the connection's end; `WouldBlock` is given to the caller.
    pub(super) fn send_some(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        let state = &mut *state;
        // It may have been lost on another thread.
        let Some(wire) = &state.wire else { return Ok(()) };
        if state.life.backlog.is_empty() {
            return Ok(());
        }
        match wire.try_write(state.life.backlog.front()) {
            Ok(count) => {
                state.life.backlog.advance(count);
                state.end_writing();
                Ok(())
            }
            Err(error) if is_retry(&error) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => {
                state.life.fail(Some(error));
                Ok(())
            }
        }
    }

    /// The stream has ended: nothing more is read.
    pub(super) fn reading_ended(&self) {
        self.look_mut(|state| state.reading = Reading::Ended);
    }

    /// Forgets the socket and everything that the task has left; the protocol has heard its last call.
    pub(super) fn leave(&self) -> Option<Arc<Wire>> {
        let (wire, protocol, waker) = {
            let mut state = self.state.lock();
            (state.wire.take(), state.next_protocol.take(), state.waker.take())
        };
        drop((protocol, waker));
        wire
    }

    fn look_mut<R>(&self, look: impl FnOnce(&mut State) -> R) -> R {
        look(&mut self.state.lock())
    }
}

impl State {
    fn next(&mut self) -> Step {
        if let Some(protocol) = self.next_protocol.take() {
            return Step::Adopt(protocol);
        }
        match self.life.next() {
            Some(turn) => Step::Turn(turn),
            None => Step::Move {
                reads: !self.life.is_closing() && self.reading == Reading::Reads,
                writes: !self.life.backlog.is_empty(),
            },
        }
    }

    fn write(&mut self, pieces: &[IoSlice<'_>]) -> After {
        if let Some(reports) = self.life.refuse_write() {
            return After { wakes: false, reports };
        }
        let Some(wire) = &self.wire else { return After::default() };
        let mut sent = 0;
        if self.life.backlog.is_empty() {
            let result = match pieces {
                [piece] => wire.try_write(piece),
                _ => wire.try_write_vectored(pieces),
            };
            match result {
                Ok(count) => sent = count,
                Err(error) if is_retry(&error) => {}
                Err(error) => {
                    let wakes = self.life.fail(Some(error));
                    return After { wakes, reports: false };
                }
            }
        }
        for piece in pieces {
            let skip = sent.min(piece.len());
            sent -= skip;
            if skip < piece.len() {
                self.life.backlog.push(&piece[skip..]);
            }
        }
        self.life.grown();
        After { wakes: !self.life.backlog.is_empty(), reports: false }
    }

    /// Ends the writing direction if that is wanted and everything is sent. Returns whether the task must look.
    fn end_writing(&mut self) -> bool {
        let Some(wire) = &self.wire else { return false };
        if self.writing != Writing::Wanted || !self.life.backlog.is_empty() {
            return false;
        }
        self.writing = Writing::Done;
        match wire.end_writing() {
            Ok(()) => false,
            Err(error) => self.life.fail(Some(error)),
        }
    }
}

/// Nothing is wrong; try again when the socket is ready.
pub(super) fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cold]
pub(super) fn report_lost_write() {
    let kind = bowerbird_core::UnhandledKind::Other;
    let message = "a transport is written to again and again after its connection was lost";
    bowerbird_core::call_exception_handler(&Unhandled::new(kind, message));
}
