//! The state of a stream's transport: shared by its handles and the task of its connection.
//!
//! [`life`](super::life) draws its phases. Beside them stand, for a stream:
//!
//! ```text
//! reading:  READS <--pause_reading(), resume_reading()--> PAUSED     end of stream: ENDED, from READS
//! writing:  OPEN --write_eof()--> WANTED --all is sent--> DONE       from OPEN to DONE if nothing waits
//!           of a pipe: the reading end NEVER writes, the writing one has ENDED reading and closes at write_eof()
//! ```
//! A transport over TLS (the module `channel`) has no end of writing but its close, and the end of its reading closes
//! it, as in asyncio. Both are looked at in phase OPEN only (WANTED also in FLUSHING, where closing ends the direction anyway).
//! The task reads in OPEN and READS, and sends while there is a backlog.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};
#[cfg(feature = "tls")]
use std::time::Duration;

#[cfg(feature = "tls")]
use bowerbird_net::tls::TlsInfo;

use super::Transport;
use super::any::AnyProtocol;
use super::backlog::Bytes;
use super::connection::{Connection, Kind, Step};
use super::hub::Hub;
use super::life::{Backlog, Life, report_lost_write};
use super::wire::Wire;
use channel::Channel;
use file::Sending;

mod channel;
pub(super) use channel::Session;
mod file;
pub(super) use file::Job;
mod moves;
#[cfg(feature = "tls")]
mod secure;

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
    /// It is the reading end of a pipe.
    Never,
}

/// Why a write is refused at the caller's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misuse {
    AfterEof,
    ReadingEnd,
    OverTls,
    Sending,
}

struct State {
    life: Life<Bytes>,
    /// `None` when it is closed.
    wire: Option<Arc<Wire>>,
    reading: Reading,
    writing: Writing,
    next_protocol: Option<AnyProtocol>,
    channel: Channel,
    file: Option<Sending>,
    /// How many files there were.
    files: u64,
}

/// What the handles of a transport and its task share.
pub(super) struct Stream {
    hub: Hub<State>,
    local_addr: OnceLock<Option<SocketAddr>>,
    peer_addr: OnceLock<Option<SocketAddr>>,
    /// What is known of the session, and how long its end may take.
    #[cfg(feature = "tls")]
    tls: OnceLock<Box<(TlsInfo, Duration)>>,
}

/// What the task keeps.
#[derive(Default)]
pub(super) struct Own {
    /// The file that it sends.
    file: Option<Box<Job>>,
    #[cfg(feature = "tls")]
    tls: secure::Own,
}

/// What is to be done once the state's lock is free.
#[derive(Default)]
#[must_use]
struct After {
    wakes: bool,
    reports: bool,
}

impl Stream {
    /// With a session it is made when the handshake is done.
    pub(super) fn new(
        wire: Arc<Wire>,
        peer_addr: Option<SocketAddr>,
        session: Option<Session>,
    ) -> Arc<Self> {
        let state = State {
            life: Life::new(),
            reading: if wire.can_read() { Reading::Reads } else { Reading::Ended },
            writing: if wire.can_write() { Writing::Open } else { Writing::Never },
            wire: Some(wire),
            next_protocol: None,
            file: None,
            files: 0,
            channel: session.map_or(Channel::Plain, Channel::first),
        };
        let known = peer_addr.map_or_else(OnceLock::new, |address| OnceLock::from(Some(address)));
        Arc::new(Self {
            hub: Hub::new(state),
            local_addr: OnceLock::new(),
            peer_addr: known,
            #[cfg(feature = "tls")]
            tls: OnceLock::new(),
        })
    }

    // ----- for the handles -------------------------------------------------------------------------

    pub(super) fn close(&self) {
        self.hub.change(|state| ((), state.close()));
    }

    pub(super) fn abort(&self) {
        self.hub.change(|state| ((), state.life.fail(None)));
    }

    pub(super) fn is_closing(&self) -> bool {
        self.hub.with(|state| state.life.is_closing())
    }

    pub(super) fn is_reading(&self) -> bool {
        self.hub.with(|state| !state.life.is_closing() && state.reading != Reading::Paused)
    }

    pub(super) fn set_reading(&self, is_on: bool) {
        self.hub.change(|state| match (state.life.is_closing(), state.reading, is_on) {
            (false, Reading::Reads, false) => {
                state.reading = Reading::Paused;
                ((), false)
            }
            (false, Reading::Paused, true) => {
                state.reading = Reading::Reads;
                ((), true)
            }
            _ => ((), false),
        });
    }

    /// Sends what can be sent now and keeps the rest.
    pub(super) fn write(&self, pieces: &[IoSlice<'_>]) -> Result<(), Misuse> {
        let reports = self.hub.change(|state| match state.writing {
            _ if state.file.is_some() => (Err(Misuse::Sending), false),
            Writing::Open => {
                let after = state.write(pieces);
                (Ok(after.reports), after.wakes)
            }
            Writing::Wanted | Writing::Done => (Err(Misuse::AfterEof), false),
            Writing::Never => (Err(Misuse::ReadingEnd), false),
        })?;
        if reports {
            report_lost_write();
        }
        Ok(())
    }

    pub(super) fn write_eof(&self) -> Result<(), Misuse> {
        self.hub.change(|state| {
            if !state.channel.is_plain() {
                return (Err(Misuse::OverTls), false);
            }
            if state.life.is_closing() || state.writing != Writing::Open {
                return (Ok(()), false);
            }
            state.writing = Writing::Wanted;
            if state.wire.as_ref().is_some_and(|wire| wire.has_two_ways()) {
                return (Ok(()), state.end_writing());
            }
            // A pipe has no other end than that of the transport.
            state.writing = Writing::Done;
            (Ok(()), state.life.close())
        })
    }

    pub(super) fn can_write_eof(&self) -> bool {
        self.hub.with(|state| state.writing != Writing::Never && state.channel.is_plain())
    }

    pub(super) fn set_limits(
        &self,
        high: Option<usize>,
        low: Option<usize>,
    ) -> Result<(), (usize, usize)> {
        // The task looks in any case: a backlog may be short by the new limits.
        self.hub.change(|state| (state.life.set_limits(high, low), true))
    }

    pub(super) fn limits(&self) -> (usize, usize) {
        self.hub.with(|state| state.life.limits())
    }

    pub(super) fn backlog_size(&self) -> usize {
        self.hub.with(|state| state.life.backlog.size())
    }

    pub(super) fn set_protocol(&self, protocol: AnyProtocol) {
        let mut other = Some(protocol);
        self.hub.change(|state| {
            if state.wire.is_some() {
                std::mem::swap(&mut state.next_protocol, &mut other);
            }
            ((), true)
        });
        drop(other);
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        self.known(&self.local_addr, Wire::local_addr)
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        self.known(&self.peer_addr, Wire::peer_addr)
    }

    pub(super) fn wire(&self) -> Option<Arc<Wire>> {
        self.hub.with(|state| state.wire.clone())
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

    /// Sends from the backlog once. An error is the connection's end; `WouldBlock` is given to the caller.
    pub(super) fn send_some(&self) -> io::Result<()> {
        self.hub.with(|state| {
            // It may have been lost on another thread.
            let Some(wire) = &state.wire else { return Ok(()) };
            if state.life.is_lost() {
                return Ok(());
            }
            match state.channel.send(wire, &mut state.life.backlog) {
                Ok(()) => {
                    state.end_writing();
                    Ok(())
                }
                Err(error) if is_retry(&error) => Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => {
                    state.life.fail(Some(error));
                    Ok(())
                }
            }
        })
    }

    /// Reads what has come.
    pub(super) fn receive(&self, wire: &Wire, room: &mut [u8]) -> io::Result<usize> {
        #[cfg(feature = "tls")]
        if self.tls.get().is_some() {
            return self.receive_secured(wire, room);
        }
        wire.try_read(room)
    }

    /// Whether something may be read that is not in the socket any more.
    pub(super) fn has_news(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.get().is_some() {
            return self.hub.with(|state| state.channel.has_news());
        }
        false
    }

    /// An error of reading ends the connection; what waits is sent if the other direction may be whole.
    pub(super) fn receive_failed(&self, error: io::Error) {
        #[cfg(feature = "tls")]
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return self.was_cut(error);
        }
        self.fail(Some(error));
    }

    /// Whether bytes go to the socket as they are.
    pub(super) fn is_plain(&self) -> bool {
        self.hub.with(|state| state.channel.is_plain())
    }

    /// The stream has ended: nothing more is read.
    pub(super) fn reading_ended(&self) {
        self.hub.with(|state| state.reading = Reading::Ended);
    }

    /// Whether something can be left to do after the end of the stream.
    pub(super) fn may_stay_open(&self) -> bool {
        self.hub.with(|state| state.writing != Writing::Never && state.channel.is_plain())
    }
}

impl Kind for Stream {
    type Protocol = AnyProtocol;
    type Wire = Wire;
    type Own = Own;
    #[cfg(feature = "tls")]
    type Extra = secure::Extra;
    #[cfg(not(feature = "tls"))]
    type Extra = std::convert::Infallible;

    fn connection_made(self: &Arc<Self>, protocol: &mut AnyProtocol) {
        protocol.connection_made(Transport(self.clone()));
    }

    fn is_ready(&self) -> bool {
        self.hub.with(|state| state.channel.may_read())
    }

    fn next(&self, waker: &Waker) -> Step<Self> {
        self.hub.wait_with(waker, State::next)
    }

    fn fail(&self, error: Option<io::Error>) {
        self.hub.change(|state| ((), state.life.fail(error)));
    }

    fn leave(&self) {
        let left = self.hub.with(|state| {
            let channel = std::mem::replace(&mut state.channel, Channel::Plain);
            (state.wire.take(), state.next_protocol.take(), channel, state.file.take())
        });
        drop(left);
        self.hub.forget_waker();
    }

    fn poll_move<G>(
        task: &mut Connection<Self, G>,
        cx: &mut Context<'_>,
        reads: bool,
        writes: bool,
    ) -> Poll<()> {
        moves::poll_move(task, cx, reads, writes)
    }

    #[cfg(feature = "tls")]
    fn poll_extra<G>(
        task: &mut Connection<Self, G>,
        cx: &mut Context<'_>,
        extra: secure::Extra,
    ) -> Poll<()> {
        task.poll_secure(cx, extra)
    }

    #[cfg(not(feature = "tls"))]
    fn poll_extra<G>(
        _: &mut Connection<Self, G>,
        _: &mut Context<'_>,
        extra: Self::Extra,
    ) -> Poll<()> {
        match extra {}
    }
}

impl State {
    fn next(&mut self) -> Step<Stream> {
        // One that is not made yet has no protocol to exchange, and nothing to pause.
        if let Some(protocol) = self.next_protocol.take() {
            return Step::Adopt(protocol);
        }
        if let Some(turn) = self.life.next() {
            return Step::Turn(turn);
        }
        #[cfg(feature = "tls")]
        if let Some(extra) = self.next_extra() {
            return Step::Extra(extra);
        }
        let wants = !self.life.is_closing() && self.reading == Reading::Reads;
        Step::Move {
            reads: wants && self.channel.may_read(),
            writes: self.channel.wants_write(&self.life.backlog) || self.sends_file(),
        }
    }

    /// Edges 1 and 3. Returns whether the task must look.
    fn close(&mut self) -> bool {
        // In a handshake there is nothing that could be sent, as in asyncio.
        if self.channel.may_read() { self.life.close() } else { self.life.fail(None) }
    }

    /// Whether a file is to be sent, and not before a session.
    fn sends_file(&self) -> bool {
        self.file.is_some() && !self.life.is_closing() && self.channel.may_read()
    }

    fn write(&mut self, pieces: &[IoSlice<'_>]) -> After {
        let after = self.send_pieces(pieces);
        self.life.grown();
        after
    }

    /// Sends what can be sent now and keeps the rest.
    fn send_pieces(&mut self, pieces: &[IoSlice<'_>]) -> After {
        if let Some(reports) = self.life.refuse_write() {
            return After { wakes: false, reports };
        }
        let Some(wire) = &self.wire else { return After::default() };
        let mut sent = 0;
        if self.life.backlog.is_empty() {
            match self.channel.send_now(wire, pieces) {
                Ok(count) => sent = count,
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
        After { wakes: !self.life.backlog.is_empty(), reports: false }
    }

    /// Ends the writing direction if that is wanted and everything is sent. Returns whether the task must look.
    fn end_writing(&mut self) -> bool {
        let Some(wire) = &self.wire else { return false };
        if self.writing != Writing::Wanted || !self.life.backlog.is_empty() || self.file.is_some() {
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
