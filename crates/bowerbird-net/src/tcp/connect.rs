//! Connecting: happy eyeballs (RFC 8305).
//!
//! The addresses are tried in the resolver's order, families alternating. The next attempt begins when the
//! one before has failed, or has not succeeded within 250 ms; the first that succeeds wins and the others
//! are closed.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpStream as OsStream};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Interest, IoDriver, Leaf};
use bowerbird_timer::Sleep;

use super::TcpStream;
use crate::byte_stream::Core;
use crate::resolve::Resolve;
use crate::socket;
use crate::to_addrs::ToAddrs;

/// How long an attempt has before the next one begins beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The future of [`TcpStream::connect`] and [`TcpStream::connect_addr`].
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Connect {
    driver: Arc<IoDriver>,
    leaf: Leaf,
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
    next_attempt: Option<Pin<Box<Sleep>>>,
    errors: Vec<(SocketAddr, io::Error)>,
}

/// One socket on its way to a connection.
struct Attempt {
    address: SocketAddr,
    socket: AsyncFd<OsStream>,
    leaf: Leaf,
}

impl Connect {
    pub(super) fn new(driver: Arc<IoDriver>, leaf: Leaf, addrs: &impl ToAddrs) -> Self {
        Self { driver, leaf, state: State::Resolving(Resolve::new(addrs)) }
    }
}

impl Future for Connect {
    type Output = io::Result<TcpStream>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { driver, leaf, state } = self.get_mut();
        leaf.polled();
        if let State::Resolving(resolve) = state {
            let addrs = ready!(Pin::new(resolve).poll(cx))?;
            *state = State::Racing(Race::new(addrs));
        }
        match state {
            State::Racing(race) => race.poll(cx, driver, leaf.location()),
            State::Resolving(_) => unreachable!("left above"),
        }
    }
}

impl Race {
    fn new(addrs: Vec<SocketAddr>) -> Self {
        Self {
            waiting: interleave(addrs),
            attempts: Vec::new(),
            next_attempt: None,
            errors: Vec::new(),
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        driver: &Arc<IoDriver>,
        location: Option<&'static Location<'static>>,
    ) -> Poll<io::Result<TcpStream>> {
        loop {
            if let Some(connected) = self.poll_attempts(cx) {
                return Poll::Ready(TcpStream::connected(connected, location));
            }
            if self.may_begin(cx) {
                self.begin(driver, location);
            } else if self.attempts.is_empty() {
                return Poll::Ready(Err(self.failure()));
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
                    self.next_attempt = None;
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
        let turn = self.next_attempt.as_mut();
        turn.is_none_or(|turn| turn.as_mut().poll(cx).is_ready())
    }

    fn begin(&mut self, driver: &Arc<IoDriver>, location: Option<&'static Location<'static>>) {
        let Some(address) = self.waiting.pop_front() else { return };
        let begun = socket::begin_connect(address).and_then(|socket| {
            AsyncFd::register(driver.clone(), socket, Core::<OsStream>::INTEREST)
        });
        match begun {
            Ok(socket) => {
                let leaf = Leaf::part(location);
                self.attempts.push(Attempt { address, socket, leaf });
                let is_last = self.waiting.is_empty();
                self.next_attempt =
                    (!is_last).then(|| Box::pin(bowerbird_timer::part::sleep(ATTEMPT_DELAY)));
            }
            Err(error) => {
                self.errors.push((address, error));
                self.next_attempt = None;
            }
        }
    }

    /// One error stays itself; several are told together.
    fn failure(&mut self) -> io::Error {
        let mut errors = std::mem::take(&mut self.errors);
        if errors.len() > 1 {
            let kind = errors[0].1.kind();
            let list: Vec<_> =
                errors.iter().map(|(address, error)| format!("{address}: {error}")).collect();
            return io::Error::new(
                kind,
                format!("no address could be connected ({})", list.join("; ")),
            );
        }
        match errors.pop() {
            Some((_, error)) => error,
            None => {
                io::Error::new(io::ErrorKind::InvalidInput, "there is no address to connect to")
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

/// Alternates the families, beginning with that of the first address (RFC 8305, section 4).
fn interleave(addrs: Vec<SocketAddr>) -> VecDeque<SocketAddr> {
    let begins_with_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|address| address.is_ipv6() == begins_with_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut order = VecDeque::with_capacity(first.len() + second.len());
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
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

#[cfg(test)]
mod tests;
