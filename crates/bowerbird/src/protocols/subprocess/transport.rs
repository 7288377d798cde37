//! The handle of a child process.

use std::fmt;
use std::io;
use std::sync::Arc;

use bowerbird_base::sync::Mutex;
use bowerbird_process::process::Process;
use bowerbird_process::signal::SignalKind;

use super::SubprocessProtocol;
use super::heard::Next;
use crate::protocols::Transport;

/// A child process, as its [`SubprocessProtocol`](super::SubprocessProtocol) sees it.
///
/// asyncio: `asyncio.SubprocessTransport`. It is a handle: clones are the same transport, and any thread may use
/// them. Dropping handles does nothing; asyncio kills the process when the transport is collected.
///
/// # Examples
/// See [`SubprocessProtocol`](super::SubprocessProtocol).
#[derive(Clone)]
pub struct SubprocessTransport(Arc<Shared>);

struct Shared {
    process: Process,
    pipes: [Option<Transport>; 3],
    is_closing: Mutex<bool>,
    next_protocol: Arc<Next>,
}

impl SubprocessTransport {
    pub(super) fn new(
        process: Process,
        pipes: [Option<Transport>; 3],
        next_protocol: Arc<Next>,
    ) -> Self {
        let is_closing = Mutex::new(false);
        Self(Arc::new(Shared { process, pipes, is_closing, next_protocol }))
    }

    /// The last call was made.
    pub(super) fn forget_next_protocol(&self) {
        self.0.next_protocol.end();
    }

    pub(super) fn process(&self) -> &Process {
        &self.0.process
    }

    fn pipes(&self) -> impl Iterator<Item = &Transport> {
        self.0.pipes.iter().flatten()
    }

    /// Returns the number of the process, also after its end.
    ///
    /// asyncio: `SubprocessTransport.get_pid`.
    pub fn get_pid(&self) -> u32 {
        self.0.process.pid()
    }

    /// Returns the exit code, or the negative number of the signal that ended the process; `None` while it runs.
    ///
    /// asyncio: `SubprocessTransport.get_returncode`. This looks, so it may know before `process_exited` is called.
    pub fn get_returncode(&self) -> Option<i32> {
        self.0.process.returncode()
    }

    /// Returns the transport of a pipe: 0 to write to, 1 and 2 to pause. `None` if that stream is no pipe.
    ///
    /// asyncio: `SubprocessTransport.get_pipe_transport`.
    pub fn get_pipe_transport(&self, fd: i32) -> Option<Transport> {
        let index = usize::try_from(fd).ok()?;
        self.0.pipes.get(index)?.clone()
    }

    /// Goes on with another protocol, from the next call on; the old one is dropped then. `connection_made` is not
    /// called again.
    ///
    /// asyncio: `BaseTransport.set_protocol`. There is no `get_protocol`: the protocol belongs to the transport; who
    /// needs it gives an `Arc<Mutex<_>>`.
    pub fn set_protocol(&self, protocol: impl SubprocessProtocol) {
        self.0.next_protocol.set(Box::new(protocol));
    }

    /// Sends the process a signal.
    ///
    /// asyncio: `SubprocessTransport.send_signal`.
    ///
    /// # Errors
    /// As for [`Process::send_signal`].
    pub fn send_signal(&self, signal: SignalKind) -> io::Result<()> {
        self.0.process.send_signal(signal)
    }

    /// Asks the process to end.
    ///
    /// asyncio: `SubprocessTransport.terminate`.
    ///
    /// # Errors
    /// As for [`Process::terminate`].
    pub fn terminate(&self) -> io::Result<()> {
        self.0.process.terminate()
    }

    /// Ends the process.
    ///
    /// asyncio: `SubprocessTransport.kill`.
    ///
    /// # Errors
    /// As for [`Process::kill`].
    pub fn kill(&self) -> io::Result<()> {
        self.0.process.kill()
    }

    /// Closes the pipes, and kills the process if it runs. `process_exited` and `connection_lost` are called then.
    ///
    /// asyncio: `BaseTransport.close`.
    pub fn close(&self) {
        self.end(Transport::close);
    }

    /// As `close`, but what waits to be sent is lost.
    pub(super) fn abort(&self) {
        self.pipes().for_each(Transport::abort);
        self.end(|_aborted| {});
    }

    fn end(&self, close_pipe: impl FnMut(&Transport)) {
        if std::mem::replace(&mut *self.0.is_closing.lock(), true) {
            return;
        }
        self.pipes().for_each(close_pipe);
        if matches!(self.0.process.try_wait(), Ok(None)) {
            // It has just ended, or has become somebody else's.
            let _not_ours = self.kill();
        }
    }

    /// Returns whether [`close`](Self::close) was called.
    ///
    /// asyncio: `BaseTransport.is_closing`.
    pub fn is_closing(&self) -> bool {
        *self.0.is_closing.lock()
    }
}

impl PartialEq for SubprocessTransport {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for SubprocessTransport {}

impl fmt::Debug for SubprocessTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubprocessTransport")
            .field("pid", &self.get_pid())
            .field("returncode", &self.get_returncode())
            .field("closing", &self.is_closing())
            .finish_non_exhaustive()
    }
}
