//! Internet sockets for datagram transports.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use bowerbird_net::dns::{Family, LookupHost, lookup_host};
use bowerbird_net::{ToAddrs, UdpSocket};

use super::CreateDatagramEndpoint;
use super::socket::{Creation, DatagramSocket, Opened, Sealed};

/// What is asked for when an endpoint is created.
#[derive(Debug, Default)]
pub struct UdpOptions {
    local: Option<LookupHost>,
    remote: Option<LookupHost>,
    family: Family,
    shares_port: bool,
    allows_broadcast: bool,
}

impl CreateDatagramEndpoint<UdpSocket> {
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

    /// Takes addresses of this family only. With a family no address is needed: the system chooses the port.
    ///
    /// asyncio: `family=`; for `AF_UNIX` see [`create_datagram_endpoint`](super::create_datagram_endpoint).
    pub fn family(self, family: Family) -> Self {
        self.with(|options| options.family = family)
    }

    /// Lets other sockets bind the port too, which have set this as well; the system gives each datagram to one of
    /// them. Where it cannot, creating is an error (`Unsupported`).
    ///
    /// asyncio: `reuse_port=`.
    pub fn reuse_port(self, on: bool) -> Self {
        self.with(|options| options.shares_port = on)
    }

    /// Allows datagrams to a broadcast address. The socket is not connected then: what is sent goes to
    /// [`remote_addr`](Self::remote_addr) all the same, and answers are received from anybody.
    ///
    /// asyncio: `allow_broadcast=`.
    pub fn allow_broadcast(self, allow: bool) -> Self {
        self.with(|options| options.allows_broadcast = allow)
    }
}

impl Sealed for UdpSocket {}

impl DatagramSocket for UdpSocket {
    type Address = SocketAddr;
    type Options = UdpOptions;
    type Pause = ();

    const KIND: &'static str = "udp";

    fn open(options: UdpOptions) -> Creation<Opened<Self>> {
        Box::pin(open(options))
    }

    fn given(options: &UdpOptions) -> Vec<&'static str> {
        let options = [
            (options.local.is_some(), "local_addr"),
            (options.remote.is_some(), "remote_addr"),
            (options.family != Family::UNSPEC, "family"),
            (options.shares_port, "reuse_port"),
            (options.allows_broadcast, "allow_broadcast"),
        ];
        options.into_iter().filter_map(|(is_given, name)| is_given.then_some(name)).collect()
    }

    fn own_address(&self) -> Option<SocketAddr> {
        self.local_addr().ok()
    }

    fn peer_address(&self) -> Option<SocketAddr> {
        self.peer_addr().ok()
    }

    fn is_same(one: &SocketAddr, other: &SocketAddr) -> bool {
        one == other
    }

    fn send_now(&self, data: &[u8], to: Option<&SocketAddr>) -> io::Result<usize> {
        match to {
            Some(to) => self.try_send_to(data, *to),
            None => self.try_send(data),
        }
    }

    fn receive_now(&self, room: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.try_recv_from(room)
    }

    fn poll_send_ready(
        &self,
        _pause: &mut (),
        cx: &mut Context<'_>,
        _has_peer: bool,
    ) -> Poll<io::Result<()>> {
        UdpSocket::poll_send_ready(self, cx)
    }

    fn poll_receive_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_ready(cx)
    }
}

/// A socket with these addresses, of one family.
async fn open(options: UdpOptions) -> io::Result<Opened<UdpSocket>> {
    let UdpOptions { local, remote, family, shares_port, allows_broadcast } = options;
    if local.is_none() && remote.is_none() && family == Family::UNSPEC {
        return Err(invalid(
            "create_datagram_endpoint() needs an address: set local_addr(), remote_addr() or both, or the family()",
        ));
    }
    let wants = Wants { local: local.is_some(), remote: remote.is_some(), family };
    let local = look_up(local, family).await?;
    let remote = look_up(remote, family).await?;
    let mut last = wants.nothing_fits();
    for (local, remote) in wants.pairs(&local, &remote) {
        match bind_one(local, remote, shares_port, allows_broadcast).await {
            Ok(opened) => return Ok(opened),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text.into())
}

/// The addresses of one family, if that is asked for.
async fn look_up(lookup: Option<LookupHost>, family: Family) -> io::Result<Vec<SocketAddr>> {
    let Some(lookup) = lookup else { return Ok(Vec::new()) };
    let mut found = lookup.await?;
    if family != Family::UNSPEC {
        found.retain(|address| family_of(address) == family);
    }
    Ok(found)
}

fn family_of(address: &SocketAddr) -> Family {
    if address.is_ipv4() { Family::INET } else { Family::INET6 }
}

/// Which addresses are asked for.
struct Wants {
    local: bool,
    remote: bool,
    family: Family,
}

impl Wants {
    fn nothing_fits(&self) -> io::Error {
        let Self { family, .. } = self;
        match (self.local || self.remote, *family) {
            (true, Family::UNSPEC) => {
                invalid("the local and the remote address are not of one family")
            }
            (true, _) => invalid(format!("there is no address of family {family:?}")),
            (false, _) => invalid(format!("{family:?} is no family of UDP: give INET or INET6")),
        }
    }

    /// What to try, in order: each remote address with each local one of its family.
    fn pairs(
        &self,
        local: &[SocketAddr],
        remote: &[SocketAddr],
    ) -> Vec<(SocketAddr, Option<SocketAddr>)> {
        let any = [(Ipv4Addr::UNSPECIFIED, 0).into(), (Ipv6Addr::UNSPECIFIED, 0).into()];
        if !self.local && !self.remote {
            let of_family = any.into_iter().filter(|any| family_of(any) == self.family);
            return of_family.map(|any| (any, None)).collect();
        }
        if !self.remote {
            return local.iter().map(|local| (*local, None)).collect();
        }
        let local = if self.local { local } else { &any[..] };
        let of_one_family = |remote: &SocketAddr| {
            let remote = *remote;
            local
                .iter()
                .filter(move |local| local.is_ipv4() == remote.is_ipv4())
                .map(move |local| (*local, Some(remote)))
        };
        remote.iter().flat_map(of_one_family).collect()
    }
}

async fn bind_one(
    local: SocketAddr,
    remote: Option<SocketAddr>,
    shares_port: bool,
    allows_broadcast: bool,
) -> io::Result<Opened<UdpSocket>> {
    let socket = UdpSocket::bind(local).reuse_port(shares_port).await?;
    if allows_broadcast {
        socket.set_broadcast(true)?;
        // Connected to a broadcast address, it would receive from nobody.
        return Ok(Opened { socket, remote });
    }
    if let Some(remote) = remote {
        socket.connect(remote).await?;
    }
    Ok(Opened::new(socket))
}
