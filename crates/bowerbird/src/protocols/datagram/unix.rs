//! Unix sockets for datagram transports.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::task::{Context, Poll};

use bowerbird_net::UnixDatagram;
use bowerbird_net::unix::QueuePause;

use super::CreateDatagramEndpoint;
use super::socket::{Creation, DatagramSocket, Opened, Sealed};

/// What is asked for when an endpoint is created.
#[derive(Debug, Default)]
pub struct UnixOptions {
    local: Option<PathBuf>,
    remote: Option<PathBuf>,
}

impl CreateDatagramEndpoint<UnixDatagram> {
    /// Binds the socket to a path, or to an abstract name (`"\0name"`, Linux only). Without it nobody can answer.
    ///
    /// A file that a dead socket has left there is replaced; the own one is removed at the end.
    ///
    /// asyncio: `local_addr=`, which replaces the file of a living socket too, and leaves its own.
    pub fn local_addr(self, path: impl Into<PathBuf>) -> Self {
        self.with(|options| options.local = Some(path.into()))
    }

    /// Connects the socket to a path or an abstract name: datagrams go there, and only those from there are
    /// received.
    ///
    /// asyncio: `remote_addr=`.
    pub fn remote_addr(self, path: impl Into<PathBuf>) -> Self {
        self.with(|options| options.remote = Some(path.into()))
    }
}

impl Sealed for UnixDatagram {}

impl DatagramSocket for UnixDatagram {
    type Address = SocketAddr;
    type Options = UnixOptions;
    type Pause = QueuePause;

    const KIND: &'static str = "unix";

    fn open(options: UnixOptions) -> Creation<Opened<Self>> {
        Box::pin(async move { open(&options) })
    }

    fn given(options: &UnixOptions) -> Vec<&'static str> {
        let local = options.local.is_some().then_some("local_addr");
        local.into_iter().chain(options.remote.is_some().then_some("remote_addr")).collect()
    }

    fn own_address(&self) -> Option<SocketAddr> {
        self.local_addr().ok().filter(|address| !address.is_unnamed())
    }

    fn peer_address(&self) -> Option<SocketAddr> {
        self.peer_addr().ok()
    }

    fn is_same(one: &SocketAddr, other: &SocketAddr) -> bool {
        // std shows all that an address is, and has no other way to compare two.
        format!("{one:?}") == format!("{other:?}")
    }

    fn send_now(&self, data: &[u8], to: Option<&SocketAddr>) -> io::Result<usize> {
        match to {
            Some(to) => self.try_send_to_addr(data, to),
            None => self.try_send(data),
        }
    }

    fn receive_now(&self, room: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.try_recv_from(room)
    }

    /// If somebody's queue is full who is not the peer, the system has no event for the end of that: only time
    /// helps.
    fn poll_send_ready(
        &self,
        pause: &mut QueuePause,
        cx: &mut Context<'_>,
        has_peer: bool,
    ) -> Poll<io::Result<()>> {
        if has_peer {
            return UnixDatagram::poll_send_ready(self, cx);
        }
        pause.poll_next(cx).map(Ok)
    }

    fn poll_receive_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_recv_ready(cx)
    }
}

fn open(options: &UnixOptions) -> io::Result<Opened<UnixDatagram>> {
    let socket = match &options.local {
        Some(path) => bind(path)?,
        None => UnixDatagram::unbound()?,
    };
    if let Some(path) = &options.remote {
        socket.connect(path).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot connect to {path:?}: {error}"))
        })?;
    }
    Ok(Opened::new(socket))
}

/// Binds the path, in the place of a socket that is dead.
fn bind(path: &Path) -> io::Result<UnixDatagram> {
    match UnixDatagram::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_dead(path) => {
            std::fs::remove_file(path)?;
            UnixDatagram::bind(path)
        }
        bound => bound,
    }
    .map_err(|error| io::Error::new(error.kind(), format!("cannot bind to {path:?}: {error}")))
}

/// Whether there is a socket at the path that nobody has open.
fn is_dead(path: &Path) -> bool {
    let is_socket =
        std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let refuses = |probe: UnixDatagram| match probe.connect(path) {
        Err(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        Ok(()) => false,
    };
    is_socket && UnixDatagram::unbound().is_ok_and(refuses)
}
