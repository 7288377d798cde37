//! The state of a datagram socket's transport: shared by its handles and its task.
//!
//! [`life`](super::life) draws its phases. It reads in phase OPEN, and sends while something waits. An error
//! of a send or a receive ends nothing: it waits here until the protocol is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use super::calls;
use super::connection::{Closes, Connection, Hears, Kind, Step};
use super::hub::Hub;
use super::life::{Backlog, Life, report_lost_write};
use super::scratch::with_room;
use super::stream::is_retry;

mod create;
mod protocol;
mod socket;
mod transport;
mod udp;
#[cfg(unix)]
mod unix;

pub use create::{CreateDatagramEndpoint, create_datagram_endpoint};
pub use protocol::DatagramProtocol;
pub use socket::DatagramSocket;
pub use transport::DatagramTransport;

/// What a datagram counts beside its bytes, so that many empty ones are not nothing.
const HEADER_BYTES: usize = 8;

/// So many errors of sends wait for the protocol to be told; of more at once the first ones are.
const MOST_ERRORS: usize = 64;

type Boxed<S> = Box<dyn DatagramProtocol<S>>;

/// Datagrams that wait to be sent, and where.
#[derive(Debug)]
struct Datagrams<A> {
    queue: VecDeque<(Box<[u8]>, Option<A>)>,
    size: usize,
}

impl<A> Default for Datagrams<A> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), size: 0 }
    }
}

impl<A> Backlog for Datagrams<A> {
    fn size(&self) -> usize {
        self.size
    }
}

impl<A> Datagrams<A> {
    fn push(&mut self, data: &[u8], to: Option<A>) {
        self.queue.push_back((data.into(), to));
        self.size += data.len() + HEADER_BYTES;
    }

    fn pop(&mut self) {
        if let Some((data, _)) = self.queue.pop_front() {
            self.size -= data.len() + HEADER_BYTES;
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }
}

struct State<S: DatagramSocket> {
    life: Life<Datagrams<S::Address>>,
    /// `None` when it is closed.
    socket: Option<Arc<S>>,
    errors: VecDeque<io::Error>,
    next_protocol: Option<Boxed<S>>,
}

/// What the handles of a datagram transport and its task share.
struct Endpoint<S: DatagramSocket> {
    hub: Hub<State<S>>,
    local_addr: Option<S::Address>,
    /// Whom the socket is connected to.
    peer_addr: Option<S::Address>,
    /// The only address to send to: that of the peer, or one that the socket is not connected to (a broadcast).
    remote_addr: Option<S::Address>,
}

/// Why a send is refused at the caller's line.
enum Misuse<A> {
    OtherAddress(A),
    NoAddress,
}

impl<S: DatagramSocket> Endpoint<S> {
    fn new(socket: Arc<S>, remote_addr: Option<S::Address>) -> Arc<Self> {
        let (local_addr, peer_addr) = (socket.own_address(), socket.peer_address());
        let state = State {
            life: Life::new(),
            socket: Some(socket),
            errors: VecDeque::new(),
            next_protocol: None,
        };
        Arc::new(Self { hub: Hub::new(state), local_addr, peer_addr, remote_addr })
    }

    /// Sends now if that is possible, else keeps the datagram.
    fn send(&self, data: &[u8], to: Option<S::Address>) -> Result<(), Misuse<S::Address>> {
        let to = match (&self.remote_addr, to) {
            (Some(remote), Some(to)) if !S::is_same(remote, &to) => {
                return Err(Misuse::OtherAddress(remote.clone()));
            }
            (Some(_), _) if self.peer_addr.is_some() => None,
            (Some(remote), _) => Some(remote.clone()),
            (None, None) => return Err(Misuse::NoAddress),
            (None, to) => to,
        };
        let reports = self.hub.change(|state| match state.life.refuse_write() {
            Some(reports) => (reports, false),
            None => (false, state.send(data, to)),
        });
        if reports {
            report_lost_write();
        }
        Ok(())
    }

    /// Sends the first that waits; `WouldBlock` is given to the caller.
    fn send_first(&self) -> io::Result<()> {
        self.hub.with(|state| {
            let State { life, socket: Some(socket), errors, .. } = state else { return Ok(()) };
            let Some((data, to)) = life.backlog.queue.front() else { return Ok(()) };
            match socket.send_now(data, to.as_ref()) {
                Err(error) if is_retry(&error) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => keep(errors, error),
                Ok(_) => {}
            }
            life.backlog.pop();
            Ok(())
        })
    }
}

impl<S: DatagramSocket> State<S> {
    /// Returns whether the task has something to do.
    fn send(&mut self, data: &[u8], to: Option<S::Address>) -> bool {
        let Some(socket) = &self.socket else { return false };
        if self.life.backlog.queue.is_empty() {
            match socket.send_now(data, to.as_ref()) {
                Ok(_) => return false,
                Err(error) if is_retry(&error) => {}
                Err(error) => {
                    keep(&mut self.errors, error);
                    return true;
                }
            }
        }
        self.life.backlog.push(data, to);
        self.life.grown();
        true
    }

    fn next(&mut self) -> Step<Endpoint<S>> {
        if let Some(protocol) = self.next_protocol.take() {
            return Step::Adopt(protocol);
        }
        if self.socket.is_some() {
            if let Some(error) = self.errors.pop_front() {
                return Step::Error(error);
            }
        }
        match self.life.next() {
            Some(turn) => Step::Turn(turn),
            None => Step::Move {
                reads: !self.life.is_closing(),
                writes: !self.life.backlog.queue.is_empty(),
            },
        }
    }
}

fn keep(errors: &mut VecDeque<io::Error>, error: io::Error) {
    if errors.len() < MOST_ERRORS {
        errors.push_back(error);
    }
}

impl<S: DatagramSocket> Kind for Endpoint<S> {
    type Protocol = Boxed<S>;
    type Wire = S;
    type Own = S::Pause;
    type Extra = Infallible;

    fn connection_made(self: &Arc<Self>, protocol: &mut Boxed<S>) {
        protocol.connection_made(DatagramTransport(self.clone()));
    }

    fn next(&self, waker: &Waker) -> Step<Self> {
        self.hub.wait_with(waker, State::next)
    }

    fn fail(&self, error: Option<io::Error>) {
        self.hub.change(|state| ((), state.life.fail(error)));
    }

    fn leave(&self) {
        let left = self.hub.with(|state| (state.socket.take(), state.next_protocol.take()));
        drop(left);
        self.hub.forget_waker();
    }

    fn poll_move<G>(
        task: &mut Connection<Self, G>,
        cx: &mut Context<'_>,
        reads: bool,
        writes: bool,
    ) -> Poll<()> {
        if writes && task.poll_send(cx).is_ready() {
            return Poll::Ready(());
        }
        if reads { with_room(|room| task.poll_receive(cx, room)) } else { Poll::Pending }
    }

    fn poll_extra<G>(
        _task: &mut Connection<Self, G>,
        _cx: &mut Context<'_>,
        extra: Infallible,
    ) -> Poll<()> {
        match extra {}
    }
}

impl<S: DatagramSocket, G> Connection<Endpoint<S>, G> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &self.wire else { return Poll::Pending };
        loop {
            if self.shared.send_first().is_ok() {
                self.own = S::Pause::default();
                return Poll::Ready(());
            }
            let has_peer = self.shared.peer_addr.is_some();
            if let Err(error) = ready!(socket.poll_send_ready(&mut self.own, cx, has_peer)) {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<()> {
        let Some(socket) = &self.wire else { return Poll::Pending };
        loop {
            match socket.receive_now(room) {
                Err(error) if is_retry(&error) => {}
                Ok((count, from)) => {
                    let data = &room[..count];
                    self.call(calls::DATAGRAM_RECEIVED, |protocol| {
                        protocol.datagram_received(data, from);
                    });
                    return Poll::Ready(());
                }
                Err(error) => {
                    self.call(calls::ERROR_RECEIVED, |protocol| {
                        Hears::error_received(protocol, error)
                    });
                    return Poll::Ready(());
                }
            }
            if let Err(error) = ready!(socket.poll_receive_ready(cx)) {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }
}

impl<S: DatagramSocket> Hears for Boxed<S> {
    fn error_received(&mut self, error: io::Error) {
        (**self).error_received(error);
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        (**self).connection_lost(error);
    }

    fn pause_writing(&mut self) {
        (**self).pause_writing();
    }

    fn resume_writing(&mut self) {
        (**self).resume_writing();
    }
}

impl<S: DatagramSocket> Closes for S {
    fn close(self) {
        drop(self);
    }
}

#[cfg(test)]
mod tests;
