//! The handle of a server.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;

use super::accept::accept;
use super::clients::{Closed, Connection, Shared};
use crate::cleanup::{AsyncContextManager, Outcome, defer};
use bowerbird_core::Task;

/// A server: listeners, and a task for each client.
///
/// asyncio: `Server`. This is a handle, and may be cloned; a server whose handles are all dropped serves on, as it
/// does there. It is made by [`start_server`](super::start_server) and its relatives.
///
/// [`close`](Self::close) ends the accepting and leaves the clients alone. A server closes itself when the runtime
/// is asked to end ([`shutdown_requested`](crate::shutdown_requested)); what its clients do about that is theirs.
/// As a manager ([`with`](crate::with())) it is closed, and its clients awaited, behind the body.
///
/// # Examples
/// ```
/// use bowerbird::{open_connection, start_server, with};
///
/// bowerbird::run(async {
///     let server = start_server(
///         async |mut reader, writer| {
///             let line = reader.readline().await?;
///             writer.write(line);
///             writer.close();
///             writer.wait_closed().await?;
///             Ok::<_, bowerbird::BoxError>(())
///         },
///         "127.0.0.1:0",
///     )
///     .await?;
///     let address = server.local_addr().unwrap();
///     with(server, async |_server| {
///         let (mut reader, writer) = open_connection(address).await?;
///         writer.write(b"hello\n");
///         assert_eq!(reader.read_to_end().await?, b"hello\n");
///         writer.close();
///         std::io::Result::Ok(())
///     })
///     .await
/// }).unwrap();
/// ```
#[derive(Clone)]
pub struct Server(pub(super) Arc<Shared>);

impl Server {
    /// Begins to accept, if [`start_serving(false)`](super::StartServer::start_serving) put that off. Returns at
    /// once.
    ///
    /// asyncio: `await server.start_serving()`. Connections that came before were kept in the system's queue,
    /// where there they are refused.
    ///
    /// # Errors
    /// The server is closed.
    #[track_caller]
    pub fn start_serving(&self) -> io::Result<()> {
        match self.0.begin_serving() {
            Err(Closed) => Err(closed_error()),
            Ok(false) => Ok(()),
            Ok(true) => {
                for (index, door) in self.0.doors.iter().enumerate() {
                    let task = Task::<()>::builder().name(format!("accept {}", door.name));
                    drop(task.spawn_on(&self.0.runtime, accept(self.0.clone(), index)));
                }
                Ok(())
            }
        }
    }

    /// Serves until the server is closed, and until its clients have ended then. Cancelled, it closes the server
    /// and its clients' connections, and waits for both.
    ///
    /// asyncio: `serve_forever()`; a close by somebody else, which raises `CancelledError` there and closes the
    /// clients, is `Ok` here and leaves them.
    ///
    /// # Cancel safety
    /// Dropped, it closes the server as a cleanup of the scope around.
    ///
    /// # Errors
    /// The server is closed, or somebody serves for ever already.
    #[track_caller]
    pub fn serve_forever(&self) -> ServeForever {
        let location = Location::caller();
        let site = CallSite::at("Server::serve_forever", location);
        ServeForever { future: Box::pin(self.clone().serve()), site }
    }

    async fn serve(self) -> io::Result<()> {
        self.start_serving()?;
        if !self.0.begin_forever() {
            return Err(io::Error::other("serve_forever() is running already, for this server"));
        }
        let server = self.clone();
        let closing = defer(async move {
            server.close();
            server.close_clients();
            server.0.end_forever();
            server.0.ended.wait().await;
        });
        self.0.closing.wait().await;
        self.0.ended.wait().await;
        self.0.end_forever();
        closing.disarm();
        Ok(())
    }

    /// Closes the listeners, at once. Connections stay, and so do the tasks of clients.
    ///
    /// asyncio: `close()`.
    pub fn close(&self) {
        self.0.close();
    }

    /// Closes the connections of all clients, after what they have buffered; their readers read the end.
    ///
    /// asyncio: `close_clients()`.
    pub fn close_clients(&self) {
        self.0.connections().iter().for_each(Connection::close);
    }

    /// Closes the connections of all clients at once; what they have buffered is lost.
    ///
    /// asyncio: `abort_clients()`.
    pub fn abort_clients(&self) {
        self.0.connections().iter().for_each(Connection::abort);
    }

    /// Waits until the server is closed and its last client is gone: its connection is closed, and its task has
    /// ended.
    ///
    /// asyncio: `wait_closed()`, which does not wait for tasks.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    #[track_caller]
    pub fn wait_closed(&self) -> ServerClosed {
        let shared = self.0.clone();
        let site = CallSite::new("Server::wait_closed");
        ServerClosed { future: Box::pin(async move { shared.ended.wait().await }), site }
    }

    /// Returns whether it accepts connections.
    ///
    /// asyncio: `is_serving()`.
    pub fn is_serving(&self) -> bool {
        self.0.is_serving()
    }

    /// The addresses that it listens on; none once it is closed, and none of Unix sockets.
    ///
    /// asyncio: `[sock.getsockname() for sock in server.sockets]`.
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let listeners = self.0.doors.iter().filter_map(|door| door.listener());
        listeners.filter_map(|listener| listener.0.local_addr()).collect()
    }

    /// The first of the addresses.
    ///
    /// asyncio: `server.sockets[0].getsockname()`.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addrs().first().copied()
    }

    /// How many sockets it listens on; 0 once it is closed.
    ///
    /// asyncio: `len(server.sockets)`.
    pub fn socket_count(&self) -> usize {
        self.0.doors.iter().filter(|door| door.listener().is_some()).count()
    }

    /// How many clients there are.
    ///
    /// asyncio: no counterpart.
    pub fn connection_count(&self) -> usize {
        self.0.connection_count()
    }
}

fn closed_error() -> io::Error {
    io::Error::other("the server is closed; start another one")
}

impl AsyncContextManager for Server {
    type Value = Server;

    async fn enter(&mut self) -> Server {
        self.clone()
    }

    async fn exit(self, _outcome: Outcome) {
        self.close();
        self.0.ended.wait().await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.doors.iter().map(|door| &door.name).collect();
        f.debug_struct("Server")
            .field("sockets", &names)
            .field("is_serving", &self.is_serving())
            .field("connections", &self.connection_count())
            .finish()
    }
}

/// A named future around one of this module's.
macro_rules! named {
    ($($(#[$docs:meta])* $name:ident -> $output:ty;)*) => {
        $(
            $(#[$docs])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name {
                future: Pin<Box<dyn Future<Output = $output> + Send>>,
                site: CallSite,
            }

            impl Future for $name {
                type Output = $output;

                fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<$output> {
                    self.site.polled();
                    self.future.as_mut().poll(cx)
                }
            }

            impl CancelSafe for $name {}

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.debug_struct(stringify!($name)).finish_non_exhaustive()
                }
            }
        )*
    };
}

named! {
    /// The future of [`Server::serve_forever`].
    ServeForever -> io::Result<()>;
    /// The future of [`Server::wait_closed`].
    ServerClosed -> ();
}
