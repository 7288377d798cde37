//! What is between the backlog of a transport and its socket: nothing, or a TLS session.
//!
//! ```text
//! PLAIN --start_tls()--> HANDSHAKE --done--> TLS       a connection that begins with TLS begins in HANDSHAKE
//! ```
//! In HANDSHAKE what was written before goes first, in plain text; what is written from then on waits for the session.
//! The handshake is the task's alone: it may call code of the user, which a configuration of rustls can have, and so
//! it is not done under the lock. Neither is receiving: the task takes the session out for that, and a write that
//! comes meanwhile waits in the backlog, where the task finds it when the session is back.
//!
//! A backlog holds plain bytes. Those that are encrypted stay in it until the last of their encrypted form is sent,
//! and no more are encrypted before: its size is what the protocol's flow control is about, and nothing else grows.

use std::io::{self, IoSlice};

#[cfg(feature = "tls")]
pub(in crate::protocols) use bowerbird_net::tls::Session;
#[cfg(feature = "tls")]
use bowerbird_sync::oneshot;

use super::is_retry;
use crate::protocols::backlog::Bytes;
use crate::protocols::wire::Wire;

/// There are none.
#[cfg(not(feature = "tls"))]
pub(in crate::protocols) enum Session {}

/// See the module.
pub(super) enum Channel {
    Plain,
    #[cfg(feature = "tls")]
    Handshake {
        /// How many bytes of the backlog go before the session.
        plain: usize,
        /// Until the task takes it.
        begin: Option<Box<Begin>>,
    },
    #[cfg(feature = "tls")]
    Tls(Secured),
}

/// A session that is to begin.
#[cfg(feature = "tls")]
pub(in crate::protocols) struct Begin {
    pub(super) session: Session,
    /// Who waits for that, if not for the connection to be made.
    pub(super) waiter: Option<oneshot::Sender<io::Result<()>>>,
}

/// A session after its handshake.
#[cfg(feature = "tls")]
pub(super) struct Secured {
    /// `None` while the task has it.
    session: Option<Box<Session>>,
    /// So many bytes of the backlog are encrypted and not all sent.
    in_flight: usize,
    /// The peer is told, or about to be told, that this is the end.
    has_ended: bool,
}

impl Channel {
    /// The channel of a connection that begins with a session.
    #[cfg(feature = "tls")]
    pub(super) fn first(session: Session) -> Self {
        Self::handshake(session, None, 0)
    }

    /// There is no session.
    #[cfg(not(feature = "tls"))]
    pub(super) fn first(session: Session) -> Self {
        match session {}
    }

    /// Sends from the backlog once.
    pub(super) fn send(&mut self, wire: &Wire, backlog: &mut Bytes) -> io::Result<()> {
        match self {
            Self::Plain => {
                if !backlog.is_empty() {
                    backlog.advance(wire.try_write(backlog.front())?);
                }
                Ok(())
            }
            #[cfg(feature = "tls")]
            Self::Handshake { plain: 0, .. } => Ok(()),
            #[cfg(feature = "tls")]
            Self::Handshake { plain, .. } => {
                let count = wire.try_write(&backlog.front()[..*plain])?;
                *plain -= count;
                backlog.advance(count);
                Ok(())
            }
            #[cfg(feature = "tls")]
            Self::Tls(secured) => secured.send(wire, backlog),
        }
    }

    /// Sends what the system takes of these bytes, before which nothing waits, and gives their number.
    pub(super) fn send_now(&mut self, wire: &Wire, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let result = match (self, pieces) {
            (Self::Plain, [piece]) => wire.try_write(piece),
            (Self::Plain, _) => wire.try_write_vectored(pieces),
            #[cfg(feature = "tls")]
            (Self::Handshake { .. }, _) => Ok(0),
            #[cfg(feature = "tls")]
            (Self::Tls(secured), _) => return secured.send_now(wire, pieces),
        };
        match result {
            Err(error) if is_retry(&error) => Ok(0),
            result => result,
        }
    }

    /// Whether something is to be sent, of the backlog or beside it.
    pub(super) fn wants_write(&self, backlog: &Bytes) -> bool {
        match self {
            Self::Plain => !backlog.is_empty(),
            #[cfg(feature = "tls")]
            Self::Handshake { plain, .. } => *plain > 0,
            #[cfg(feature = "tls")]
            Self::Tls(secured) => {
                let asks = |session: &Session| session.wants_write();
                !backlog.is_empty() || secured.session.as_deref().is_some_and(asks)
            }
        }
    }

    /// Whether the protocol may be given what comes.
    pub(super) fn may_read(&self) -> bool {
        match self {
            #[cfg(feature = "tls")]
            Self::Handshake { .. } => false,
            _ => true,
        }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self, Self::Plain)
    }
}

#[cfg(feature = "tls")]
impl Channel {
    /// A session is to begin after so many bytes that wait to be sent.
    pub(super) fn handshake(
        session: Session,
        waiter: Option<oneshot::Sender<io::Result<()>>>,
        plain: usize,
    ) -> Self {
        Self::Handshake { plain, begin: Some(Box::new(Begin { session, waiter })) }
    }

    pub(super) fn secured(session: Session) -> Self {
        Self::Tls(Secured { session: Some(Box::new(session)), in_flight: 0, has_ended: false })
    }

    /// Takes the session, for the task.
    pub(super) fn take_session(&mut self) -> Option<Box<Session>> {
        match self {
            Self::Tls(secured) => secured.session.take(),
            _ => None,
        }
    }

    /// Gives it back; `Some` if the transport has left meanwhile.
    pub(super) fn put_back(&mut self, session: Box<Session>) -> Option<Box<Session>> {
        match self {
            Self::Tls(secured) => secured.session.replace(session),
            _ => Some(session),
        }
    }

    /// Whether something may be read that is not in the socket any more.
    pub(super) fn has_news(&self) -> bool {
        match self {
            Self::Tls(secured) => secured.session.as_deref().is_some_and(Session::has_news),
            _ => false,
        }
    }

    /// Says that this is the end, after all of the backlog; `WouldBlock` until it is sent.
    pub(super) fn end(&mut self, wire: &Wire) -> io::Result<()> {
        let Self::Tls(Secured { session: Some(session), has_ended, .. }) = self else {
            return Ok(());
        };
        if !std::mem::replace(has_ended, true) {
            session.end();
        }
        session.send(&mut Through(wire))
    }
}

#[cfg(feature = "tls")]
impl Secured {
    fn send(&mut self, wire: &Wire, backlog: &mut Bytes) -> io::Result<()> {
        let Some(session) = &mut self.session else { return Ok(()) };
        if !session.wants_write() && !backlog.is_empty() {
            self.in_flight = session.encrypt(&[IoSlice::new(backlog.front())])?;
        }
        session.send(&mut Through(wire))?;
        backlog.advance(std::mem::take(&mut self.in_flight));
        Ok(())
    }

    fn send_now(&mut self, wire: &Wire, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return Ok(0) };
        let mut rest = pieces.to_vec();
        let mut rest = &mut rest[..];
        let mut sent = 0;
        loop {
            match session.send(&mut Through(wire)) {
                Err(error) if is_retry(&error) => return Ok(sent),
                result => result?,
            }
            // What was encrypted by the last round is sent.
            let done = std::mem::take(&mut self.in_flight);
            sent += done;
            IoSlice::advance_slices(&mut rest, done);
            if rest.is_empty() {
                return Ok(sent);
            }
            self.in_flight = session.encrypt(rest)?;
        }
    }
}

/// The socket, as rustls wants it.
#[cfg(feature = "tls")]
pub(super) struct Through<'a>(pub(super) &'a Wire);

#[cfg(feature = "tls")]
impl io::Read for Through<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(room)
    }
}

#[cfg(feature = "tls")]
impl io::Write for Through<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
