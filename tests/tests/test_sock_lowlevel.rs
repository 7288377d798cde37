//! CPython's test_sock_lowlevel.py: `loop.sock_*` and what stands for it here. The map is in
//! tests/cpython/test_sock_lowlevel.md.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::time::Duration;

#[cfg(unix)]
use bowerbird::io::AsyncFd;
use bowerbird::net::{TcpListener, TcpStream, UdpSocket};
use bowerbird::{Task, cancel_scope, join, spawn, timeout};
use bowerbird_tests::{everywhere, on_workers};

async fn listening() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Answers one request, and closes.
fn serve_once(listener: TcpListener) -> Task<io::Result<()>> {
    spawn(async move {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 18];
        stream.read_exact(&mut request).await?;
        stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nTest message").await?;
        stream.shutdown().await
    })
}

/// Gives back all that comes.
async fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = vec![0; 4096];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return stream.shutdown().await,
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}

/// `sock_connect`, `sock_sendall`, `sock_recv`, `sock_recv_into`.
#[test]
fn test_sock_client_ops() {
    everywhere(|| async {
        let (listener, address) = listening().await;
        let server = serve_once(listener);
        let mut sock = TcpStream::connect_addr(address).await.unwrap();
        sock.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut data = Vec::new();
        sock.read_to_end(&mut data).await.unwrap();
        assert!(data.starts_with(b"HTTP/1.0 200 OK"));
        server.await.unwrap().unwrap();
    });
}

#[test]
#[cfg(unix)]
fn test_unix_sock_client_ops() {
    use bowerbird::net::{UnixListener, UnixStream};
    everywhere(|| async {
        let path = std::env::temp_dir().join(format!("bowerbird-lowlevel-{}", std::process::id()));
        let listener = UnixListener::bind(&path).unwrap();
        let server = spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.read_exact(&mut [0; 18]).await?;
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n").await?;
            stream.shutdown().await
        });
        let mut sock = UnixStream::connect(&path).await.unwrap();
        sock.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
        let mut data = [0; 1024];
        let count = sock.read(&mut data).await.unwrap();
        assert!(data[..count].starts_with(b"HTTP/1.0 200 OK"));
        server.await.unwrap().unwrap();
    });
}

/// A receive that is given up does not disturb the send and the receive after it.
#[test]
fn test_sock_client_racing() {
    everywhere(|| async {
        let (listener, address) = listening().await;
        let server = spawn(async move {
            let (mut stream, _) = listener.accept().await?;
            stream.read_exact(&mut [0; 4]).await?;
            stream.write_all(b"answer").await?;
            stream.shutdown().await
        });
        let mut sock = TcpStream::connect_addr(address).await.unwrap();
        let mut data = [0; 16];
        for _ in 0..3 {
            let given_up = cancel_scope(async |scope| {
                scope.cancel();
                sock.read(&mut data).await
            });
            given_up.await;
        }
        sock.write_all(b"data").await.unwrap();
        sock.read_exact(&mut data[..6]).await.unwrap();
        assert_eq!(&data[..6], b"answer");
        server.await.unwrap().unwrap();
    });
}

/// A connect that is given up while it is on its way leaves nothing that a later socket hears of.
#[test]
#[cfg(target_os = "linux")]
fn test_sock_client_connect_racing() {
    everywhere(|| async {
        let (listener, address) = listening().await;
        for _ in 0..3 {
            drop(TcpStream::connect_addr(address));
            let connect = timeout(Duration::ZERO, TcpStream::connect_addr(address)).await;
            drop(connect);
        }
        let mut client = TcpStream::connect_addr(address).await.unwrap();
        // Those that were given up may stand in the queue before it.
        let mut server = loop {
            let (server, peer) = listener.accept().await.unwrap();
            if client.local_addr().unwrap() == peer {
                break server;
            }
        };
        client.write_all(b"hello").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
    });
}

/// Ten million bytes there and back, sent while they are received.
#[test]
fn test_huge_content() {
    everywhere(|| async {
        const SIZE: usize = 10_000_000;
        let (listener, address) = listening().await;
        let server = spawn(async move { echo(listener.accept().await?.0).await });
        let sock = TcpStream::connect_addr(address).await.unwrap();
        let (mut reader, mut writer) = sock.into_split();
        let task = spawn(async move {
            let chunk: Vec<u8> = b"0123456789".repeat(SIZE / 10);
            writer.write_all(&chunk).await
        });
        let mut data = vec![0; 65_536];
        let mut size = 0;
        loop {
            let count = reader.read(&mut data).await.unwrap();
            if count == 0 {
                break;
            }
            let expected = |index: usize| b'0' + ((size + index) % 10) as u8;
            assert!(data[..count].iter().enumerate().all(|(index, &byte)| byte == expected(index)));
            size += count;
        }
        assert_eq!(size, SIZE);
        task.await.unwrap().unwrap();
        server.await.unwrap().unwrap();
    });
}

/// The same into one array.
#[test]
fn test_huge_content_recvinto() {
    everywhere(|| async {
        const SIZE: usize = 1_000_000;
        let (listener, address) = listening().await;
        let server = spawn(async move { echo(listener.accept().await?.0).await });
        let mut sock = TcpStream::connect_addr(address).await.unwrap();
        let chunk: Vec<u8> = b"0123456789".repeat(SIZE / 10);
        let mut array = vec![0; SIZE];
        let (mut reader, mut writer) = sock.split();
        let (sent, received) =
            join((writer.write_all(&chunk), reader.read_exact(&mut array))).await;
        sent.unwrap();
        received.unwrap();
        assert!(array == chunk);
        drop(sock);
        server.await.unwrap().unwrap();
    });
}

/// Gives one datagram back.
async fn udp_echo_server() -> (Task<()>, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let server = spawn(async move {
        let mut buffer = vec![0; 65_536];
        let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
        socket.send_to(&buffer[..count], from).await.unwrap();
    });
    (server, address)
}

/// `sock_sendto`, `sock_recvfrom`.
#[test]
fn test_recvfrom() {
    everywhere(|| async {
        let (server, address) = udp_echo_server().await;
        let sock = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let data = [1; 4096];
        sock.send_to(&data, address).await.unwrap();
        let mut received = [0; 4096];
        let (count, from) = sock.recv_from(&mut received).await.unwrap();
        assert_eq!((&received[..count], from), (&data[..], address));
        server.await.unwrap();
    });
}

/// `sock_recvfrom_into`, with a part of the buffer.
#[test]
fn test_recvfrom_into() {
    everywhere(|| async {
        let (server, address) = udp_echo_server().await;
        let sock = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let data = [1; 4096];
        sock.send_to(&data, address).await.unwrap();
        let mut buffer = [0; 8192];
        let (count, from) = sock.recv_from(&mut buffer[..4096]).await.unwrap();
        assert_eq!((count, from), (4096, address));
        assert!(buffer[..4096] == data && buffer[4096..] == [0; 4096]);
        server.await.unwrap();
    });
}

/// A send that the system refuses at first is tried again.
#[test]
fn test_sendto_blocking() {
    everywhere(|| async {
        let (server, address) = udp_echo_server().await;
        let sock = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        sock.send_to(&[1; 4096], address).await.unwrap();
        let mut data = [0; 8192];
        assert_eq!(sock.recv_from(&mut data).await.unwrap(), (4096, address));
        server.await.unwrap();

        // The system refuses when the buffers of a stream are full.
        let (listener, address) = listening().await;
        let (one, other) = join((TcpStream::connect_addr(address), listener.accept())).await;
        let (mut one, (mut other, _)) = (one.unwrap(), other.unwrap());
        let mut sent = 0;
        while let Ok(count) = one.try_write(&[0; 65_536]) {
            sent += count;
        }
        let rest = spawn(async move {
            let mut total = 0;
            let mut buffer = vec![0; 65_536];
            while total < sent + 5 {
                total += other.read(&mut buffer).await.unwrap();
            }
        });
        one.write_all(b"later").await.unwrap();
        rest.await.unwrap();
    });
}

#[test]
fn test_sock_client_fail() {
    everywhere(|| async {
        let address = {
            let nobody = StdListener::bind("127.0.0.1:0").unwrap();
            nobody.local_addr().unwrap()
        };
        let error = TcpStream::connect_addr(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn test_sock_accept() {
    everywhere(|| async {
        let (listener, address) = listening().await;
        let client = StdStream::connect(address).unwrap();
        let (conn, addr) = listener.accept().await.unwrap();
        assert_eq!(addr, client.local_addr().unwrap());
        assert_eq!(client.peer_addr().unwrap(), listener.local_addr().unwrap());
        let mut conn = conn.into_std();
        let error = io::Read::read(&mut conn, &mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock, "it does not block");
    });
}

#[test]
fn test_cancel_sock_accept() {
    on_workers(2, async {
        let (listener, address) = listening().await;
        assert!(timeout(Duration::ZERO, listener.accept()).await.is_err());
        drop(listener);
        let error = TcpStream::connect_addr(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

/// Any socket of the system goes through `AsyncFd`, as through `loop.sock_*`.
#[test]
#[cfg(unix)]
fn sockets_of_std_go_through_async_fd() {
    everywhere(|| async {
        let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        let here = AsyncFd::new(here).unwrap();
        io::Write::write_all(&mut &there, b"hello").unwrap();
        let mut buffer = [0; 16];
        let count = here.read_with(|mut os| io::Read::read(&mut os, &mut buffer)).await.unwrap();
        assert_eq!(&buffer[..count], b"hello");
        here.write_with(|mut os| io::Write::write(&mut os, b"answer")).await.unwrap();
        io::Read::read_exact(&mut &there, &mut buffer[..6]).unwrap();
        assert_eq!(&buffer[..6], b"answer");
    });
}
