//! Connections that are opened as a reader and a writer.

use std::fmt;
use std::future::Future;
use std::io;
use std::panic::Location;
#[cfg(unix)]
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::{Leaf, expect_current};

use super::from_socket;
use super::reader::{DEFAULT_LIMIT, StreamReader};
use super::writer::StreamWriter;
#[cfg(unix)]
use crate::socket;
use crate::tcp::{Connect, ConnectOptions};
use crate::to_addrs::ToAddrs;
#[cfg(unix)]
use crate::unix;

/// Connects, and gives a reader and a writer.
///
/// asyncio: `open_connection(host, port)`; host and port are one value here, and the keyword arguments are
/// methods of what it returns. Of several addresses the next is tried when the one before has failed, or has
/// not answered within 250 ms (RFC 8305), which there has to be asked for.
///
/// # Cancel safety
/// Dropping it gives the attempts up; there was no connection yet.
///
/// # Errors
/// The name cannot be looked up, or no address could be connected: the error of the only attempt, or one that
/// lists them all (`all_errors=True` there).
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::net::TcpListener;
/// use bowerbird::{open_connection, spawn};
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let port = listener.local_addr()?.port();
///     let server = spawn(async move {
///         let (mut stream, _) = listener.accept().await?;
///         stream.write_all(b"hello\n").await
///     });
///
///     let (mut reader, writer) = open_connection(("127.0.0.1", port)).limit(1024).await?;
///     assert_eq!(reader.readline().await?, b"hello\n");
///     writer.close();
///     writer.wait_closed().await?;
///     server.await.unwrap()
/// }).unwrap();
/// ```
#[track_caller]
pub fn open_connection(addrs: impl ToAddrs) -> OpenConnection {
    let driver = expect_current("open_connection");
    let leaf = Leaf::new("open_connection");
    let connect = Connect::new(driver, leaf, &addrs, ConnectOptions::new());
    OpenConnection { connect, limit: DEFAULT_LIMIT, location: Location::caller() }
}

/// The future of [`open_connection`], and its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OpenConnection {
    connect: Connect,
    limit: usize,
    pub(super) location: &'static Location<'static>,
}

/// Sets the limit of the reader.
macro_rules! limit {
    ($call:literal) => {
        /// Sets the limit of the reader; see [`StreamReader::with_limit`].
        ///
        /// asyncio: `limit=`; 64 KiB, if it is not set.
        ///
        /// # Panics
        /// The limit is 0.
        #[track_caller]
        pub fn limit(mut self, limit: usize) -> Self {
            assert!(limit > 0, concat!($call, ".limit(0): the limit cannot be 0; give at least 1"));
            self.limit = limit;
            self
        }
    };
}

impl OpenConnection {
    limit!("open_connection(..)");

    crate::connect_options!();

    fn with(self, change: impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self {
        Self { connect: self.connect.with(change), ..self }
    }
}

impl Future for OpenConnection {
    type Output = io::Result<(StreamReader, StreamWriter)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = ready!(Pin::new(&mut self.connect).poll(cx))?;
        let peer = stream.peer_addr().ok();
        let (reader, writer) = from_socket(stream, peer, self.location);
        Poll::Ready(Ok((reader.with_limit(self.limit), writer)))
    }
}

impl CancelSafe for OpenConnection {}

impl fmt::Debug for OpenConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenConnection").finish_non_exhaustive()
    }
}

/// Connects to a Unix socket, and gives a reader and a writer.
///
/// asyncio: `open_unix_connection(path)`.
///
/// # Cancel safety
/// Dropping it gives the attempt up; there was no connection yet.
///
/// # Errors
/// As for [`UnixStream::connect`](crate::UnixStream::connect).
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::net::UnixListener;
/// use bowerbird::{open_unix_connection, spawn};
/// # let directory = std::env::temp_dir().join(format!("bowerbird-open-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// let path = directory.join("server.sock");
///
/// bowerbird::run(async {
///     let listener = UnixListener::bind(&path)?;
///     let server = spawn(async move {
///         let (mut stream, _) = listener.accept().await?;
///         stream.write_all(b"hello\n").await
///     });
///     let (mut reader, writer) = open_unix_connection(&path).await?;
///     assert_eq!(reader.readline().await?, b"hello\n");
///     writer.close();
///     server.await.unwrap()
/// }).unwrap();
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
#[cfg(unix)]
#[track_caller]
pub fn open_unix_connection(path: impl AsRef<Path>) -> OpenUnixConnection {
    let driver = expect_current("open_unix_connection");
    let address = socket::unix_address(path.as_ref());
    let leaf = Leaf::new("open_unix_connection");
    OpenUnixConnection {
        connect: unix::Connect::new(driver, leaf, address),
        limit: DEFAULT_LIMIT,
        location: Location::caller(),
    }
}

/// The future of [`open_unix_connection`], and its options.
#[cfg(unix)]
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct OpenUnixConnection {
    connect: unix::Connect,
    limit: usize,
    location: &'static Location<'static>,
}

#[cfg(unix)]
impl OpenUnixConnection {
    limit!("open_unix_connection(..)");
}

#[cfg(unix)]
impl Future for OpenUnixConnection {
    type Output = io::Result<(StreamReader, StreamWriter)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let stream = ready!(Pin::new(&mut self.connect).poll(cx))?;
        let (reader, writer) = from_socket(stream, None, self.location);
        Poll::Ready(Ok((reader.with_limit(self.limit), writer)))
    }
}

#[cfg(unix)]
impl CancelSafe for OpenUnixConnection {}

#[cfg(unix)]
impl fmt::Debug for OpenUnixConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenUnixConnection").finish_non_exhaustive()
    }
}
