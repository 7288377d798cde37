//! Unix sockets: paths and names, and streams.

use std::ffi::OsStr;
use std::io::{self, IoSlice, IoSliceMut};
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
use std::mem::MaybeUninit;
use std::mem::offset_of;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use bowerbird_base::unclosed::Input;
use rustix::net::RecvFlags;
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

use super::stream::{look_unread, only_piece};
use super::{BACKLOG, Calls, OsRead, OsSocket, OsSource, OsWrite, Received, calls, os};

/// How many bytes a path has room for, with the NUL at its end; an abstract name, with the one at its start.
const ROOM: usize = size_of::<libc::sockaddr_un>() - offset_of!(libc::sockaddr_un, sun_path);

const HAS_ABSTRACT: bool = cfg!(any(target_os = "linux", target_os = "android"));

// ----- addresses ---------------------------------------------------------------------------------------

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// The address of a path, or, with a NUL before it, of an abstract name.
pub(crate) fn unix_address(path: &Path) -> io::Result<SockAddr> {
    let bytes = path.as_os_str().as_bytes();
    let shown = path.display();
    let is_abstract = bytes.first() == Some(&0);
    if is_abstract && !HAS_ABSTRACT {
        return Err(invalid(format!("{shown:?} begins with NUL: only Linux has abstract names")));
    }
    if !is_abstract && bytes.contains(&0) {
        return Err(invalid(format!("the path {shown:?} of a Unix socket holds a NUL")));
    }
    // The NUL of a name is counted in its bytes, that of a path is not.
    let length = if is_abstract { bytes.len() } else { bytes.len() + 1 };
    if length > ROOM {
        let what = if is_abstract { "abstract name" } else { "path" };
        return Err(invalid(format!(
            "the {what} {shown:?} of a Unix socket has {} bytes, and this system takes at most {}: use a \
             shorter one",
            length - 1,
            ROOM - 1,
        )));
    }
    SockAddr::unix(path)
}

/// The same as std has it.
pub(crate) fn std_unix_address(path: &Path) -> io::Result<SocketAddr> {
    unix_address(path)?;
    match path.as_os_str().as_bytes() {
        [0, name @ ..] => with_abstract_name(name),
        _ => SocketAddr::from_pathname(path),
    }
}

/// The address that std has found.
pub(crate) fn unix_address_of(address: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return unix_address(path);
    }
    match abstract_name(address) {
        Some(name) => unix_address(Path::new(OsStr::from_bytes(&[&[0], name].concat()))),
        None => Err(invalid("an unnamed Unix socket has no address to go to".into())),
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
    std::os::linux::net::SocketAddrExt::as_abstract_name(address)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_address: &SocketAddr) -> Option<&[u8]> {
    None
}

#[cfg(target_os = "linux")]
fn with_abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn with_abstract_name(_name: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

// ----- making sockets ----------------------------------------------------------------------------------

/// How a connect has begun.
pub(crate) enum UnixConnect {
    Connected,
    /// It is connected, or has an error, when it turns writable.
    InProgress,
    /// The listener's queue is full. Nothing tells when it is not any more.
    QueueFull,
}

pub(crate) fn new_unix_stream() -> io::Result<UnixStream> {
    os::new_socket(Domain::UNIX, Type::STREAM, None).map(UnixStream::from)
}

pub(crate) fn begin_connect_unix(
    socket: &UnixStream,
    address: &SockAddr,
) -> io::Result<UnixConnect> {
    match SockRef::from(socket).connect(address) {
        Ok(()) => Ok(UnixConnect::Connected),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(UnixConnect::QueueFull),
        Err(error) if super::is_in_progress(&error) => Ok(UnixConnect::InProgress),
        Err(error) => Err(error),
    }
}

pub(crate) fn finish_connect_unix(socket: &UnixStream) -> io::Result<()> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

pub(crate) fn listen_unix(address: &SockAddr) -> io::Result<UnixListener> {
    let socket = new_unix_stream()?;
    bind_unix(&socket, address)?;
    begin_listen_unix(socket, BACKLOG)
}

pub(crate) fn bind_unix(socket: &impl AsFd, address: &SockAddr) -> io::Result<()> {
    SockRef::from(&socket.as_fd()).bind(address)
}

/// Makes a bound socket listen.
pub(crate) fn begin_listen_unix(socket: UnixStream, backlog: i32) -> io::Result<UnixListener> {
    SockRef::from(&socket).listen(backlog)?;
    Ok(OwnedFd::from(socket).into())
}

/// Two connected sockets.
pub(crate) fn unix_pair(kind: Type) -> io::Result<(Socket, Socket)> {
    os::new_pair(kind)
}

// ----- streams -----------------------------------------------------------------------------------------

impl OsSource for UnixStream {
    const CALLS: Calls = calls!("UnixStream");

    fn unread(&self) -> Input {
        look_unread(self)
    }

    fn peer(&self) -> Option<String> {
        Some(format!("{:?}", self.peer_addr().ok()?))
    }
}

impl OsRead for UnixStream {
    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        os::recv_unix(self, &mut [IoSliceMut::new(buffer)])
    }

    #[inline]
    fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        os::recv_unix(self, buffers)
    }

    /// This call does not tell whether it stopped at ancillary data.
    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    #[inline]
    fn recv_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<Received> {
        SockRef::from(self).recv(buffer).map(Received::some)
    }
}

impl OsWrite for UnixStream {
    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        SockRef::from(self).send_with_flags(bytes, os::SEND_FLAGS)
    }

    #[inline]
    fn send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match only_piece(bytes) {
            Some(only) => self.send(only),
            None => SockRef::from(self).send_vectored_with_flags(bytes, os::SEND_FLAGS),
        }
    }

    fn end(&self) -> io::Result<()> {
        UnixStream::shutdown(self, Shutdown::Write)
    }
}

impl OsSocket for UnixStream {
    fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(self, buffer, RecvFlags::PEEK)?.0)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        UnixStream::shutdown(self, how)
    }
}
