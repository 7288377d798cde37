//! Datagram sockets that are made.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::call_site::CallSite;
use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_net::dns::{LookupHost, lookup_host};
use bowerbird_net::{ToAddrs, UdpSocket};

use super::{Boxed, DatagramProtocol, DatagramTransport, Endpoint};
use crate::protocols::name::named;
use crate::protocols::spawn::spawn_and_wait;

/// Makes a datagram socket, and gives it to a protocol.
///
/// asyncio: `loop.create_datagram_endpoint`; its keyword arguments are methods, and it gives the transport alone.
/// An address is needed: [`local_addr`](CreateDatagramEndpoint::local_addr),
/// [`remote_addr`](CreateDatagramEndpoint::remote_addr) or both, or a
/// [`socket`](CreateDatagramEndpoint::socket).
///
/// # Cancel safety
/// Dropping it gives the socket up.
///
/// # Errors
/// No address was given, none can be looked up, or none can be bound and connected; `connection_made` panicked.
///
/// # Panics
/// Polled outside a runtime. A panic of the factory goes on.
///
/// # Examples
/// ```
/// use bowerbird::protocols::{DatagramProtocol, DatagramTransport, create_datagram_endpoint};
/// use std::net::SocketAddr;
///
/// struct Echo(Option<DatagramTransport>);
/// impl DatagramProtocol for Echo {
///     fn connection_made(&mut self, transport: DatagramTransport) {
///         self.0 = Some(transport);
///     }
///     fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
///         self.0.as_ref().unwrap().sendto(data, from);
///     }
/// }
///
/// struct Client(Option<bowerbird::future::Promise<Vec<u8>>>);
/// impl DatagramProtocol for Client {
///     fn connection_made(&mut self, transport: DatagramTransport) {
///         transport.sendto(b"hello", None);
///     }
///     fn datagram_received(&mut self, data: &[u8], _from: SocketAddr) {
///         self.0.take().unwrap().set_result(data.to_vec()).unwrap();
///     }
/// }
///
/// bowerbird::run(async {
///     let server = create_datagram_endpoint(|| Echo(None)).local_addr("127.0.0.1:0").await?;
///     let (promise, answer) = bowerbird::future::promise();
///     let client = create_datagram_endpoint(move || Client(Some(promise)));
///     let client = client.remote_addr(server.local_addr().unwrap()).await?;
///     assert_eq!(answer.await.unwrap(), b"hello");
///     client.close();
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn create_datagram_endpoint<P: DatagramProtocol>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
) -> CreateDatagramEndpoint {
    let factory = Box::new(move || Box::new(protocol_factory()) as Boxed);
    let options = Options { protocol_type: type_name::<P>(), ..Options::default() };
    CreateDatagramEndpoint {
        options: Some((options, factory)),
        future: None,
        site: CallSite::new("create_datagram_endpoint"),
    }
}

type Factory = Box<dyn FnOnce() -> Boxed + Send>;

#[derive(Default)]
struct Options {
    local: Option<LookupHost>,
    remote: Option<LookupHost>,
    socket: Option<UdpSocket>,
    allows_broadcast: bool,
    /// The type of the protocol, for the name of the task.
    protocol_type: &'static str,
}

/// The future of [`create_datagram_endpoint`], with its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateDatagramEndpoint {
    /// Until the first poll.
    options: Option<(Options, Factory)>,
    future: Option<Pin<Box<dyn Future<Output = io::Result<DatagramTransport>> + Send>>>,
    site: CallSite,
}

impl CreateDatagramEndpoint {
    fn with(mut self, set: impl FnOnce(&mut Options)) -> Self {
        if let Some((options, _)) = &mut self.options {
            set(options);
        }
        self
    }

    /// Binds the socket to the first of these addresses that can be bound.
    ///
    /// asyncio: `local_addr=`.
    #[track_caller]
    pub fn local_addr(self, addrs: impl ToAddrs) -> Self {
        let lookup = lookup_host(addrs);
        self.with(|options| options.local = Some(lookup))
    }

    /// Connects the socket to the first of these addresses that can be reached from here: datagrams go there, and
    /// only those from there are received.
    ///
    /// asyncio: `remote_addr=`.
    #[track_caller]
    pub fn remote_addr(self, addrs: impl ToAddrs) -> Self {
        let lookup = lookup_host(addrs);
        self.with(|options| options.remote = Some(lookup))
    }

    /// Takes a socket that there is already, with any option that was set on it.
    ///
    /// asyncio: `sock=`, `reuse_port=`, `family=`.
    pub fn socket(self, socket: UdpSocket) -> Self {
        self.with(|options| options.socket = Some(socket))
    }

    /// Allows datagrams to a broadcast address.
    ///
    /// asyncio: `allow_broadcast=`.
    pub fn allow_broadcast(self, allow: bool) -> Self {
        self.with(|options| options.allows_broadcast = allow)
    }
}

async fn create(
    options: Options,
    factory: Factory,
    location: &'static Location<'static>,
) -> io::Result<DatagramTransport> {
    let Options { local, remote, socket, allows_broadcast, protocol_type } = options;
    let socket = match socket {
        Some(socket) => socket,
        None => bind(local, remote).await?,
    };
    if allows_broadcast {
        socket.set_broadcast(true)?;
    }
    let socket = Arc::new(socket);
    let endpoint = Endpoint::new(socket.clone());
    let address = endpoint.remote_addr.or(endpoint.local_addr);
    let task = named(protocol_type, "udp", address);
    spawn_and_wait(endpoint.clone(), socket, factory(), location, &task).await?;
    Ok(DatagramTransport(endpoint))
}

/// A socket with these addresses, of one family.
async fn bind(local: Option<LookupHost>, remote: Option<LookupHost>) -> io::Result<UdpSocket> {
    if local.is_none() && remote.is_none() {
        let message =
            "create_datagram_endpoint() needs an address: set local_addr(), remote_addr() or both";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let local = look_up(local).await?;
    let remote = look_up(remote).await?;
    let mut last = io::Error::new(
        io::ErrorKind::InvalidInput,
        "the local and the remote address are not of one family",
    );
    for (local, remote) in pairs(&local, &remote) {
        match bind_one(local, remote).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

async fn look_up(lookup: Option<LookupHost>) -> io::Result<Vec<SocketAddr>> {
    match lookup {
        Some(lookup) => lookup.await,
        None => Ok(Vec::new()),
    }
}

/// What to try, in order: each remote address with each local one of its family.
fn pairs(local: &[SocketAddr], remote: &[SocketAddr]) -> Vec<(SocketAddr, Option<SocketAddr>)> {
    if remote.is_empty() {
        return local.iter().map(|local| (*local, None)).collect();
    }
    let any = [(Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv6Addr::UNSPECIFIED, 0).into()];
    let local = if local.is_empty() { &any[..] } else { local };
    let of_one_family = |remote: &SocketAddr| {
        let remote = *remote;
        local
            .iter()
            .filter(move |local| local.is_ipv4() == remote.is_ipv4())
            .map(move |local| (*local, Some(remote)))
    };
    remote.iter().flat_map(of_one_family).collect()
}

async fn bind_one(local: SocketAddr, remote: Option<SocketAddr>) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(local).await?;
    if let Some(remote) = remote {
        socket.connect(remote).await?;
    }
    Ok(socket)
}

impl Future for CreateDatagramEndpoint {
    type Output = io::Result<DatagramTransport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.site.polled();
        if let Some((options, factory)) = self.options.take() {
            self.future = Some(Box::pin(create(options, factory, self.site.location())));
        }
        match &mut self.future {
            Some(future) => future.as_mut().poll(cx),
            None => unreachable!("made at the first poll"),
        }
    }
}

// Dropped, it has given up what it made.
impl CancelSafe for CreateDatagramEndpoint {}

impl fmt::Debug for CreateDatagramEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateDatagramEndpoint").finish_non_exhaustive()
    }
}
