//! Connecting to a Unix socket.
//!
//! Linux connects in the call, or says that the listener's queue is full; then there is nothing to wait for
//! but time. Other systems may say that the connection is on its way.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream as OsStream;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{AsyncFd, Interest, IoDriver, Leaf};
use bowerbird_timer::Sleep;
use socket2::SockAddr;

use super::UnixStream;
use crate::byte_stream::{Core, Endpoint};
use crate::socket::{self, UnixConnect};

/// How long to wait for room in a listener's queue, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// The future of [`UnixStream::connect`], [`UnixStream::connect_addr`] and `UnixSocket::connect`.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Connect {
    driver: Arc<IoDriver>,
    leaf: Leaf,
    address: Option<io::Result<SockAddr>>,
    state: State,
}

enum State {
    Begin(Option<OsStream>),
    QueueFull { socket: OsStream, pause: Duration, sleep: Pin<Box<Sleep>> },
    InProgress { socket: AsyncFd<OsStream>, leaf: Leaf },
}

impl Connect {
    pub(crate) fn new(driver: Arc<IoDriver>, leaf: Leaf, address: io::Result<SockAddr>) -> Self {
        Self { driver, leaf, address: Some(address), state: State::Begin(None) }
    }

    /// With a socket that there is.
    pub(super) fn with_socket(
        driver: Arc<IoDriver>,
        leaf: Leaf,
        address: io::Result<SockAddr>,
        socket: OsStream,
    ) -> Self {
        Self { driver, leaf, address: Some(address), state: State::Begin(Some(socket)) }
    }

    fn address(&mut self) -> io::Result<SockAddr> {
        match &self.address {
            Some(Ok(address)) => Ok(address.clone()),
            Some(Err(_)) => match self.address.take() {
                Some(Err(error)) => Err(error),
                _ => unreachable!("just seen"),
            },
            None => panic!("polled after it was ready"),
        }
    }

    /// Tries; gives the stream if it is connected.
    fn attempt(&mut self, socket: OsStream, pause: Duration) -> io::Result<Option<UnixStream>> {
        let address = self.address()?;
        match socket::begin_connect_unix(&socket, &address)? {
            UnixConnect::Connected => {
                let core = Core::register(self.driver.clone(), socket, self.leaf.location())?;
                return Ok(Some(UnixStream::from_core(core)));
            }
            UnixConnect::InProgress => {
                let socket =
                    AsyncFd::register(self.driver.clone(), socket, Core::<OsStream>::INTEREST)?;
                let leaf = Leaf::part(self.leaf.location());
                self.state = State::InProgress { socket, leaf };
            }
            UnixConnect::QueueFull => {
                let sleep = Box::pin(bowerbird_timer::part::sleep(pause));
                let pause = (pause * 2).min(PAUSE.1);
                self.state = State::QueueFull { socket, pause, sleep };
            }
        }
        Ok(None)
    }
}

impl Future for Connect {
    type Output = io::Result<UnixStream>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.leaf.polled();
        loop {
            let (socket, pause) = match &mut self.state {
                State::Begin(socket) => {
                    let socket = socket.take();
                    // First, so that a bad address costs no socket.
                    self.address()?;
                    (socket.map_or_else(socket::new_unix_stream, Ok)?, PAUSE.0)
                }
                State::QueueFull { sleep, .. } => {
                    ready!(sleep.as_mut().poll(cx));
                    match std::mem::replace(&mut self.state, State::Begin(None)) {
                        State::QueueFull { socket, pause, .. } => (socket, pause),
                        _ => unreachable!("just seen"),
                    }
                }
                State::InProgress { socket, leaf } => {
                    ready!(socket.poll_ready_with_leaf(cx, Interest::WRITABLE, leaf))?;
                    socket::finish_connect_unix(socket.get_ref())?;
                    return match std::mem::replace(&mut self.state, State::Begin(None)) {
                        State::InProgress { socket, .. } => {
                            let core = Core::registered(socket, self.leaf.location());
                            Poll::Ready(Ok(UnixStream::from_core(core)))
                        }
                        _ => unreachable!("just seen"),
                    };
                }
            };
            if let Some(stream) = self.attempt(socket, pause)? {
                return Poll::Ready(Ok(stream));
            }
        }
    }
}

impl CancelSafe for Connect {}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("address", &self.address).finish_non_exhaustive()
    }
}
