//! A stream's protocol of either kind, behind one type.

use std::io;

use super::Transport;
use super::connection::Hears;
use super::protocol::{BufferedProtocol, Protocol};

/// What may be given where a stream's protocol is wanted: a [`Protocol`] or a [`BufferedProtocol`].
///
/// asyncio: the `isinstance` test in a transport. `Kind` is found by the compiler; nobody writes it, unless a
/// type is both.
pub trait StreamProtocol<Kind>: Send + 'static {
    #[doc(hidden)]
    fn into_any(self) -> AnyProtocol;
}

/// The kind of a [`Protocol`].
#[derive(Debug)]
pub enum Streaming {}

/// The kind of a [`BufferedProtocol`].
#[derive(Debug)]
pub enum Buffered {}

impl<P: Protocol> StreamProtocol<Streaming> for P {
    fn into_any(self) -> AnyProtocol {
        AnyProtocol::Streaming(Box::new(self))
    }
}

impl<P: BufferedProtocol> StreamProtocol<Buffered> for P {
    fn into_any(self) -> AnyProtocol {
        AnyProtocol::Buffered(Box::new(self))
    }
}

/// A protocol of either kind.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "a user's type that need not have it")]
pub enum AnyProtocol {
    Streaming(Box<dyn Protocol>),
    Buffered(Box<dyn BufferedProtocol>),
}

/// Calls what both kinds have.
macro_rules! either {
    ($self:ident, $protocol:ident => $call:expr) => {
        match $self {
            AnyProtocol::Streaming($protocol) => $call,
            AnyProtocol::Buffered($protocol) => $call,
        }
    };
}

impl AnyProtocol {
    pub(super) fn connection_made(&mut self, transport: Transport) {
        either!(self, protocol => protocol.connection_made(transport));
    }

    pub(super) fn eof_received(&mut self) -> bool {
        either!(self, protocol => protocol.eof_received())
    }
}

impl Hears for AnyProtocol {
    fn error_received(&mut self, error: io::Error) {
        unreachable!("an error ends a stream: {error}");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        either!(self, protocol => protocol.connection_lost(error));
    }

    fn pause_writing(&mut self) {
        either!(self, protocol => protocol.pause_writing());
    }

    fn resume_writing(&mut self) {
        either!(self, protocol => protocol.resume_writing());
    }
}
