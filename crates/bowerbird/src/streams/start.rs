//! `start_server`: from a handler and addresses to a server.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_core::{Handle, SpawnOptions, Unhandled, UnhandledKind, current_task, spawn_with};
use bowerbird_net::dns::lookup_host;
use bowerbird_net::streams::{ListenOptions, StreamReader, StreamWriter, listen};
#[cfg(feature = "tls")]
use bowerbird_net::tls::TlsAcceptor;
use bowerbird_net::{Target, ToAddrs};

use super::clients::{Client, Connection, Serve, Settings, Shared};
use super::door::Listener;
use super::server::Server;
use crate::run::outside_a_runtime;

/// What the handler of a client may end with: nothing, or a `Result`, whose error goes to the exception handler.
pub trait ClientResult {
    /// The error, as text.
    #[doc(hidden)]
    fn into_failure(self) -> Option<String>;
}

impl ClientResult for () {
    fn into_failure(self) -> Option<String> {
        None
    }
}

impl<E: fmt::Display> ClientResult for Result<(), E> {
    fn into_failure(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}

/// Starts a server: `handler` is called for each client, with a reader and a writer, in a task of its own.
///
/// asyncio: `start_server(client_connected_cb, host, port)`. The addresses are one value; those of a name are all
/// listened on, and an empty name (`("", 80)`) means all interfaces. The keyword arguments are methods of what
/// this returns. An IPv6 address accepts IPv6 only.
///
/// A handler that ends drops its writer, which closes the connection; its `Err` or panic goes to the exception
/// handler. The server lives on in either case. It accepts through the system's trouble: where descriptors run
/// out, it says so once, waits for a second or for a client to end, and goes on.
///
/// # Cancel safety
/// Dropping it starts nothing.
///
/// # Errors
/// A name cannot be looked up, or an address cannot be listened on: it is named.
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// The echo server of asyncio's documentation:
/// ```
/// use bowerbird::streams::{StreamReader, StreamWriter};
/// use bowerbird::{open_connection, start_server};
///
/// async fn handle_echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
///     let message = reader.read(100).await?;
///     writer.write(&message);
///     writer.drain().await?;
///     writer.close();
///     writer.wait_closed().await
/// }
///
/// bowerbird::run(async {
///     let server = start_server(handle_echo, "127.0.0.1:0").await?;
///     let (mut reader, writer) = open_connection(server.local_addr().unwrap()).await?;
///     writer.write("Hello World!");
///     assert_eq!(reader.read(100).await?, b"Hello World!");
///     writer.close();
///     server.close();
///     server.wait_closed().await;
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn start_server<H, F>(handler: H, addrs: impl ToAddrs) -> StartServer
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: ClientResult> + Send + 'static,
{
    StartServer::streams("start_server", handler).address(addrs)
}

/// Starts a server on listeners that there are already; as [`start_server`].
///
/// asyncio: `start_server(client_connected_cb, sock=sock)`.
///
/// # Cancel safety
/// Dropping it starts nothing, and closes the listeners.
///
/// # Errors
/// None.
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::net::TcpListener;
/// use bowerbird::streams::start_server_on;
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = start_server_on(async |_reader, _writer| (), [listener]).await?;
///     assert_eq!(server.local_addrs(), [address]);
///     server.close();
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn start_server_on<H, F, L>(handler: H, listeners: impl IntoIterator<Item = L>) -> StartServer
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: ClientResult> + Send + 'static,
    L: Into<Listener>,
{
    let mut start = StartServer::streams("start_server_on", handler);
    start.listeners.extend(listeners.into_iter().map(Into::into));
    start
}

/// A listener that is to be made.
pub(super) type Binding = Pin<Box<dyn Future<Output = io::Result<Listener>> + Send>>;

/// The future of [`start_server`], and its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct StartServer {
    serve: Option<Serve>,
    targets: Vec<io::Result<Target>>,
    listeners: Vec<Listener>,
    pub(super) bindings: Vec<Binding>,
    options: ListenOptions,
    keeps: fn(&SocketAddr) -> bool,
    limit: usize,
    max_connections: usize,
    serves_at_once: bool,
    #[cfg(feature = "tls")]
    tls: Option<TlsAcceptor>,
    runtime: Handle,
    location: &'static Location<'static>,
    starting: Option<Pin<Box<dyn Future<Output = io::Result<Server>> + Send>>>,
    site: CallSite,
}

impl StartServer {
    /// A server of streams.
    #[track_caller]
    pub(super) fn streams<H, F>(call: &'static str, handler: H) -> Self
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output: ClientResult> + Send + 'static,
    {
        Self::new(call, serve_by(handler, Location::caller()))
    }

    #[track_caller]
    pub(crate) fn new(call: &'static str, serve: Serve) -> Self {
        let Some(runtime) = Handle::try_current() else { outside_a_runtime(call) };
        let location = Location::caller();
        Self {
            serve: Some(serve),
            targets: Vec::new(),
            listeners: Vec::new(),
            bindings: Vec::new(),
            options: ListenOptions { only_v6: Some(true), ..ListenOptions::default() },
            keeps: |_| true,
            limit: 64 * 1024,
            max_connections: usize::MAX,
            serves_at_once: true,
            #[cfg(feature = "tls")]
            tls: None,
            runtime,
            location,
            starting: None,
            site: CallSite::at(call, location),
        }
    }

    /// Listens on more addresses.
    ///
    /// asyncio: several hosts in a list.
    pub fn address(mut self, addrs: impl ToAddrs) -> Self {
        self.targets.push(addrs.to_target());
        self
    }

    /// Accepts from a listener that there is already, too.
    ///
    /// asyncio: `sock=`.
    pub fn listener(mut self, listener: impl Into<Listener>) -> Self {
        self.listeners.push(listener.into());
        self
    }

    /// Sets the limit of the readers; see [`StreamReader::with_limit`].
    ///
    /// asyncio: `limit=`; 64 KiB, if it is not set.
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "start_server(..).limit(0): the limit cannot be 0; give at least 1");
        self.limit = limit;
        self
    }

    /// Accepts no more than so many clients at a time. The others wait in the system's queue.
    ///
    /// asyncio: no counterpart.
    ///
    /// # Panics
    /// It is 0.
    #[track_caller]
    pub fn max_connections(mut self, count: usize) -> Self {
        assert!(count > 0, "start_server(..).max_connections(0): give at least 1");
        self.max_connections = count;
        self
    }

    /// Listens on IPv4 addresses only.
    ///
    /// asyncio: `family=AF_INET`.
    pub fn only_v4(mut self) -> Self {
        self.keeps = SocketAddr::is_ipv4;
        self
    }

    /// Listens on IPv6 addresses only.
    ///
    /// asyncio: `family=AF_INET6`.
    pub fn only_v6(mut self) -> Self {
        self.keeps = SocketAddr::is_ipv6;
        self
    }

    /// Lets IPv6 sockets accept IPv4 too, where the system can do that: `[::]` then is all interfaces.
    ///
    /// asyncio: no counterpart; there they never do.
    pub fn dual_stack(mut self, on: bool) -> Self {
        self.options.only_v6 = Some(!on);
        self
    }

    /// Sets how many connections may wait to be accepted; the system may have a lower limit.
    ///
    /// asyncio: `backlog=`; 1024 if it is not set, 100 there.
    pub fn backlog(mut self, count: u32) -> Self {
        self.options.backlog = Some(count);
        self
    }

    /// Lets the address be bound while connections of an earlier server linger (`SO_REUSEADDR`).
    ///
    /// asyncio: `reuse_address=`; on, on Unix, if it is not set.
    pub fn reuse_address(mut self, on: bool) -> Self {
        self.options.reuse_address = Some(on);
        self
    }

    /// Lets several sockets be bound to the address, all with this option (`SO_REUSEPORT`).
    ///
    /// asyncio: `reuse_port=`.
    pub fn reuse_port(mut self, on: bool) -> Self {
        self.options.reuse_port = on;
        self
    }

    /// Has the system look whether silent peers are still there (`SO_KEEPALIVE`).
    ///
    /// asyncio: `keep_alive=`.
    pub fn keep_alive(mut self, on: bool) -> Self {
        self.options.keep_alive = on;
        self
    }

    /// Sets whether it accepts at once, or from [`Server::start_serving`] on.
    ///
    /// asyncio: `start_serving=`.
    pub fn start_serving(mut self, at_once: bool) -> Self {
        self.serves_at_once = at_once;
        self
    }

    /// Does a TLS handshake with each client, in its own task, before the handler is called; as
    /// [`TlsAcceptor::accept`](crate::tls::TlsAcceptor::accept).
    ///
    /// asyncio: `ssl=`. A handshake that fails is told of in debug mode only: anybody can make one fail.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, acceptor: &TlsAcceptor) -> Self {
        self.tls = Some(acceptor.clone());
        self
    }

    /// What has to be done, apart from `self`, which is not needed any more.
    fn begin(&mut self) -> impl Future<Output = io::Result<Server>> + Send + use<> {
        let Some(serve) = self.serve.take() else { panic!("polled after it was ready") };
        let (targets, mut listeners) =
            (std::mem::take(&mut self.targets), std::mem::take(&mut self.listeners));
        let bindings = std::mem::take(&mut self.bindings);
        let (options, keeps) = (self.options.clone(), self.keeps);
        let (runtime, serves_at_once) = (self.runtime.clone(), self.serves_at_once);
        let settings = Settings {
            limit: self.limit,
            max_connections: self.max_connections,
            location: self.location,
            #[cfg(feature = "tls")]
            tls: self.tls.take(),
        };
        async move {
            for address in resolve(targets, keeps).await? {
                listeners.push(listen(address, &options)?.into());
            }
            for binding in bindings {
                listeners.push(binding.await?);
            }
            if listeners.is_empty() {
                let text = "there is no address to listen on";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            let server = Server(Shared::new(listeners, settings, serve, runtime));
            if serves_at_once {
                server.start_serving()?;
            }
            Ok(server)
        }
    }
}

impl Future for StartServer {
    type Output = io::Result<Server>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        if self.starting.is_none() {
            self.starting = Some(Box::pin(self.begin()));
        }
        match &mut self.starting {
            Some(starting) => starting.as_mut().poll(cx),
            None => unreachable!("put there above"),
        }
    }
}

impl fmt::Debug for StartServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartServer").finish_non_exhaustive()
    }
}

/// The addresses of all targets, each once.
async fn resolve(
    targets: Vec<io::Result<Target>>,
    keeps: fn(&SocketAddr) -> bool,
) -> io::Result<Vec<SocketAddr>> {
    let mut all = Vec::new();
    for target in targets {
        let found = match target? {
            Target::Name(host, port) if host.is_empty() => vec![
                SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
                SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            ],
            Target::Name(host, port) => lookup_host((host.as_str(), port)).await?,
            Target::Addrs(addrs) => addrs,
            _ => return Err(io::Error::other("an address of an unknown kind")),
        };
        for address in found.into_iter().filter(keeps) {
            // Two ports that the system chooses are not the same.
            if address.port() == 0 || !all.contains(&address) {
                all.push(address);
            }
        }
    }
    Ok(all)
}

/// What spawns the task of a client.
fn serve_by<H, F>(handler: H, location: &'static Location<'static>) -> Serve
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output: ClientResult> + Send + 'static,
{
    let handler = Arc::new(handler);
    let mut options = SpawnOptions::default();
    options.name = Some("client".into());
    Box::new(move |accepted, shared| {
        let (reader, writer) = accepted.into_streams(location);
        let client = shared.enter(Connection::Stream(writer.transport()));
        let reader = reader.with_limit(shared.settings.limit);
        let future = serve(handler.clone(), reader, writer, client);
        // It cannot fail: the accepting task is inside the runtime. Nobody awaits it; a panic is reported.
        drop(spawn_with(future, &options, location));
    })
}

/// The task of a client: the handler, and then the rest of what it has written.
async fn serve<H, F>(handler: Arc<H>, reader: StreamReader, writer: StreamWriter, client: Client)
where
    H: Fn(StreamReader, StreamWriter) -> F,
    F: Future<Output: ClientResult>,
{
    #[cfg(feature = "tls")]
    let (reader, writer) = match &client.shared.settings.tls {
        None => (reader, writer),
        Some(acceptor) => match acceptor.start_tls(reader, writer).await {
            Ok(session) => session,
            Err(error) => {
                if bowerbird_base::debug::is_on() {
                    report(&client, error.to_string());
                }
                return;
            }
        },
    };
    let transport = writer.transport();
    let failure = handler(reader, writer).await.into_failure();
    if let Some(error) = failure {
        report(&client, error);
        transport.close();
    }
    // What the connection failed with was told to the handler; or it did not ask.
    let _ = transport.wait_closed().await;
    // The socket is closed before the client is gone: who waits for a descriptor finds it.
    drop(transport);
    drop(client);
}

#[cold]
fn report(client: &Client, error: String) {
    let text = "the handler of a client failed";
    let mut report = Unhandled::new(UnhandledKind::Callback, text)
        .with_error(error)
        .with_location(client.shared.settings.location);
    if let Some(task) = current_task() {
        report = report.with_task(&task);
    }
    client.shared.runtime.call_exception_handler(&report);
}
