//! Datagram sockets that are made.

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
use bowerbird_net::UdpSocket;

use super::socket::{Creation, DatagramSocket, Opened};
use super::{Boxed, DatagramProtocol, DatagramTransport, Endpoint};
use crate::protocols::name::named;
use crate::protocols::spawn::spawn_and_wait;

/// Makes a datagram socket, and gives it to a protocol.
///
/// asyncio: `loop.create_datagram_endpoint`; its keyword arguments are methods, and it gives the transport alone.
/// The type of the protocol says which socket it is: a [`DatagramProtocol`] has an internet one, which needs a
/// [`local_addr`](CreateDatagramEndpoint::local_addr), a
/// [`remote_addr`](CreateDatagramEndpoint::remote_addr), both, a [`family`](CreateDatagramEndpoint::family), or
/// else a [`socket`](CreateDatagramEndpoint::socket). A `DatagramProtocol<UnixDatagram>` has a Unix one, whose
/// addresses are paths (asyncio's `family=AF_UNIX`).
///
/// # Cancel safety
/// Dropping it gives the socket up.
///
/// # Errors
/// No address was given, none can be looked up, or none can be bound and connected; a socket was given together
/// with an option (`InvalidInput`); `connection_made` panicked.
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
///
/// A Unix socket:
/// ```
/// # #[cfg(unix)] {
/// use bowerbird::net::{UnixDatagram, unix};
/// use bowerbird::protocols::{DatagramProtocol, create_datagram_endpoint};
/// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-endpoint-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
///
/// struct Log(Option<bowerbird::future::Promise<Vec<u8>>>);
/// impl DatagramProtocol<UnixDatagram> for Log {
///     fn datagram_received(&mut self, data: &[u8], _from: std::os::unix::net::SocketAddr) {
///         self.0.take().unwrap().set_result(data.to_vec()).unwrap();
///     }
/// }
///
/// bowerbird::run(async {
///     let path = directory.join("log.sock");
///     let (promise, heard) = bowerbird::future::promise();
///     let _log = create_datagram_endpoint(move || Log(Some(promise))).local_addr(&path).await?;
///     let client = create_datagram_endpoint(|| Log(None)).await?;
///     client.sendto(b"hello", unix::socket_addr(&path)?);
///     assert_eq!(heard.await.unwrap(), b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// # std::fs::remove_dir_all(directory).unwrap();
/// # }
/// ```
#[track_caller]
pub fn create_datagram_endpoint<P: DatagramProtocol<S>, S: DatagramSocket>(
    protocol_factory: impl FnOnce() -> P + Send + 'static,
) -> CreateDatagramEndpoint<S> {
    let plan = Plan {
        options: S::Options::default(),
        socket: None,
        factory: Box::new(move || Box::new(protocol_factory()) as Boxed<S>),
        protocol_type: type_name::<P>(),
    };
    let site = CallSite::new("create_datagram_endpoint");
    CreateDatagramEndpoint { plan: Some(plan), future: None, site }
}

struct Plan<S: DatagramSocket> {
    options: S::Options,
    /// One that there is already.
    socket: Option<S>,
    factory: Box<dyn FnOnce() -> Boxed<S> + Send>,
    /// The type of the protocol, for the name of the task.
    protocol_type: &'static str,
}

/// The future of [`create_datagram_endpoint`], with its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct CreateDatagramEndpoint<S: DatagramSocket = UdpSocket> {
    /// Until the first poll.
    plan: Option<Plan<S>>,
    future: Option<Creation<DatagramTransport<S>>>,
    site: CallSite,
}

impl<S: DatagramSocket> CreateDatagramEndpoint<S> {
    pub(super) fn with(mut self, set: impl FnOnce(&mut S::Options)) -> Self {
        if let Some(plan) = &mut self.plan {
            set(&mut plan.options);
        }
        self
    }

    /// Takes a socket that there is already, with any option that was set on it. Then no other method is called.
    ///
    /// asyncio: `sock=`.
    pub fn socket(mut self, socket: S) -> Self {
        if let Some(plan) = &mut self.plan {
            plan.socket = Some(socket);
        }
        self
    }
}

impl<S: DatagramSocket> Plan<S> {
    async fn create(
        self,
        location: &'static Location<'static>,
    ) -> io::Result<DatagramTransport<S>> {
        let Self { options, socket, factory, protocol_type } = self;
        let opened = match socket {
            Some(socket) => adopt(socket, &S::given(&options))?,
            None => S::open(options).await?,
        };
        let socket = Arc::new(opened.socket);
        let endpoint = Endpoint::new(socket.clone(), opened.remote);
        let address = endpoint.remote_addr.as_ref().or(endpoint.local_addr.as_ref());
        let task = named(protocol_type, S::KIND, address.map(|address| format!("{address:?}")));
        spawn_and_wait(endpoint.clone(), socket, factory(), location, &task).await?;
        Ok(DatagramTransport(endpoint))
    }
}

fn adopt<S: DatagramSocket>(socket: S, given: &[&str]) -> io::Result<Opened<S>> {
    if given.is_empty() {
        return Ok(Opened::new(socket));
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "create_datagram_endpoint() was given a socket() and {}; set options on the socket itself",
            given.join(", ")
        ),
    ))
}

impl<S: DatagramSocket> Future for CreateDatagramEndpoint<S> {
    type Output = io::Result<DatagramTransport<S>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        this.site.polled();
        if let Some(plan) = this.plan.take() {
            this.future = Some(Box::pin(plan.create(this.site.location())));
        }
        match &mut this.future {
            Some(future) => future.as_mut().poll(cx),
            None => unreachable!("made at the first poll"),
        }
    }
}

// Nothing in it is pinned but what is boxed.
impl<S: DatagramSocket> Unpin for CreateDatagramEndpoint<S> {}

// Dropped, it has given up what it made.
impl<S: DatagramSocket> CancelSafe for CreateDatagramEndpoint<S> {}

impl<S: DatagramSocket> fmt::Debug for CreateDatagramEndpoint<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateDatagramEndpoint").finish_non_exhaustive()
    }
}
