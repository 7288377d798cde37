//! Servers on Unix sockets.

use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bowerbird_net::streams::{StreamReader, StreamWriter};
use bowerbird_net::{UnixListener, UnixStream};

use super::door::{Accepted, Accepts, Listener};
use super::server::Server;
use super::start::{ClientResult, StartServer};
use crate::tasks::timeout::timeout;

/// How long a listener has to take a connection into its queue.
const LIVENESS: Duration = Duration::from_millis(100);

impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Self {
        Self(Box::new(listener))
    }
}

impl Accepts for UnixListener {
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        UnixListener::poll_accept(self, cx).map_ok(|(stream, _)| Accepted::Unix(stream))
    }

    fn local_addr(&self) -> Option<SocketAddr> {
        None
    }

    fn name(&self) -> String {
        match UnixListener::local_addr(self) {
            Ok(address) => format!("{address:?}"),
            Err(_) => "an unknown path".into(),
        }
    }
}

/// Starts a server on a Unix socket: `handler` is called for each client, as for
/// [`start_server`](super::start_server).
///
/// asyncio: `start_unix_server(client_connected_cb, path)`. A socket at the path that nobody listens on is removed
/// before; one that somebody listens on is an error here, where asyncio removes it too. A closed server removes
/// its own file, and no other.
///
/// # Cancel safety
/// Dropping it starts nothing.
///
/// # Errors
/// The path is too long, there is a file already, or it cannot be listened on.
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::streams::start_unix_server;
/// use bowerbird::open_unix_connection;
/// # let directory = std::env::temp_dir().join(format!("bowerbird-serve-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// let path = directory.join("server.sock");
///
/// bowerbird::run(async {
///     let server = start_unix_server(async |_reader, writer| writer.write("hello"), &path).await?;
///     let (mut reader, _writer) = open_unix_connection(&path).await?;
///     assert_eq!(reader.read_to_end().await?, b"hello");
///     server.close();
///     assert!(!path.exists());
///     std::io::Result::Ok(())
/// }).unwrap();
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
#[track_caller]
pub fn start_unix_server<H, F>(handler: H, path: impl AsRef<Path>) -> StartUnixServer
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: ClientResult> + Send + 'static,
{
    StartUnixServer::new(StartServer::streams("start_unix_server", handler), path.as_ref())
}

/// The future of [`start_unix_server`], and its options.
#[derive(Debug)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct StartUnixServer {
    start: StartServer,
    path: Option<PathBuf>,
    cleans_up: bool,
}

impl StartUnixServer {
    pub(crate) fn new(start: StartServer, path: &Path) -> Self {
        Self { start, path: Some(path.to_owned()), cleans_up: true }
    }

    /// Sets whether the file is removed when the server is closed.
    ///
    /// asyncio: `cleanup_socket=`.
    pub fn cleanup_socket(mut self, on: bool) -> Self {
        self.cleans_up = on;
        self
    }

    /// Sets the limit of the readers; as [`StartServer::limit`].
    ///
    /// asyncio: `limit=`.
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(self, limit: usize) -> Self {
        Self { start: self.start.limit(limit), ..self }
    }

    /// Accepts no more than so many clients at a time; as [`StartServer::max_connections`].
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// It is 0.
    #[track_caller]
    pub fn max_connections(self, count: usize) -> Self {
        Self { start: self.start.max_connections(count), ..self }
    }

    /// Does a TLS handshake with each client; as [`StartServer::tls`].
    ///
    /// asyncio: `ssl=`.
    #[cfg(feature = "tls")]
    pub fn tls(self, acceptor: &bowerbird_net::tls::TlsAcceptor) -> Self {
        Self { start: self.start.tls(acceptor), ..self }
    }

    /// Sets whether it accepts at once, or from [`Server::start_serving`] on.
    ///
    /// asyncio: `start_serving=`.
    pub fn start_serving(self, at_once: bool) -> Self {
        Self { start: self.start.start_serving(at_once), ..self }
    }
}

impl Future for StartUnixServer {
    type Output = io::Result<Server>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(path) = self.path.take() {
            let cleans_up = self.cleans_up;
            self.start.bindings.push(Box::pin(bind(path, cleans_up)));
        }
        Pin::new(&mut self.start).poll(cx)
    }
}

/// Binds the path, in the place of a socket that is dead.
async fn bind(path: PathBuf, cleans_up: bool) -> io::Result<Listener> {
    let mut listener = match UnixListener::bind(&path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_dead(&path).await => {
            std::fs::remove_file(&path)?;
            UnixListener::bind(&path)
        }
        bound => bound,
    }
    .map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {}: {error}", path.display()))
    })?;
    if !cleans_up {
        listener.set_remove_file(false)?;
    }
    Ok(listener.into())
}

/// Whether there is a socket at the path that nobody listens on.
async fn is_dead(path: &Path) -> bool {
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if !is_socket {
        return false;
    }
    // One whose queue is full is alive, and would let us wait.
    match timeout(LIVENESS, UnixStream::connect(path)).await {
        Ok(Err(error)) => error.kind() == io::ErrorKind::ConnectionRefused,
        Ok(Ok(_)) | Err(_) => false,
    }
}
