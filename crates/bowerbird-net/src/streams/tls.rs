//! A TLS session between reader and writer and the connection that they had before.
//!
//! ```text
//! StreamReader, StreamWriter          what the user has from now on
//!   Connection, TlsWire               closes the session before what is below
//!     TlsStream<Plain>                the session
//!       Plain: StreamReader, StreamWriter      what the user had
//!         Connection, SocketWire, ..
//! ```
//! What the old reader has read already is read by the session first. Whoever closes the old connection by a
//! handle of it closes the new one.

use std::any::{Any, TypeId};
use std::fmt;
use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_base::sync::Mutex;
use bowerbird_io::Leaf;
use bowerbird_timer::Sleep;
use futures_io::{AsyncRead, AsyncWrite};

use super::boxed::BoxedWire;
use super::connection::{Connection, Goal};
use super::open::OpenConnection;
use super::reader::Source;
use super::wire::Wire;
use super::{StreamReader, StreamWriter};
use crate::tls::{Accept, Connect, TlsConnector, TlsInfo, TlsStream};

/// What a session stands on: the reader and the writer of before, as one stream.
pub(crate) struct Plain {
    reader: StreamReader,
    writer: StreamWriter,
}

impl Plain {
    pub(crate) fn new(reader: StreamReader, writer: StreamWriter) -> Self {
        Self { reader, writer }
    }
}

impl AsyncRead for Plain {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.reader).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Plain {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.writer).poll_write_vectored(cx, pieces)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.writer).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.close_itself();
        self.writer.poll_form(cx, Goal::Closed)
    }
}

impl Drop for Plain {
    /// A session that failed or was given up closes its connection, and nobody need be told that.
    fn drop(&mut self) {
        self.writer.close_itself();
    }
}

/// How long the end of a session may take. The sleep is made where a runtime is known to be.
struct EndLimit {
    duration: Duration,
    /// Gone when the session has ended: its waker holds the connection.
    sleep: Option<Sleep>,
    is_running: bool,
}

/// A session as what moves the bytes.
struct TlsWire {
    session: BoxedWire,
    plain: Arc<Connection>,
    info: TlsInfo,
    limit: Mutex<EndLimit>,
}

impl TlsWire {
    /// Polls the session, and, while it is being closed, the limit of time for that.
    fn poll_limited<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&BoxedWire, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        let polled = poll(&self.session, cx);
        let EndLimit { duration, sleep, is_running } = &mut *self.limit.lock();
        let Some(sleep) = sleep.as_mut().filter(|_| polled.is_pending() && *is_running) else {
            return polled;
        };
        // The waker is the connection's own.
        sleep.poll_due(cx).map(|()| {
            let text = format!("the end of the TLS session could not be sent within {duration:?}");
            Err(io::Error::new(io::ErrorKind::TimedOut, text))
        })
    }
}

impl Wire for TlsWire {
    fn poll_read(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.session.poll_read(cx, leaf, buffer)
    }

    fn try_write(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.session.try_write(pieces)
    }

    fn poll_write(&self, cx: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_limited(cx, |session, cx| session.poll_write(cx, pieces))
    }

    fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_limited(cx, |session, cx| session.poll_flush(cx))
    }

    fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_limited(cx, |session, cx| session.poll_end(cx))
    }

    fn limit_end(&self) -> bool {
        let EndLimit { duration, sleep, is_running } = &mut *self.limit.lock();
        match sleep {
            Some(sleep) if !std::mem::replace(is_running, true) => {
                sleep.restart(*duration);
                true
            }
            _ => false,
        }
    }

    fn can_write_eof(&self) -> bool {
        false
    }

    fn close(&self) {
        let sleep = self.limit.lock().sleep.take();
        drop(sleep);
        self.plain.abort();
        self.session.close();
    }

    fn peer_addr(&self) -> Option<SocketAddr> {
        self.plain.wire.peer_addr()
    }

    fn extra(&self, wanted: TypeId) -> Option<&dyn Any> {
        if wanted == TypeId::of::<TlsInfo>() {
            return Some(&self.info);
        }
        self.plain.wire.extra(wanted)
    }
}

/// The future of [`TlsConnector::start_tls`](crate::tls::TlsConnector::start_tls) and
/// [`TlsAcceptor::start_tls`](crate::tls::TlsAcceptor::start_tls).
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct StartTls {
    handshake: Handshake,
    plain: Arc<Connection>,
    limit: usize,
    location: &'static Location<'static>,
}

pub(crate) enum Handshake {
    Connect(Connect<Plain>),
    Accept(Accept<Plain>),
}

impl StartTls {
    #[track_caller]
    pub(crate) fn new(
        reader: StreamReader,
        writer: StreamWriter,
        begin: impl FnOnce(Plain) -> Handshake,
    ) -> Self {
        let (plain, limit) = (writer.connection.clone(), reader.limit());
        let handshake = begin(Plain::new(reader, writer));
        Self { handshake, plain, limit, location: Location::caller() }
    }
}

impl Future for StartTls {
    type Output = io::Result<(StreamReader, StreamWriter)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let session = match &mut self.handshake {
            Handshake::Connect(connect) => ready!(Pin::new(connect).poll(cx)),
            Handshake::Accept(accept) => ready!(Pin::new(accept).poll(cx)),
        };
        Poll::Ready(session.map(|session| self.over(session)))
    }
}

impl StartTls {
    /// The reader and the writer of the session.
    fn over(&self, session: TlsStream<Plain>) -> (StreamReader, StreamWriter) {
        let duration = session.shutdown_timeout();
        let sleep = Some(bowerbird_timer::part::sleep(duration));
        let wire = TlsWire {
            info: session.info(),
            session: BoxedWire::new(session),
            plain: self.plain.clone(),
            limit: Mutex::new(EndLimit { duration, sleep, is_running: false }),
        };
        let connection = Connection::new(wire, true);
        self.plain.set_successor(&connection);
        let (low, high) = self.plain.buffer_limits();
        connection.set_buffer_limits(low, high);
        let reader = StreamReader::over(Source::Connection(connection.clone()));
        (reader.with_limit(self.limit), StreamWriter::over(connection, self.location))
    }
}

impl OpenConnection {
    /// Does a TLS handshake with the server of that name; as [`TlsConnector::connect`].
    ///
    /// asyncio: `ssl=`, `server_hostname=`; the name is not taken from the address here.
    ///
    /// # Errors
    /// As for [`TlsConnector::connect`], too.
    pub fn tls(self, connector: &TlsConnector, server_name: &str) -> OpenTlsConnection {
        let (connector, server_name) = (connector.clone(), server_name.to_owned());
        OpenTlsConnection { connector, server_name, opening: Opening::Tcp(Box::new(self)) }
    }
}

/// The future of [`OpenConnection::tls`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OpenTlsConnection {
    connector: TlsConnector,
    server_name: String,
    opening: Opening,
}

enum Opening {
    Tcp(Box<OpenConnection>),
    Tls(Box<StartTls>),
}

impl Future for OpenTlsConnection {
    type Output = io::Result<(StreamReader, StreamWriter)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { connector, server_name, opening } = self.get_mut();
        if let Opening::Tcp(tcp) = opening {
            let (reader, writer) = ready!(Pin::new(&mut **tcp).poll(cx))?;
            let location = tcp.location;
            let starting = connector.start_tls(server_name, reader, writer);
            *opening = Opening::Tls(Box::new(StartTls { location, ..starting }));
        }
        match opening {
            Opening::Tls(starting) => Pin::new(&mut **starting).poll(cx),
            Opening::Tcp(_) => unreachable!("left above"),
        }
    }
}

impl CancelSafe for OpenTlsConnection {}

impl fmt::Debug for OpenTlsConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenTlsConnection")
            .field("server", &self.server_name)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTls").finish_non_exhaustive()
    }
}
