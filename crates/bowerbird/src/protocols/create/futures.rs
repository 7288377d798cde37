//! The futures that make connections.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_net::{Connect, ConnectOptions};

use crate::protocols::Transport;
use crate::protocols::any::{AnyProtocol, StreamProtocol};
use crate::protocols::name::named;
use crate::protocols::spawn::spawn_and_wait;
use crate::protocols::stream::Stream;
use crate::protocols::wire::Socket;

/// Where a connection comes from.
#[doc(hidden)]
pub trait Source: Send + 'static {
    fn socket(self) -> impl Future<Output = io::Result<Socket>> + Send;
}

impl Source for Connect {
    async fn socket(self) -> io::Result<Socket> {
        self.await.map(Socket::from)
    }
}

#[cfg(unix)]
impl Source for bowerbird_net::unix::Connect {
    async fn socket(self) -> io::Result<Socket> {
        self.await.map(Socket::from)
    }
}

impl Source for Socket {
    async fn socket(self) -> io::Result<Socket> {
        Ok(self)
    }
}

/// What a transport is made of.
pub(super) struct Parts<S> {
    source: S,
    factory: Box<dyn FnOnce() -> AnyProtocol + Send>,
    /// The type of the protocol, for the name of the task.
    protocol_type: &'static str,
    location: &'static Location<'static>,
}

impl<S: Source> Parts<S> {
    #[track_caller]
    pub(super) fn new<P: StreamProtocol<K>, K>(
        source: S,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        Self {
            source,
            factory: Box::new(|| protocol_factory().into_any()),
            protocol_type: type_name::<P>(),
            location: Location::caller(),
        }
    }

    pub(super) async fn make(self) -> io::Result<Transport> {
        let Socket(wire) = self.source.socket().await?;
        let protocol = (self.factory)();
        // After a reset it cannot be asked for.
        let peer_addr = wire.peer_addr();
        let options = named(self.protocol_type, wire.kind(), peer_addr);
        let wire = Arc::new(wire);
        let stream = Stream::new(wire.clone(), peer_addr);
        spawn_and_wait(stream.clone(), wire, protocol, self.location, &options).await?;
        Ok(Transport(stream))
    }
}

type Making<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// The future of [`create_connection`](super::create_connection) and of those that make the same of a Unix socket
/// or of a socket that there is already, and its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateConnection<S = Connect> {
    /// `None` once it was polled.
    parts: Option<Parts<S>>,
    making: Option<Making<Transport>>,
    site: CallSite,
}

impl<S: Source> CreateConnection<S> {
    #[track_caller]
    pub(super) fn new<P: StreamProtocol<K>, K>(
        call: &'static str,
        source: S,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let parts = Parts::new(source, protocol_factory);
        let site = CallSite::at(call, parts.location);
        Self { parts: Some(parts), making: None, site }
    }
}

impl CreateConnection {
    bowerbird_net::connect_options!();

    fn with(mut self, change: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        self.parts = self.parts.map(|parts| Parts { source: parts.source.with(change), ..parts });
        self
    }
}

// What is pinned is in a box.
impl<S> Unpin for CreateConnection<S> {}

impl<S: Source> Future for CreateConnection<S> {
    type Output = io::Result<Transport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        if let Some(parts) = self.parts.take() {
            self.making = Some(Box::pin(parts.make()));
        }
        match &mut self.making {
            Some(making) => making.as_mut().poll(cx),
            None => unreachable!("put there above"),
        }
    }
}

// Dropped, it has given up what it made.
impl<S> CancelSafe for CreateConnection<S> {}

impl<S> fmt::Debug for CreateConnection<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateConnection").finish_non_exhaustive()
    }
}

/// The future of what makes other transports: of pipes, and of processes.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateTransport<T = Transport> {
    making: Making<T>,
    site: CallSite,
}

impl<T> CreateTransport<T> {
    pub(in crate::protocols) fn new(
        call: &'static str,
        location: &'static Location<'static>,
        making: impl Future<Output = io::Result<T>> + Send + 'static,
    ) -> Self {
        Self { making: Box::pin(making), site: CallSite::at(call, location) }
    }
}

impl CreateTransport {
    #[cfg(unix)]
    #[track_caller]
    pub(super) fn over<P: StreamProtocol<K>, K>(
        call: &'static str,
        socket: Socket,
        protocol_factory: impl FnOnce() -> P + Send + 'static,
    ) -> Self {
        let parts = Parts::new(socket, protocol_factory);
        Self::new(call, parts.location, parts.make())
    }
}

impl<T> Future for CreateTransport<T> {
    type Output = io::Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        self.making.as_mut().poll(cx)
    }
}

// Dropped, it has given up what it made.
impl<T> CancelSafe for CreateTransport<T> {}

impl<T> fmt::Debug for CreateTransport<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateTransport").finish_non_exhaustive()
    }
}
