//! Calling a protocol.

use std::io;
use std::panic::Location;

use bowerbird_core::caught_at;

/// The calls whose panic ends the connection, with what asyncio says then.
macro_rules! fatal {
    ($($name:ident: $call:literal;)*) => {
        $(pub(super) const $name: Fatal = Fatal {
            report: concat!("Fatal error: protocol.", $call, "() call failed."),
            error: concat!("protocol.", $call, "() panicked"),
        };)*
    };
}

fatal! {
    CONNECTION_MADE: "connection_made";
    DATA_RECEIVED: "data_received";
    EOF_RECEIVED: "eof_received";
    GET_BUFFER: "get_buffer";
    BUFFER_UPDATED: "buffer_updated";
}

pub(super) const DATAGRAM_RECEIVED: &str = "protocol.datagram_received() failed";
pub(super) const DESTRUCTOR: &str = "the destructor of a protocol panicked";
pub(super) const ERROR_RECEIVED: &str = "protocol.error_received() failed";

/// A call whose panic ends the connection.
pub(super) struct Fatal {
    report: &'static str,
    error: &'static str,
}

impl Fatal {
    /// Calls; a panic is reported, and is an error for `connection_lost`.
    pub(super) fn call<R>(
        &self,
        location: &'static Location<'static>,
        call: impl FnOnce() -> R,
    ) -> io::Result<R> {
        caught_at(self.report, location, call).ok_or_else(|| self.error())
    }

    #[cold]
    pub(super) fn error(&self) -> io::Error {
        io::Error::other(self.error)
    }
}

/// Calls; a panic is reported, and nothing more.
pub(super) fn call(name: &'static str, location: &'static Location<'static>, call: impl FnOnce()) {
    let _reported = caught_at(name, location, call);
}

/// Drops a protocol, or what holds one; a panic is reported.
pub(super) fn drop_protocol<P>(location: &'static Location<'static>, protocol: P) {
    call(DESTRUCTOR, location, || drop(protocol));
}
