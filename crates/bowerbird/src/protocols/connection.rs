//! The task of a stream's connection: the only one that calls its protocol.
//!
//! A turn asks the shared state what is next and does it, until nothing is left but to wait: for the socket, or
//! for a change by one of the handles. Cancelled or dropped, it aborts: `connection_lost(None)` is called by its
//! destructor, so that a protocol hears of the end whatever ends it.

use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::poll_context;

use super::Transport;
use super::any::AnyProtocol;
use super::calls::{self, Fatal};
use super::life::Turn;
use super::scratch::with_room;
use super::stream::{Step, Stream, is_retry};
use super::wire::Wire;
use crate::future::Promise;

/// Who waits until the connection is made; `false` if that call panicked.
pub(super) type Made = Promise<bool>;

pub(super) struct Connection<G> {
    stream: Arc<Stream>,
    /// `None` when it is closed.
    wire: Option<Arc<Wire>>,
    /// `None` when it has heard of the end.
    protocol: Option<AnyProtocol>,
    made: Option<Made>,
    is_made: bool,
    is_suspended: bool,
    location: &'static Location<'static>,
    /// What lives as long as the connection: its place in a server.
    _guard: G,
}

impl<G> Connection<G> {
    pub(super) fn new(
        stream: Arc<Stream>,
        wire: Arc<Wire>,
        protocol: AnyProtocol,
        made: Option<Made>,
        location: &'static Location<'static>,
        guard: G,
    ) -> Self {
        Self {
            stream,
            wire: Some(wire),
            protocol: Some(protocol),
            made,
            is_made: false,
            is_suspended: false,
            location,
            _guard: guard,
        }
    }

    /// Calls the protocol; a panic loses the connection.
    fn fatal<R>(&mut self, fatal: &Fatal, call: impl FnOnce(&mut AnyProtocol) -> R) -> Option<R> {
        let protocol = self.protocol.as_mut()?;
        match fatal.call(self.location, || call(protocol)) {
            Ok(output) => Some(output),
            Err(error) => {
                self.stream.fail(Some(error));
                None
            }
        }
    }

    /// Calls the protocol; a panic is reported only.
    fn call(&mut self, name: &'static str, call: impl FnOnce(&mut AnyProtocol)) {
        if let Some(protocol) = &mut self.protocol {
            calls::call(name, self.location, || call(protocol));
        }
    }

    fn begin(&mut self) {
        self.is_made = true;
        let transport = Transport(self.stream.clone());
        let called =
            self.fatal(&calls::CONNECTION_MADE, |protocol| protocol.connection_made(transport));
        if let Some(made) = self.made.take() {
            let _gave_up = made.try_set_result(called.is_some());
        }
    }

    fn adopt(&mut self, protocol: AnyProtocol) {
        let old = self.protocol.replace(protocol);
        calls::call("the destructor of a protocol panicked", self.location, || drop(old));
    }

    /// The last call, and then the socket is closed.
    fn lose(&mut self, error: Option<io::Error>) {
        self.call("protocol.connection_lost() failed", |protocol| protocol.connection_lost(error));
        drop(self.stream.leave());
        // A handle may just be looking at it; then that closes it.
        if let Some(wire) = self.wire.take().and_then(Arc::into_inner) {
            wire.close();
        }
        let protocol = self.protocol.take();
        calls::call("the destructor of a protocol panicked", self.location, || drop(protocol));
    }

    fn take_turn(&mut self, turn: Turn) -> Poll<()> {
        match turn {
            Turn::PauseWriting => {
                self.call("protocol.pause_writing() failed", AnyProtocol::pause_writing);
            }
            Turn::ResumeWriting => {
                self.call("protocol.resume_writing() failed", AnyProtocol::resume_writing);
            }
            Turn::Lost(error) => {
                self.lose(error);
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    // ----- moving bytes ------------------------------------------------------------------------------

    /// `Ready` if something has happened.
    fn poll_move(&mut self, cx: &mut Context<'_>, reads: bool, writes: bool) -> Poll<()> {
        let proceed = ready!(poll_context::poll_proceed(cx));
        let mut moved = Poll::Pending;
        if writes {
            moved = self.poll_send(cx);
        }
        if reads && moved.is_pending() {
            moved = self.poll_receive(cx);
        }
        if moved.is_ready() {
            proceed.made_progress();
        } else if !reads && !writes {
            // Nothing but a handle can change that.
            poll_context::note_wait("transport", 0, Some(self.location));
        }
        moved
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        loop {
            if self.stream.send_some().is_ok() {
                return Poll::Ready(());
            }
            if let Err(error) = ready!(wire.poll_write_ready(cx)) {
                self.stream.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.protocol {
            Some(AnyProtocol::Streaming(_)) => with_room(|room| self.poll_receive_into(cx, room)),
            Some(AnyProtocol::Buffered(_)) => self.poll_receive_buffered(cx),
            None => Poll::Pending,
        }
    }

    fn poll_receive_into(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<()> {
        let count = ready!(self.poll_read(cx, room));
        match count {
            Some(0) => self.receive_eof(),
            Some(count) => {
                let data = &room[..count];
                self.fatal(&calls::DATA_RECEIVED, |protocol| {
                    if let AnyProtocol::Streaming(protocol) = protocol {
                        protocol.data_received(data);
                    }
                });
            }
            None => {}
        }
        Poll::Ready(())
    }

    /// Asks for room only when something is there.
    fn poll_receive_buffered(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(wire) = self.wire.clone() else { return Poll::Pending };
        loop {
            if let Err(error) = ready!(wire.poll_read_ready(cx)) {
                self.stream.fail(Some(error));
                return Poll::Ready(());
            }
            let read = self.fatal(&calls::GET_BUFFER, |protocol| {
                let AnyProtocol::Buffered(protocol) = protocol else { return Ok(0) };
                let room = protocol.get_buffer(0);
                assert!(
                    !room.is_empty(),
                    "get_buffer() returned an empty buffer; give room for a byte at least"
                );
                wire.try_read(room)
            });
            match read {
                None => {}
                Some(Ok(0)) => self.receive_eof(),
                Some(Ok(count)) => {
                    self.fatal(&calls::BUFFER_UPDATED, |protocol| {
                        if let AnyProtocol::Buffered(protocol) = protocol {
                            protocol.buffer_updated(count);
                        }
                    });
                }
                Some(Err(error)) if is_retry(&error) => continue,
                Some(Err(error)) => self.stream.fail(Some(error)),
            }
            return Poll::Ready(());
        }
    }

    /// Reads once; `None` if that lost the connection.
    fn poll_read(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<Option<usize>> {
        let Some(wire) = &self.wire else { return Poll::Pending };
        loop {
            match wire.try_read(room) {
                Err(error) if is_retry(&error) => {}
                Ok(count) => return Poll::Ready(Some(count)),
                Err(error) => {
                    self.stream.fail(Some(error));
                    return Poll::Ready(None);
                }
            }
            if let Err(error) = ready!(wire.poll_read_ready(cx)) {
                self.stream.fail(Some(error));
                return Poll::Ready(None);
            }
        }
    }

    fn receive_eof(&mut self) {
        self.stream.reading_ended();
        if self.fatal(&calls::EOF_RECEIVED, AnyProtocol::eof_received) == Some(false) {
            self.stream.close();
        }
    }
}

impl<G: Unpin> Future for Connection<G> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if !this.is_made {
            this.begin();
        } else if this.is_suspended && poll_context::is_offered() {
            // Cancelled: the destructor does the rest.
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        loop {
            match this.stream.next(cx.waker()) {
                Step::Adopt(protocol) => this.adopt(protocol),
                Step::Turn(turn) => {
                    if this.take_turn(turn).is_ready() {
                        return Poll::Ready(());
                    }
                }
                Step::Move { reads, writes } => {
                    if this.poll_move(cx, reads, writes).is_pending() {
                        this.is_suspended = true;
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl<G> Drop for Connection<G> {
    fn drop(&mut self) {
        if self.protocol.is_none() {
            return;
        }
        self.stream.fail(None);
        if self.is_made {
            self.lose(None);
        } else {
            self.protocol = None;
            self.stream.leave();
        }
    }
}
