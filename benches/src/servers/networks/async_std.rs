//! async-std; hyper through smol-hyper's `FuturesIo`.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use async_std::io::{ReadExt, WriteExt};
use async_std::net::{TcpListener, TcpStream, UdpSocket};
use smol_hyper::rt::FuturesIo;

use crate::runtimes::async_std::AsyncStd;
use crate::servers::{Network, http};

impl Network for AsyncStd {
    type Listener = TcpListener;
    type Stream = TcpStream;
    type Datagrams = UdpSocket;

    async fn listen() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await.expect("bind");
        let port = listener.local_addr().expect("address").port();
        (listener, (Ipv4Addr::LOCALHOST, port).into())
    }

    async fn accept(listener: &TcpListener) -> TcpStream {
        let (stream, _) = listener.accept().await.expect("accept");
        stream.set_nodelay(true).expect("nodelay");
        stream
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
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("bind");
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

    fn http(stream: TcpStream) -> impl Future<Output = ()> + Send + 'static {
        http::serve(FuturesIo::new(stream))
    }
}
