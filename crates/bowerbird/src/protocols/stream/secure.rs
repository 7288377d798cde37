//! What the task of a connection does for a TLS session: the handshake before it, and its end.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_net::tls::{Session, TlsInfo};
use bowerbird_sync::oneshot;
use bowerbird_timer::Sleep;

use super::channel::{Begin, Channel, Through};
use super::{Reading, Stream, Writing, is_retry};
use crate::protocols::any::AnyProtocol;
use crate::protocols::connection::{Connection, Kind};
use crate::protocols::life::Backlog;
use crate::protocols::scratch::with_room;
use crate::protocols::wire::Wire;

/// What a task does beside moving bytes.
pub(in crate::protocols) enum Extra {
    /// Goes on with the handshake.
    Handshake,
    /// Sends what is left, says that this is the end, and waits for the peer to say so too.
    End,
}

/// What the task keeps for that.
#[derive(Default)]
pub(in crate::protocols) struct Own {
    handshake: Option<Box<Begin>>,
    /// The time for the handshake, or for the end. Most connections have neither.
    limit: Option<Box<Sleep>>,
}

/// How far the end has come.
enum Ended {
    /// Something of the backlog was sent.
    Not,
    /// All is sent, and that this is the end.
    Here,
}

impl Stream {
    /// What is known of the session, once its handshake is done.
    pub(in crate::protocols) fn tls_info(&self) -> Option<&TlsInfo> {
        self.tls.get().map(|known| &known.0)
    }

    /// Begins a session when what waits is sent; the waiter hears of it.
    pub(in crate::protocols) fn start_tls(
        &self,
        session: Session,
        waiter: oneshot::Sender<io::Result<()>>,
        protocol: Option<AnyProtocol>,
    ) -> io::Result<()> {
        let mut left = (Some((session, waiter)), protocol);
        let begun = self.hub.change(|state| {
            if let Err(error) = state.may_start_tls() {
                return (Err(error), false);
            }
            if let Some((session, waiter)) = left.0.take() {
                state.channel =
                    Channel::handshake(session, Some(waiter), state.life.backlog.size());
            }
            if left.1.is_some() {
                std::mem::swap(&mut state.next_protocol, &mut left.1);
            }
            (Ok(()), true)
        });
        drop(left);
        begun
    }

    /// The session that is to begin, for the task.
    fn take_begin(&self) -> Option<Box<Begin>> {
        self.hub.with(|state| match &mut state.channel {
            Channel::Handshake { begin, .. } => begin.take(),
            _ => None,
        })
    }

    /// The handshake is done.
    fn secured(&self, session: Session) {
        let known = Box::new((session.info(), session.shutdown_timeout()));
        // There is one session at most.
        let _ = self.tls.set(known);
        self.hub.with(|state| {
            state.channel = Channel::secured(session);
            state.life.linger();
            if state.reading == Reading::Paused {
                state.reading = Reading::Reads;
            }
        });
    }

    /// Reads through the session, which is not under the lock meanwhile.
    pub(super) fn receive_secured(&self, wire: &Wire, room: &mut [u8]) -> io::Result<usize> {
        let session = self.hub.with(|state| state.channel.take_session());
        let Some(mut session) = session else { return Err(io::ErrorKind::NotConnected.into()) };
        let received = session.receive(&mut Through(wire), room);
        let left = self.hub.with(|state| state.channel.put_back(session));
        drop(left);
        received
    }

    /// The stream was cut: the peer did not say that this is the end.
    pub(super) fn was_cut(&self, error: io::Error) {
        self.hub.change(|state| {
            state.reading = Reading::Ended;
            state.life.close_with(error);
            ((), true)
        });
    }

    fn send_to_the_end(&self) -> io::Result<Ended> {
        self.hub.with(|state| {
            let Some(wire) = &state.wire else { return Ok(Ended::Not) };
            if state.life.is_lost() {
                return Ok(Ended::Not);
            }
            if !state.life.is_ending() {
                return state.channel.send(wire, &mut state.life.backlog).map(|()| Ended::Not);
            }
            match state.channel.end(wire) {
                Err(error) if is_retry(&error) => Err(error),
                // The peer has not waited for that.
                _ => Ok(Ended::Here),
            }
        })
    }
}

impl super::State {
    /// What is next, if it is not moving bytes as any transport does.
    pub(super) fn next_extra(&self) -> Option<Extra> {
        match &self.channel {
            Channel::Handshake { plain: 0, .. } => Some(Extra::Handshake),
            Channel::Tls(_) if self.life.is_closing() => Some(Extra::End),
            _ => None,
        }
    }

    fn may_start_tls(&self) -> io::Result<()> {
        let (kind, why) = if self.life.is_closing() {
            (io::ErrorKind::NotConnected, "that is closing")
        } else if !self.wire.as_ref().is_some_and(|wire| wire.has_two_ways()) {
            (io::ErrorKind::Unsupported, "of a pipe; TLS needs both directions")
        } else if !self.channel.is_plain() {
            (io::ErrorKind::Unsupported, "that is over TLS already")
        } else if self.file.is_some() {
            (io::ErrorKind::ResourceBusy, "that sends a file")
        } else if self.writing != Writing::Open || self.reading == Reading::Ended {
            (io::ErrorKind::InvalidInput, "one of whose directions has ended")
        } else {
            return Ok(());
        };
        Err(io::Error::new(kind, format!("start_tls() was called on a transport {why}")))
    }
}

impl<G> Connection<Stream, G> {
    pub(super) fn poll_secure(&mut self, cx: &mut Context<'_>, extra: Extra) -> Poll<()> {
        let Some(wire) = self.wire.clone() else { return Poll::Pending };
        match extra {
            Extra::Handshake => self.poll_handshake(cx, &wire),
            Extra::End => self.poll_end(cx, &wire),
        }
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>, wire: &Arc<Wire>) -> Poll<()> {
        if self.own.tls.handshake.is_none() {
            self.own.tls.handshake = self.shared.take_begin();
        }
        let Some(Begin { session, .. }) = self.own.tls.handshake.as_deref_mut() else {
            return Poll::Pending;
        };
        let result = loop {
            match session.handshake(&mut Through(wire)) {
                Err(error) if is_retry(&error) => {}
                result => break result,
            }
            let ready = if session.wants_write() {
                wire.poll_write_ready(cx)
            } else {
                wire.poll_read_ready(cx)
            };
            match ready {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => break Err(error),
                Poll::Pending => {
                    let limit = self.own.tls.limit.get_or_insert_with(|| {
                        Box::new(bowerbird_timer::part::sleep(session.handshake_timeout()))
                    });
                    ready!(limit.poll_due(cx));
                    break Err(session.took_too_long());
                }
            }
        };
        self.handshake_ended(result);
        Poll::Ready(())
    }

    fn handshake_ended(&mut self, result: io::Result<()>) {
        self.own.tls.limit = None;
        let Some(begin) = self.own.tls.handshake.take() else { return };
        let Begin { session, waiter } = *begin;
        match (result, waiter) {
            (Ok(()), waiter) => {
                self.shared.secured(session);
                if let Some(waiter) = waiter {
                    let _gave_up = waiter.send(Ok(()));
                }
            }
            (Err(error), Some(waiter)) => {
                // Both are told: who waits, and the protocol.
                self.shared.fail(Some(io::Error::new(error.kind(), error.to_string())));
                let _gave_up = waiter.send(Err(error));
            }
            (Err(error), None) => self.shared.fail(Some(error)),
        }
    }

    fn poll_end(&mut self, cx: &mut Context<'_>, wire: &Arc<Wire>) -> Poll<()> {
        let duration = self.shared.tls.get().map(|known| known.1).unwrap_or_default();
        let limit = self
            .own
            .tls
            .limit
            .get_or_insert_with(|| Box::new(bowerbird_timer::part::sleep(duration)));
        // Before the bytes: a peer that goes on sending does not get more time.
        if limit.poll_due(cx).is_ready() {
            let text = format!("the TLS session could not be ended within {duration:?}");
            self.shared.fail(Some(io::Error::new(io::ErrorKind::TimedOut, text)));
            return Poll::Ready(());
        }
        loop {
            let ready = match self.shared.send_to_the_end() {
                Ok(Ended::Not) => return Poll::Ready(()),
                Ok(Ended::Here) => return self.poll_answer(cx, wire),
                Err(error) if is_retry(&error) => ready!(wire.poll_write_ready(cx)),
                Err(error) => Err(error),
            };
            if let Err(error) = ready {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }

    /// Waits for the end of the peer's side; what still comes is dropped. However it ends, it has ended.
    fn poll_answer(&mut self, cx: &mut Context<'_>, wire: &Arc<Wire>) -> Poll<()> {
        loop {
            match with_room(|room| self.shared.receive_secured(wire, room)) {
                Ok(count) if count > 0 => return Poll::Ready(()),
                Err(error) if is_retry(&error) && ready!(wire.poll_read_ready(cx)).is_ok() => {}
                _ => {
                    self.shared.fail(None);
                    return Poll::Ready(());
                }
            }
        }
    }
}
