//! The state of a datagram socket's transport: shared by its handles and its task.
//!
//! [`life`](super::life) draws its phases. It reads in phase OPEN, and sends while something waits. An error
//! of a send or a receive ends nothing: it waits here until the protocol is told.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bowerbird_net::UdpSocket;

use super::calls;
use super::connection::{Closes, Connection, Hears, Kind, Step};
use super::hub::Hub;
use super::life::{Backlog, Life, report_lost_write};
use super::scratch::with_room;
use super::stream::is_retry;

mod create;
mod protocol;
mod transport;

pub use create::{CreateDatagramEndpoint, create_datagram_endpoint};
pub use protocol::DatagramProtocol;
pub use transport::DatagramTransport;

/// What a datagram counts beside its bytes, so that many empty ones are not nothing.
const HEADER_BYTES: usize = 8;

/// So many errors of sends wait for the protocol to be told; of more at once the first ones are.
const MOST_ERRORS: usize = 64;

type Boxed = Box<dyn DatagramProtocol>;

/// Datagrams that wait to be sent, and where.
#[derive(Debug, Default)]
struct Datagrams {
    queue: VecDeque<(Box<[u8]>, Option<SocketAddr>)>,
    size: usize,
}

impl Backlog for Datagrams {
    fn size(&self) -> usize {
        self.size
    }
}

impl Datagrams {
    fn push(&mut self, data: &[u8], to: Option<SocketAddr>) {
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

struct State {
    life: Life<Datagrams>,
    /// `None` when it is closed.
    socket: Option<Arc<UdpSocket>>,
    errors: VecDeque<io::Error>,
    next_protocol: Option<Boxed>,
}

/// What the handles of a datagram transport and its task share.
struct Endpoint {
    hub: Hub<State>,
    local_addr: Option<SocketAddr>,
    /// The only address to send to, if the socket is connected.
    remote_addr: Option<SocketAddr>,
}

/// Why a send is refused at the caller's line.
enum Misuse {
    OtherAddress(SocketAddr),
    NoAddress,
}

impl Endpoint {
    fn new(socket: Arc<UdpSocket>) -> Arc<Self> {
        let (local_addr, remote_addr) = (socket.local_addr().ok(), socket.peer_addr().ok());
        let state = State {
            life: Life::new(),
            socket: Some(socket),
            errors: VecDeque::new(),
            next_protocol: None,
        };
        Arc::new(Self { hub: Hub::new(state), local_addr, remote_addr })
    }

    /// Sends now if that is possible, else keeps the datagram.
    fn send(&self, data: &[u8], to: Option<SocketAddr>) -> Result<(), Misuse> {
        let to = match (self.remote_addr, to) {
            (Some(remote), Some(to)) if remote != to => return Err(Misuse::OtherAddress(remote)),
            (Some(_), _) => None,
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
            match send_one(socket, data, *to) {
                Err(error) if is_retry(&error) => return Err(io::ErrorKind::WouldBlock.into()),
                Err(error) => keep(errors, error),
                Ok(()) => {}
            }
            life.backlog.pop();
            Ok(())
        })
    }
}

impl State {
    /// Returns whether the task has something to do.
    fn send(&mut self, data: &[u8], to: Option<SocketAddr>) -> bool {
        let Some(socket) = &self.socket else { return false };
        if self.life.backlog.queue.is_empty() {
            match send_one(socket, data, to) {
                Ok(()) => return false,
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

    fn next(&mut self) -> Step<Boxed> {
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

fn send_one(socket: &UdpSocket, data: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
    match to {
        Some(to) => socket.try_send_to(data, to).map(drop),
        None => socket.try_send(data).map(drop),
    }
}

impl Kind for Endpoint {
    type Protocol = Boxed;
    type Wire = UdpSocket;

    fn connection_made(self: &Arc<Self>, protocol: &mut Boxed) {
        protocol.connection_made(DatagramTransport(self.clone()));
    }

    fn next(&self, waker: &Waker) -> Step<Boxed> {
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
}

impl<G> Connection<Endpoint, G> {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(socket) = &self.wire else { return Poll::Pending };
        loop {
            if self.shared.send_first().is_ok() {
                return Poll::Ready(());
            }
            if let Err(error) = ready!(socket.poll_send_ready(cx)) {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<()> {
        let Some(socket) = &self.wire else { return Poll::Pending };
        loop {
            match socket.try_recv_from(room) {
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
            if let Err(error) = ready!(socket.poll_recv_ready(cx)) {
                self.shared.fail(Some(error));
                return Poll::Ready(());
            }
        }
    }
}

impl Hears for Boxed {
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

impl Closes for UdpSocket {
    fn close(self) {
        drop(self);
    }
}

#[cfg(test)]
mod tests;
