//! The servers that are compared: what they do, written once for every runtime, and the floor.
//!
//! A service is generic over [`Network`], the few words of a runtime's sockets. Beside the runtimes stand those that
//! have no tasks which move between threads: [`raw`](RAW), a program on a bare epoll with no runtime at all, and
//! monoio, a loop a thread.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;

use crate::runtimes::Runtime;

#[cfg(feature = "peers")]
mod http;
#[cfg(all(target_os = "linux", feature = "peers"))]
mod monoio;
mod networks;
#[cfg(all(target_os = "linux", feature = "peers"))]
mod raw;
#[cfg(feature = "peers")]
mod services;

#[cfg(feature = "peers")]
pub use services::{MONOIO, MONOIO_EPOLL, RAW, RAW_TWO, Service, serve};

/// A runtime's sockets. Each method forwards to what a user of it would call.
pub trait Network: Runtime {
    /// What accepts connections.
    type Listener: Send + Sync + 'static;
    /// One connection, without Nagle's delay.
    type Stream: Send + 'static;
    /// A UDP socket.
    type Datagrams: Send + Sync + 'static;

    /// Listens on a free port, on every address of this machine.
    fn listen() -> impl Future<Output = (Self::Listener, SocketAddr)> + Send;

    /// Takes the next connection.
    fn accept(listener: &Self::Listener) -> impl Future<Output = Self::Stream> + Send;

    /// Reads what is there.
    fn read<'a>(
        stream: &'a mut Self::Stream,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes all of it.
    fn write_all<'a>(
        stream: &'a mut Self::Stream,
        bytes: &'a [u8],
    ) -> impl Future<Output = io::Result<()>> + Send;

    /// Binds a free port.
    fn bind() -> impl Future<Output = (Self::Datagrams, SocketAddr)> + Send;

    /// Receives a datagram.
    fn recv_from<'a>(
        socket: &'a Self::Datagrams,
        buffer: &'a mut [u8],
    ) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;

    /// Sends one.
    fn send_to<'a>(
        socket: &'a Self::Datagrams,
        bytes: &'a [u8],
        to: SocketAddr,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    #[cfg(feature = "peers")]
    /// Serves one connection by hyper, through what the runtime offers for that.
    fn http(stream: Self::Stream) -> impl Future<Output = ()> + Send + 'static;
}

/// Accepts so many connections, gives each a task that echoes, and returns when all have been closed by the client.
pub async fn echo<R: Network, const BUFFER: usize>(
    bound: mpsc::Sender<SocketAddr>,
    connections: usize,
) {
    let (listener, address) = R::listen().await;
    bound.send(address).expect("somebody asked");
    let mut tasks = Vec::with_capacity(connections);
    for _ in 0..connections {
        tasks.push(R::spawn(echo_one::<R, BUFFER>(R::accept(&listener).await)));
    }
    for task in tasks {
        task.await;
    }
}

/// One connection of it.
async fn echo_one<R: Network, const BUFFER: usize>(mut stream: R::Stream) {
    let mut buffer = [0; BUFFER];
    loop {
        match R::read(&mut stream, &mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) if R::write_all(&mut stream, &buffer[..count]).await.is_err() => return,
            Ok(_) => {}
        }
    }
}
