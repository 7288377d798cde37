//! Ours: a stream is hyper's I/O by itself.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use bowerbird::net::{TcpListener, TcpStream, UdpSocket};

use crate::runtimes::bowerbird::Bowerbird;
use crate::servers::Network;
#[cfg(feature = "peers")]
use crate::servers::http;

impl Network for Bowerbird {
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Datagrams = UdpSocket;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("bind");
        let port = listener.local_addr().expect("address").port();
        (listener, (Ipv4Addr::LOCALHOST, port).into())
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        listener.accept().await.expect("accept").0
    }

    #[inline]
    fn read<'a>(
        stream: &'a mut TcpStream,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send {
        stream.read(buffer)
    }

    #[inline]
    fn write_all<'a>(
        stream: &'a mut TcpStream,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send {
        stream.write_all(bytes)
    }

    async fn bind() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("bind");
        let address = socket.local_addr().expect("address");
        (socket, address)
    }

    #[inline]
    fn recv_from<'a>(
        socket: &'a UdpSocket,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send {
        socket.recv_from(buffer)
    }

    #[inline]
    fn send_to<'a>(
        socket: &'a UdpSocket,
        bytes: &'a [u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        socket.send_to(bytes, to)
    }

    #[cfg(feature = "peers")]
    fn http(stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        http::serve(stream)
    }
}
