//! The task of a child process: the only one that calls its protocol.
//!
//! It holds the [`Connection`] of each pipe and polls them itself, and it waits for the end of the process:
//! one task a child. Each pipe is a transport of its own, with the phases of [`life`](super::life); what its
//! connection would tell a protocol is told the child's, with the number of the pipe.
//!
//! ```text
//! connection_made -> (pipe_data_received | pause_writing | resume_writing | pipe_connection_lost | process_exited)*
//!                 -> connection_lost, when every pipe is lost and the process has ended
//! ```
//! # The lock around the protocol
//! The connections of the pipes and the task share the protocol by a lock ([`heard`]). All of them are polled by
//! the one task, one after the other, and nothing else can reach it: nobody ever waits for that lock.

use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;

use super::Transport;
use super::any::StreamProtocol;
use super::calls;
use super::connection::{Connection, Made};
use super::protocol::Protocol;
use super::stream::Stream;
use super::wire::Socket;

mod create;
mod heard;
mod protocol;
mod transport;

use heard::Heard;

pub use create::{subprocess_exec, subprocess_shell};
pub use protocol::SubprocessProtocol;
pub use transport::SubprocessTransport;

type Pipe = Connection<Stream, ()>;

/// Tells the child's protocol what happens at one pipe.
struct PipeProtocol {
    fd: i32,
    heard: Heard,
}

impl Protocol for PipeProtocol {
    fn data_received(&mut self, data: &[u8]) {
        self.heard.call(|protocol| protocol.pipe_data_received(self.fd, data));
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.heard.call(|protocol| protocol.pipe_connection_lost(self.fd, error));
    }

    fn pause_writing(&mut self) {
        self.heard.call(SubprocessProtocol::pause_writing);
    }

    fn resume_writing(&mut self) {
        self.heard.call(SubprocessProtocol::resume_writing);
    }
}

/// A transport for one end of a pipe, and what moves its bytes.
fn pipe_of(
    fd: i32,
    Socket(wire): Socket,
    heard: &Heard,
    location: &'static Location<'static>,
) -> (Transport, Pipe) {
    let wire = Arc::new(wire);
    let stream = Stream::new(wire.clone(), None, None);
    let protocol = PipeProtocol { fd, heard: heard.clone() }.into_any();
    let pipe = Connection::new(stream.clone(), wire, protocol, None, location, ());
    (Transport(stream), pipe)
}

type Exited = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Child {
    transport: SubprocessTransport,
    /// `None` when it has heard of the end.
    heard: Option<Heard>,
    /// `None` when it is lost.
    pipes: [Option<Pipe>; 3],
    /// `None` when the process has ended.
    exited: Option<Exited>,
    made: Option<Made>,
    is_made: bool,
    is_suspended: bool,
    /// What `connection_lost` is told.
    error: Option<io::Error>,
    location: &'static Location<'static>,
}

impl Child {
    fn new(
        transport: SubprocessTransport,
        heard: Heard,
        pipes: [Option<Pipe>; 3],
        made: Made,
        location: &'static Location<'static>,
    ) -> Self {
        let waiter = transport.clone();
        let exited = async move {
            // An error: somebody else has reaped it, so it has ended.
            let _status = waiter.process().wait().await;
        };
        Self {
            transport,
            heard: Some(heard),
            pipes,
            exited: Some(Box::pin(exited)),
            made: Some(made),
            is_made: false,
            is_suspended: false,
            error: None,
            location,
        }
    }

    fn begin(&mut self) {
        self.is_made = true;
        let Some(heard) = &self.heard else { return };
        let transport = self.transport.clone();
        let made = calls::CONNECTION_MADE
            .call(self.location, || heard.call(|protocol| protocol.connection_made(transport)));
        let told = made.as_ref().map(drop).map_err(|_| calls::CONNECTION_MADE.error());
        if let Err(error) = made {
            self.error = Some(error);
            self.transport.abort();
        }
        if let Some(waiter) = self.made.take() {
            let _gave_up = waiter.send(told);
        }
    }

    fn call(&self, name: &'static str, call: impl FnOnce(&mut dyn SubprocessProtocol)) {
        if let Some(heard) = &self.heard {
            calls::call(name, self.location, || heard.call(call));
        }
    }

    /// Polls what is left. Returns whether the process has just ended, so that the pipes have to be looked at again.
    fn poll_parts(&mut self, cx: &mut Context<'_>) -> bool {
        for slot in &mut self.pipes {
            if slot.as_mut().is_some_and(|pipe| Pin::new(pipe).poll(cx).is_ready()) {
                *slot = None;
            }
        }
        let Some(exited) = &mut self.exited else { return false };
        if exited.as_mut().poll(cx).is_pending() {
            return false;
        }
        self.exited = None;
        self.call("protocol.process_exited() failed", SubprocessProtocol::process_exited);
        // Nothing else would tell that nobody reads it any more.
        if let Some(stdin) = self.transport.get_pipe_transport(0) {
            stdin.close();
        }
        true
    }

    /// The last call.
    fn lose(&mut self) {
        let error = self.error.take();
        self.call("protocol.connection_lost() failed", |protocol| protocol.connection_lost(error));
        self.forget_protocol();
    }

    fn forget_protocol(&mut self) {
        let heard = self.heard.take();
        calls::drop_protocol(self.location, heard);
        calls::call(calls::DESTRUCTOR, self.location, || self.transport.forget_next_protocol());
    }
}

impl Future for Child {
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
        while this.poll_parts(cx) {}
        if this.exited.is_none() && this.pipes.iter().all(Option::is_none) {
            this.lose();
            return Poll::Ready(());
        }
        this.is_suspended = true;
        Poll::Pending
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.heard.is_none() {
            return;
        }
        self.transport.abort();
        // Each tells of its own end.
        self.pipes = [None, None, None];
        if self.is_made {
            self.lose();
        } else {
            self.forget_protocol();
        }
    }
}
