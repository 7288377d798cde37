//! What is called back.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Transport;

/// Hears what happens on a stream.
///
/// asyncio: `asyncio.Protocol`. The calls come in its order:
///
/// ```text
/// connection_made -> data_received* -> eof_received? -> connection_lost
/// ```
/// `connection_made` and `connection_lost` once each; `pause_writing` and `resume_writing` in pairs anywhere
/// between them, but a connection may be lost while it is paused. One task makes all calls, never two at once
/// and never one inside another: `&mut self` is yours for the call. What a call does on its [`Transport`] has
/// its effect at once (bytes are sent, reading stops), but the calls that follow from it (`pause_writing`,
/// `connection_lost`) come after it has returned; asyncio makes the former inside of `write`.
///
/// A call that panics is reported to the exception handler, and the connection is aborted with an error, as
/// asyncio does for `data_received`, `eof_received` and those of [`BufferedProtocol`]. After a panic in
/// `connection_made` asyncio leaves the connection open; here it is aborted too. `pause_writing`,
/// `resume_writing` and `connection_lost` are reported only.
///
/// A call that blocks, blocks its worker. To await, [`spawn`](crate::spawn) a task and give it the transport.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{Protocol, Transport, create_connection, create_server};
///
/// struct Echo(Option<Transport>);
///
/// impl Protocol for Echo {
///     fn connection_made(&mut self, transport: Transport) {
///         self.0 = Some(transport);
///     }
///     fn data_received(&mut self, data: &[u8]) {
///         self.0.as_ref().unwrap().write(data);
///     }
/// }
/// # let _ = Echo(None);
/// ```
#[allow(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait Protocol: Send + 'static {
    /// The connection is made; the first call.
    ///
    /// asyncio: `BaseProtocol.connection_made`.
    fn connection_made(&mut self, transport: Transport) {}

    /// Some bytes have come: as many as the system had, so one message may come in several calls, and several
    /// messages in one. Never after `close`, `abort` or `pause_reading` have returned.
    ///
    /// asyncio: `Protocol.data_received`; the bytes are borrowed, so that nothing is allocated for them.
    fn data_received(&mut self, data: &[u8]) {}

    /// The peer has ended its direction. `true` keeps this one open, and [`Transport::close`] ends it; `false`
    /// closes the transport when this returns.
    ///
    /// asyncio: `Protocol.eof_received`.
    fn eof_received(&mut self) -> bool {
        false
    }

    /// The connection is lost; the last call. `None`: it was closed, aborted or ended by the peer; else its
    /// error. The socket is closed after it.
    ///
    /// asyncio: `BaseProtocol.connection_lost`.
    fn connection_lost(&mut self, error: Option<io::Error>) {}

    /// More waits to be sent than the high-water mark.
    ///
    /// asyncio: `BaseProtocol.pause_writing`.
    fn pause_writing(&mut self) {}

    /// No more than the low-water mark waits to be sent, after a pause.
    ///
    /// asyncio: `BaseProtocol.resume_writing`.
    fn resume_writing(&mut self) {}
}

/// Hears what happens on a stream, and gives the room that bytes are read into.
///
/// asyncio: `asyncio.BufferedProtocol`. The order is
///
/// ```text
/// connection_made -> (get_buffer -> buffer_updated?)* -> eof_received? -> connection_lost
/// ```
/// and all else is as for [`Protocol`].
///
/// # Examples
/// ```
/// use bowerbird::protocols::BufferedProtocol;
///
/// /// Sums what it reads, in a buffer of its own.
/// struct Sum {
///     room: Box<[u8; 4096]>,
///     sum: u64,
/// }
///
/// impl BufferedProtocol for Sum {
///     fn get_buffer(&mut self, _size_hint: usize) -> &mut [u8] {
///         &mut *self.room
///     }
///     fn buffer_updated(&mut self, count: usize) {
///         self.sum += self.room[..count].iter().map(|byte| u64::from(*byte)).sum::<u64>();
///     }
/// }
/// # let _ = Sum { room: Box::new([0; 4096]), sum: 0 };
/// ```
#[allow(unused_variables, reason = "the defaults do nothing; the names are for the documentation")]
pub trait BufferedProtocol: Send + 'static {
    /// The connection is made; the first call.
    ///
    /// asyncio: `BaseProtocol.connection_made`.
    fn connection_made(&mut self, transport: Transport) {}

    /// Gives the room for the next bytes; it must not be empty, or the connection is aborted. It may be
    /// called several times before bytes come.
    ///
    /// asyncio: `BufferedProtocol.get_buffer`; for its `sizehint=-1` ("any size") there is 0.
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8];

    /// So many bytes were put at the beginning of the last room.
    ///
    /// asyncio: `BufferedProtocol.buffer_updated`.
    fn buffer_updated(&mut self, count: usize);

    /// As [`Protocol::eof_received`].
    ///
    /// asyncio: `BufferedProtocol.eof_received`.
    fn eof_received(&mut self) -> bool {
        false
    }

    /// As [`Protocol::connection_lost`].
    ///
    /// asyncio: `BaseProtocol.connection_lost`.
    fn connection_lost(&mut self, error: Option<io::Error>) {}

    /// As [`Protocol::pause_writing`].
    ///
    /// asyncio: `BaseProtocol.pause_writing`.
    fn pause_writing(&mut self) {}

    /// As [`Protocol::resume_writing`].
    ///
    /// asyncio: `BaseProtocol.resume_writing`.
    fn resume_writing(&mut self) {}
}

// ----- shared and boxed protocols --------------------------------------------------------------------

/// Locks a protocol that several hold. One that panicked is still told of the end of its connection.
pub(super) fn lock<P: ?Sized>(protocol: &Mutex<P>) -> MutexGuard<'_, P> {
    protocol.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Forwards a trait's calls, for a `Box` and for an `Arc<Mutex<_>>`.
macro_rules! forward {
    ($trait:ident $(<$param:ident: $bound:ident>)?, $($call:ident($($name:ident: $type:ty),*) $(-> $output:ty)?;)*) => {
        impl<$($param: $bound,)? P: $trait $(<$param>)? + ?Sized> $trait $(<$param>)? for Box<P> {
            $(fn $call(&mut self, $($name: $type),*) $(-> $output)? {
                (**self).$call($($name),*)
            })*
        }

        /// The way to keep hold of a protocol that was given to a transport. The lock is taken for each call.
        impl<$($param: $bound,)? P: $trait $(<$param>)? + ?Sized> $trait $(<$param>)?
            for Arc<Mutex<P>>
        {
            $(fn $call(&mut self, $($name: $type),*) $(-> $output)? {
                lock(self).$call($($name),*)
            })*
        }
    };
}

pub(super) use forward;

forward! {
    Protocol,
    connection_made(transport: Transport);
    data_received(data: &[u8]);
    eof_received() -> bool;
    connection_lost(error: Option<io::Error>);
    pause_writing();
    resume_writing();
}
