//! async-io, both executors; hyper through smol-hyper's `FuturesIo`.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use smol_hyper::rt::FuturesIo;

use crate::runtimes::smol::Smol;
use crate::servers::{Network, http};

impl<const IS_STATIC: bool> Network for Smol<IS_STATIC> {
    type Listener = Async<TcpListener>;
    type Stream = Async<TcpStream>;
    type Datagrams = Async<UdpSocket>;

    async fn listen() -> (Async<TcpListener>, SocketAddr) {
        let listener = Async::<TcpListener>::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("bind");
        let port = listener.get_ref().local_addr().expect("address").port();
        (listener, (Ipv4Addr::LOCALHOST, port).into())
    }

    async fn accept(listener: &Async<TcpListener>) -> Async<TcpStream> {
        let (stream, _) = listener.accept().await.expect("accept");
        stream.get_ref().set_nodelay(true).expect("nodelay");
        stream
    }

    #[inline]
    fn read<'a>(
        stream: &'a mut Async<TcpStream>,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send {
        stream.read(buffer)
    }

    #[inline]
    fn write_all<'a>(
        stream: &'a mut Async<TcpStream>,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send {
        stream.write_all(bytes)
    }

    async fn bind() -> (Async<UdpSocket>, SocketAddr) {
        let socket = Async::<UdpSocket>::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        let address = socket.get_ref().local_addr().expect("address");
        (socket, address)
    }

    #[inline]
    fn recv_from<'a>(
        socket: &'a Async<UdpSocket>,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send {
        socket.recv_from(buffer)
    }

    #[inline]
    fn send_to<'a>(
        socket: &'a Async<UdpSocket>,
        bytes: &'a [u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send {
        socket.send_to(bytes, to)
    }

    fn http(stream: Async<TcpStream>) -> impl Future<Output = ()> + Send + 'static {
        http::serve(FuturesIo::new(stream))
    }
}
