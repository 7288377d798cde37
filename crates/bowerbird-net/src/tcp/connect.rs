//! Connecting: happy eyeballs (RFC 8305).
//!
//! The addresses are tried in the order that the [`ConnectOptions`] say. The next attempt begins when the one
//! before has failed, or has not succeeded within the delay; the first that succeeds wins and the others are
//! closed.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream as OsStream};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Interest, IoDriver, Leaf};
use bowerbird_timer::Sleep;

use super::TcpStream;
use super::connect_options::{ConnectErrors, ConnectOptions};
use crate::byte_stream::Core;
use crate::resolve::Resolve;
use crate::socket;
use crate::to_addrs::ToAddrs;

/// The future of [`TcpStream::connect`], of its variants and of `TcpSocket::connect`.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Connect {
    driver: Arc<IoDriver>,
    leaf: Leaf,
    options: ConnectOptions,
    state: State,
}

enum State {
    Resolving(Resolve),
    Racing(Race),
}

/// The attempts of one connect.
struct Race {
    waiting: VecDeque<SocketAddr>,
    attempts: Vec<Attempt>,
    turn: Turn,
    errors: Vec<(SocketAddr, io::Error)>,
}

/// When the next attempt begins.
enum Turn {
    Now,
    At(Pin<Box<Sleep>>),
    AfterFailure,
}

/// One socket on its way to a connection.
struct Attempt {
    address: SocketAddr,
    socket: AsyncFd<OsStream>,
    leaf: Leaf,
}

impl Connect {
    pub(crate) fn new(
        driver: Arc<IoDriver>,
        leaf: Leaf,
        addrs: &impl ToAddrs,
        options: ConnectOptions,
    ) -> Self {
        Self { driver, leaf, options, state: State::Resolving(Resolve::new(addrs)) }
    }

    /// Changes the options, before the first poll.
    #[doc(hidden)]
    pub fn with(self, change: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        Self { options: change(self.options), ..self }
    }

    /// With a socket that has begun to connect.
    pub(super) fn begun(
        driver: Arc<IoDriver>,
        leaf: Leaf,
        address: SocketAddr,
        socket: io::Result<OsStream>,
        options: ConnectOptions,
    ) -> Self {
        let mut race = Race::new(Vec::new());
        race.begun(&driver, leaf.location(), address, socket, &options);
        Self { driver, leaf, options, state: State::Racing(race) }
    }
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { driver, leaf, options, state } = self.get_mut();
        leaf.polled();
        if let State::Resolving(resolve) = state {
            let addrs = ready!(Pin::new(resolve).poll(cx))?;
            *state = State::Racing(Race::new(options.order(addrs)));
        }
        match state {
            State::Racing(race) => race.poll(cx, driver, leaf.location(), options),
            State::Resolving(_) => unreachable!("left above"),
        }
    }
}

impl Race {
    fn new(addrs: Vec<SocketAddr>) -> Self {
        Self { waiting: addrs.into(), attempts: Vec::new(), turn: Turn::Now, errors: Vec::new() }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        driver: &Arc<IoDriver>,
        location: Option<&'static Location<'static>>,
        options: &ConnectOptions,
    ) -> Poll<io::Result<TcpStream>> {
        loop {
            if let Some(connected) = self.poll_attempts(cx) {
                return Poll::Ready(TcpStream::connected(connected, location, options.nodelay));
            }
            if self.may_begin(cx) {
                self.begin(driver, location, options);
            } else if self.attempts.is_empty() {
                let errors = std::mem::take(&mut self.errors);
                return Poll::Ready(Err(ConnectErrors::into_error(errors)));
            } else {
                return Poll::Pending;
            }
        }
    }

    /// Polls the attempts and gives the first that has succeeded.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<AsyncFd<OsStream>> {
        let mut index = 0;
        while index < self.attempts.len() {
            match self.attempts[index].poll(cx) {
                Poll::Ready(Ok(())) => {
                    let winner = self.attempts.swap_remove(index);
                    self.attempts.clear();
                    return Some(winner.socket);
                }
                Poll::Ready(Err(error)) => {
                    let failed = self.attempts.remove(index);
                    self.errors.push((failed.address, error));
                    // The next one need not wait for its turn.
                    self.turn = Turn::Now;
                }
                Poll::Pending => index += 1,
            }
        }
        None
    }

    fn may_begin(&mut self, cx: &mut Context<'_>) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        match &mut self.turn {
            Turn::Now => true,
            Turn::At(sleep) => sleep.as_mut().poll(cx).is_ready(),
            Turn::AfterFailure => false,
        }
    }

    fn begin(
        &mut self,
        driver: &Arc<IoDriver>,
        location: Option<&'static Location<'static>>,
        options: &ConnectOptions,
    ) {
        let Some(address) = self.waiting.pop_front() else { return };
        let local = options.local_for(address);
        let socket = local.and_then(|local| socket::begin_connect(address, &local));
        self.begun(driver, location, address, socket, options);
    }

    /// Notes an attempt that has begun, or has not.
    fn begun(
        &mut self,
        driver: &Arc<IoDriver>,
        location: Option<&'static Location<'static>>,
        address: SocketAddr,
        socket: io::Result<OsStream>,
        options: &ConnectOptions,
    ) {
        let interest = Core::<OsStream>::INTEREST;
        match socket.and_then(|socket| AsyncFd::register(driver.clone(), socket, interest)) {
            Ok(socket) => {
                let leaf = Leaf::part(location);
                self.attempts.push(Attempt { address, socket, leaf });
                self.turn = match options.delay {
                    Some(delay) if !self.waiting.is_empty() => {
                        Turn::At(Box::pin(bowerbird_timer::part::sleep(delay)))
                    }
                    _ => Turn::AfterFailure,
                };
            }
            Err(error) => {
                self.errors.push((address, error));
                self.turn = Turn::Now;
            }
        }
    }
}

impl Attempt {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The event, not a try: a socket that has no error yet need not be connected.
        ready!(self.socket.poll_ready_with_leaf(cx, Interest::WRITABLE, &mut self.leaf))?;
        Poll::Ready(socket::finish_connect(self.socket.get_ref()))
    }
}

impl CancelSafe for Connect {}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resolving(_) => f.write_str("Resolving"),
            Self::Racing(race) => write!(f, "Racing({} attempts)", race.attempts.len()),
        }
    }
}
