//! The task of a connection: the only one that calls its protocol.
//!
//! A turn asks the shared state what is next and does it, until nothing is left but to wait: for the socket, or
//! for a change by one of the handles. Cancelled or dropped, it aborts: `connection_lost(None)` is called by its
//! destructor, so that a protocol hears of the end whatever ends it.

use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bowerbird_base::{debug, poll_context};
use bowerbird_core::{Unhandled, UnhandledKind, call_exception_handler};
use bowerbird_sync::oneshot;

use super::calls::{self, Fatal};
use super::life::Turn;

/// Who waits until the connection is made; an error if that call panicked.
pub(super) type Made = oneshot::Sender<io::Result<()>>;

/// What is shared by the handles and the task: of a stream, or of a datagram socket.
pub(super) trait Kind: Sized + Send + Sync + 'static {
    type Protocol: Hears + Send + Unpin + 'static;
    type Wire: Closes + Send + Sync + 'static;
    /// What the task alone has.
    type Own: Default + Send + Unpin;
    /// What only this kind does.
    type Extra;

    fn connection_made(self: &Arc<Self>, protocol: &mut Self::Protocol);

    /// Whether the protocol may hear that the connection is made: nothing has to come before that, or it has.
    fn is_ready(&self) -> bool {
        true
    }

    /// Says what is next. From then on a change wakes `waker`.
    fn next(&self, waker: &Waker) -> Step<Self>;

    /// Loses the connection at once.
    fn fail(&self, error: Option<io::Error>);

    /// Forgets the socket, and what else the task has left; the protocol has heard its last call.
    fn leave(&self);

    /// Moves something, or waits until that is possible. `Ready` if something has happened.
    fn poll_move<G>(
        task: &mut Connection<Self, G>,
        cx: &mut Context<'_>,
        reads: bool,
        writes: bool,
    ) -> Poll<()>;

    /// Does, or waits for, what only this kind does. `Ready` if something has happened.
    fn poll_extra<G>(
        task: &mut Connection<Self, G>,
        cx: &mut Context<'_>,
        extra: Self::Extra,
    ) -> Poll<()>;
}

/// What all protocols hear.
pub(super) trait Hears {
    fn error_received(&mut self, error: io::Error);
    fn connection_lost(&mut self, error: Option<io::Error>);
    fn pause_writing(&mut self);
    fn resume_writing(&mut self);
}

/// A socket that is closed on purpose: debug mode has nothing to say.
pub(super) trait Closes {
    fn close(self);
}

/// What the task does next.
pub(super) enum Step<K: Kind> {
    /// Goes on with another protocol.
    Adopt(K::Protocol),
    Turn(Turn),
    /// Tells of an error that does not end it.
    Error(io::Error),
    /// Moves bytes, in the directions that are `true`.
    Move {
        reads: bool,
        writes: bool,
    },
    #[cfg_attr(not(feature = "tls"), allow(dead_code, reason = "only TLS has that"))]
    Extra(K::Extra),
}

pub(super) struct Connection<K: Kind, G> {
    pub(super) shared: Arc<K>,
    /// `None` when it is closed.
    pub(super) wire: Option<Arc<K::Wire>>,
    /// `None` when it has heard of the end.
    pub(super) protocol: Option<K::Protocol>,
    made: Option<Made>,
    is_made: bool,
    is_suspended: bool,
    location: &'static Location<'static>,
    pub(super) own: K::Own,
    /// What lives as long as the connection: its place in a server.
    _guard: G,
}

impl<K: Kind, G> Connection<K, G> {
    pub(super) fn new(
        shared: Arc<K>,
        wire: Arc<K::Wire>,
        protocol: K::Protocol,
        made: Option<Made>,
        location: &'static Location<'static>,
        guard: G,
    ) -> Self {
        Self {
            shared,
            wire: Some(wire),
            protocol: Some(protocol),
            made,
            is_made: false,
            is_suspended: false,
            location,
            own: K::Own::default(),
            _guard: guard,
        }
    }

    /// Calls the protocol; a panic loses the connection.
    pub(super) fn fatal<R>(
        &mut self,
        fatal: &Fatal,
        call: impl FnOnce(&mut K::Protocol) -> R,
    ) -> Option<R> {
        let protocol = self.protocol.as_mut()?;
        match fatal.call(self.location, || call(protocol)) {
            Ok(output) => Some(output),
            Err(error) => {
                self.shared.fail(Some(error));
                None
            }
        }
    }

    /// Calls the protocol; a panic is reported only.
    pub(super) fn call(&mut self, name: &'static str, call: impl FnOnce(&mut K::Protocol)) {
        if let Some(protocol) = &mut self.protocol {
            calls::call(name, self.location, || call(protocol));
        }
    }

    fn begin(&mut self) {
        self.is_made = true;
        let shared = self.shared.clone();
        let made = self.fatal(&calls::CONNECTION_MADE, |protocol| shared.connection_made(protocol));
        if let Some(waiter) = self.made.take() {
            let made = made.ok_or_else(|| calls::CONNECTION_MADE.error());
            let _gave_up = waiter.send(made);
        }
    }

    fn adopt(&mut self, protocol: K::Protocol) {
        let old = self.protocol.replace(protocol);
        calls::drop_protocol(self.location, old);
    }

    /// The last call, and then the socket is closed.
    fn lose(&mut self, error: Option<io::Error>) {
        if self.is_made {
            let call = "protocol.connection_lost() failed";
            self.call(call, |protocol| protocol.connection_lost(error));
        } else {
            self.never_made(error);
        }
        self.shared.leave();
        // A handle may just be looking at it; then that closes it.
        if let Some(wire) = self.wire.take().and_then(Arc::into_inner) {
            wire.close();
        }
        let protocol = self.protocol.take();
        calls::drop_protocol(self.location, protocol);
    }

    /// The protocol hears nothing of a connection that was lost before it was made; who waits for it does.
    #[cold]
    fn never_made(&mut self, error: Option<io::Error>) {
        let Some(error) = error else { return };
        if let Some(waiter) = self.made.take() {
            let _gave_up = waiter.send(Err(error));
        } else if debug::is_on() {
            // Anybody can make a handshake with a server fail.
            let message = "a connection failed before it was made";
            let report = Unhandled::new(UnhandledKind::Callback, message);
            let report = report.with_error(error.to_string()).with_location(self.location);
            call_exception_handler(&report);
        }
    }

    /// `Ready` at the end.
    fn poll_turn(&mut self, turn: Turn) -> Poll<()> {
        match turn {
            Turn::PauseWriting => {
                self.call("protocol.pause_writing() failed", Hears::pause_writing);
            }
            Turn::ResumeWriting => {
                self.call("protocol.resume_writing() failed", Hears::resume_writing);
            }
            Turn::Lost(error) => {
                self.lose(error);
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    /// `Ready` if something has happened.
    fn poll_move(&mut self, cx: &mut Context<'_>, reads: bool, writes: bool) -> Poll<()> {
        let moved = self.poll_within_budget(cx, |task, cx| K::poll_move(task, cx, reads, writes));
        if moved.is_pending() && !reads && !writes {
            // Nothing but a handle can change that.
            poll_context::note_wait("transport", 0, Some(self.location));
        }
        moved
    }

    fn poll_within_budget(
        &mut self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Self, &mut Context<'_>) -> Poll<()>,
    ) -> Poll<()> {
        let proceed = ready!(poll_context::poll_proceed(cx));
        let polled = poll(self, cx);
        if polled.is_ready() {
            proceed.made_progress();
        }
        polled
    }
}

impl<K: Kind, G: Unpin> Future for Connection<K, G> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.is_suspended && poll_context::is_offered() {
            // Cancelled: the destructor does the rest.
            poll_context::yield_now(cx);
            return Poll::Pending;
        }
        loop {
            if !this.is_made && this.shared.is_ready() {
                this.begin();
            }
            let polled = match this.shared.next(cx.waker()) {
                Step::Adopt(protocol) => {
                    this.adopt(protocol);
                    continue;
                }
                Step::Turn(turn) => {
                    if this.poll_turn(turn).is_ready() {
                        return Poll::Ready(());
                    }
                    continue;
                }
                Step::Error(error) => {
                    this.call(calls::ERROR_RECEIVED, |protocol| protocol.error_received(error));
                    continue;
                }
                Step::Move { reads, writes } => this.poll_move(cx, reads, writes),
                Step::Extra(extra) => {
                    this.poll_within_budget(cx, |task, cx| K::poll_extra(task, cx, extra))
                }
            };
            if polled.is_pending() {
                this.is_suspended = true;
                return Poll::Pending;
            }
        }
    }
}

impl<K: Kind, G> Drop for Connection<K, G> {
    fn drop(&mut self) {
        if self.protocol.is_none() {
            return;
        }
        self.shared.fail(None);
        if self.is_made {
            self.lose(None);
        } else {
            self.protocol = None;
            self.shared.leave();
        }
    }
}
