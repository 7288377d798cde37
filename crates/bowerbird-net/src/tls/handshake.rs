//! The futures of handshakes: rustls's, with a limit of time and an error that says with whom.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_io::Leaf;
use bowerbird_timer::Sleep;
use futures_io::{AsyncRead, AsyncWrite};
use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::{self, ClientConfig, ServerConfig};

use super::{Limits, TlsError, TlsStream};

/// The future of [`TlsConnector::connect`](super::TlsConnector::connect).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Connect<S>(Handshake<futures_rustls::Connect<S>>);

/// The future of [`TlsAcceptor::accept`](super::TlsAcceptor::accept).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct Accept<S>(Handshake<futures_rustls::Accept<S>>);

impl<S: AsyncRead + AsyncWrite + Unpin> Connect<S> {
    #[track_caller]
    pub(super) fn new(
        config: &Arc<ClientConfig>,
        limits: Limits,
        peer: &str,
        name: Result<ServerName<'static>, TlsError>,
        stream: S,
    ) -> Self {
        let connector = futures_rustls::TlsConnector::from(config.clone());
        Self(Handshake {
            state: match name {
                Ok(name) => State::Running(connector.connect(name, stream)),
                Err(error) => State::Refused(error),
            },
            peer: format!("`{peer}`"),
            limits,
            limit: None,
            leaf: Leaf::new("TlsConnector::connect"),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Accept<S> {
    #[track_caller]
    pub(super) fn new(config: &Arc<ServerConfig>, limits: Limits, stream: S) -> Self {
        let acceptor = futures_rustls::TlsAcceptor::from(config.clone());
        Self(Handshake {
            state: State::Running(acceptor.accept(stream)),
            peer: "a client".to_owned(),
            limits,
            limit: None,
            leaf: Leaf::new("TlsAcceptor::accept"),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Connect<S> {
    type Output = io::Result<TlsStream<S>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Future for Accept<S> {
    type Output = io::Result<TlsStream<S>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

struct Handshake<F> {
    state: State<F>,
    /// Whom the errors name.
    peer: String,
    limits: Limits,
    /// Made when the handshake waits for the first time.
    limit: Option<Sleep>,
    leaf: Leaf,
}

enum State<F> {
    Running(F),
    Refused(TlsError),
    Done,
}

impl<F> Handshake<F> {
    fn poll<S, T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TlsStream<S>>>
    where
        F: Future<Output = io::Result<T>> + Unpin,
        T: Into<futures_rustls::TlsStream<S>>,
    {
        self.leaf.polled();
        let outcome = match std::mem::replace(&mut self.state, State::Done) {
            State::Running(mut handshake) => match Pin::new(&mut handshake).poll(cx) {
                Poll::Ready(outcome) => outcome.map_err(|error| failure(&self.peer, error)),
                Poll::Pending if self.is_over(cx) => {
                    Err(failure(&self.peer, took_longer_than(self.limits.handshake)))
                }
                Poll::Pending => {
                    self.state = State::Running(handshake);
                    return Poll::Pending;
                }
            },
            State::Refused(error) => Err(error),
            State::Done => panic!("polled after it was ready"),
        };
        Poll::Ready(match outcome {
            Ok(stream) => Ok(TlsStream::new(stream.into(), self.limits)),
            Err(error) => Err(error.into()),
        })
    }

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        let duration = self.limits.handshake;
        let limit = self.limit.get_or_insert_with(|| bowerbird_timer::part::sleep(duration));
        limit.poll_due(cx).is_ready()
    }
}

/// The error of a handshake.
pub(super) fn failure(peer: &str, error: io::Error) -> TlsError {
    let context = format!("the TLS handshake with {peer} failed");
    // What rustls says is the cause, not an error of reading or writing.
    match error.get_ref() {
        Some(source) if source.is::<rustls::Error>() => match error.into_inner() {
            Some(source) => TlsError::new(context, source),
            None => unreachable!("`get_ref` has just given it"),
        },
        _ => TlsError::new(context, error),
    }
}

/// The error of what did not end in time.
pub(super) fn took_longer_than(limit: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("it took longer than {limit:?}"))
}

impl<S> fmt::Debug for Connect<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connect").field("server", &self.0.peer).finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for Accept<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accept").finish_non_exhaustive()
    }
}
