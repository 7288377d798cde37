//! TCP, UDP and Unix sockets, pipes, and names.
//!
//! asyncio: the sockets under `start_server` and `open_connection`, and under their twins for Unix sockets. The
//! readers and writers over them are in [`streams`](crate::streams).
//!
//! The methods that one uses are inherent and `async`; the traits of the ecosystem are implemented beside
//! them: futures-io's always, tokio's with the feature `tokio-io`, hyper's with the feature `hyper`. Names are
//! looked up off the workers ([`dns`]), several addresses are tried as RFC 8305 says, and `TCP_NODELAY` is on.

#[cfg(windows)]
#[doc(no_inline)]
pub use bowerbird_net::windows;
#[doc(inline)]
pub use bowerbird_net::{
    AddrInfo, ConnectErrors, ConnectOptions, Datagrams, Keepalive, OwnedReadHalf, OwnedWriteHalf,
    ReadHalf, ReuniteError, Target, TcpListener, TcpSocket, TcpStream, ToAddrs, UdpSocket,
    WriteHalf, datagram, dns, getaddrinfo, getnameinfo, lookup_host, splice,
};
#[cfg(unix)]
#[doc(inline)]
pub use bowerbird_net::{UnixDatagram, UnixListener, UnixSocket, UnixStream, pipe, unix};

/// The futures of the functions and methods of this module.
pub mod futures {
    #[doc(inline)]
    pub use bowerbird_net::{
        Accept, Bind, BindUdp, Connect, ConnectUdp, Flush, Incoming, Peek, Read, ReadExact,
        ReadToEnd, Readable, RecvMany, SendFile, SendMany, ShutdownWrite, Splice, Writable, Write,
        WriteAll,
    };
}
