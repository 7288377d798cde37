//! Options of sockets: what is set is what the system says, and what connects and listens has it.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

#[cfg(target_os = "linux")]
use bowerbird_net::Keepalive;
use bowerbird_net::{ConnectErrors, ConnectOptions, TcpListener, TcpSocket, TcpStream, UdpSocket};
use support::{join, run};

fn loopback() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn accept(listener: &TcpListener) -> TcpStream {
    listener.accept().await.unwrap().0
}

#[test]
fn options_that_are_set_are_told() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.set_keepalive(true).unwrap();
    socket.set_linger(Some(Duration::from_secs(3))).unwrap();
    socket.set_recv_buffer_size(65_536).unwrap();
    socket.set_send_buffer_size(65_536).unwrap();
    socket.set_ttl(9).unwrap();
    socket.set_tos_v4(0x10).unwrap();
    assert!(socket.reuse_address().unwrap() && socket.keepalive().unwrap());
    assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(3)));
    assert!(socket.recv_buffer_size().unwrap() >= 65_536);
    assert!(socket.send_buffer_size().unwrap() >= 65_536);
    assert_eq!((socket.ttl().unwrap(), socket.tos_v4().unwrap()), (9, 0x10));
    assert!(socket.take_error().unwrap().is_none());
    if let Ok(six) = TcpSocket::new_v6() {
        six.set_only_v6(true).unwrap();
        assert!(six.only_v6().unwrap());
    }
}

#[test]
#[cfg(target_os = "linux")]
fn options_of_linux_are_told() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuse_port(true).unwrap();
    socket.set_user_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.set_quickack(false).unwrap();
    assert!(socket.reuse_port().unwrap() && !socket.quickack().unwrap());
    assert_eq!(socket.user_timeout().unwrap(), Some(Duration::from_secs(5)));
    assert_eq!((socket.device().unwrap(), socket.mark().unwrap()), (None, 0));
    let times =
        Keepalive::new().time(Duration::from_secs(11)).interval(Duration::from_secs(3)).retries(4);
    socket.set_keepalive_times(times).unwrap();
    let system = socket2::SockRef::from(&socket);
    assert!(socket.keepalive().unwrap());
    assert_eq!(system.tcp_keepalive_time().unwrap(), Duration::from_secs(11));
    assert_eq!(system.tcp_keepalive_interval().unwrap(), Duration::from_secs(3));
    assert_eq!(system.tcp_keepalive_retries().unwrap(), 4);
}

#[test]
fn socket_connects_and_listens_with_its_options() {
    run(async {
        let server = TcpSocket::new_v4().unwrap();
        server.set_recv_buffer_size(32_768).unwrap();
        server.bind(loopback()).unwrap();
        let listener = server.listen(16).unwrap();
        let to = listener.local_addr().unwrap();
        let mut client = TcpSocket::for_addr(to).unwrap();
        assert!(client.nodelay());
        client.set_nodelay(false);
        client.set_keepalive(true).unwrap();
        client.bind(loopback()).unwrap();
        let from = client.local_addr().unwrap();
        let (stream, server) = join(client.connect(to), accept(&listener)).await;
        let stream = stream.unwrap();
        assert_eq!((stream.local_addr().unwrap(), server.peer_addr().unwrap()), (from, from));
        assert!(stream.keepalive().unwrap() && !stream.nodelay().unwrap());
        assert!(server.nodelay().unwrap(), "what a listener accepts has it");
    });
}

#[test]
fn socket_that_cannot_connect_tells_why() {
    run(async {
        let nobody = {
            let listener = std::net::TcpListener::bind(loopback()).unwrap();
            listener.local_addr().unwrap()
        };
        let error = TcpSocket::new_v4().unwrap().connect(nobody).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let six = "[::1]:1".parse().unwrap();
        let error = TcpSocket::new_v4().unwrap().connect(six).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error}");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn several_listeners_share_a_port() {
    run(async {
        let listen = |address: SocketAddr| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuse_port(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(8).unwrap()
        };
        let first = listen(loopback());
        let second = listen(first.local_addr().unwrap());
        assert_eq!(first.local_addr().unwrap(), second.local_addr().unwrap());
    });
}

#[test]
fn connect_goes_from_a_local_address() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = listener.local_addr().unwrap();
        let local = {
            let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            free.local_addr().unwrap()
        };
        // The first cannot be bound: it is taken.
        let options = ConnectOptions::new().local_addr(to).local_addr(local).nodelay(false);
        let (client, server) = join(TcpStream::connect_with(to, &options), accept(&listener)).await;
        let client = client.unwrap();
        assert_eq!((client.local_addr().unwrap(), server.peer_addr().unwrap()), (local, local));
        assert!(!client.nodelay().unwrap());
        let options = ConnectOptions::new().local_addr("[::1]:0".parse().unwrap());
        let error = TcpStream::connect_with(to, &options).await.unwrap_err();
        assert!(error.to_string().contains("no local address"), "{error}");
        let options = ConnectOptions::new().local_addr(to);
        let error = TcpStream::connect_with(to, &options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&to.to_string()), "{error}");
    });
}

/// Without a delay an attempt that hangs keeps the next from its turn; with one it does not.
#[test]
#[cfg(target_os = "linux")]
fn next_address_waits_for_a_failure_without_a_delay() {
    run(async {
        let deaf =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        deaf.bind(&loopback().into()).unwrap();
        deaf.listen(0).unwrap();
        let deaf_addr = deaf.local_addr().unwrap().as_socket().unwrap();
        let _filler = std::net::TcpStream::connect(deaf_addr).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let with_delay = ConnectOptions::new().happy_eyeballs_delay(Some(Duration::from_millis(1)));
        let patient = ConnectOptions::new().happy_eyeballs_delay(None);
        let mut waits = Box::pin(TcpStream::connect_with([deaf_addr, good], &patient));
        let connect = TcpStream::connect_with([deaf_addr, good], &with_delay);
        let (connected, _server) = join(connect, accept(&listener)).await;
        assert_eq!(connected.unwrap().peer_addr().unwrap(), good);
        std::future::poll_fn(|cx| {
            assert!(waits.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        let timer = bowerbird_timer::sleep(Duration::from_millis(300));
        let mut timer = Box::pin(timer);
        std::future::poll_fn(|cx| {
            assert!(waits.as_mut().poll(cx).is_pending(), "the first has not failed");
            timer.as_mut().poll(cx)
        })
        .await;
    });
}

#[test]
fn all_errors_are_told_together() {
    run(async {
        let closed = || {
            let listener = std::net::TcpListener::bind(loopback()).unwrap();
            listener.local_addr().unwrap()
        };
        let addrs = [closed(), closed(), closed()];
        let error = TcpStream::connect(addrs).await.unwrap_err();
        let all = error.get_ref().unwrap().downcast_ref::<ConnectErrors>().unwrap();
        assert!(all.iter().all(|(_, error)| error.kind() == ErrorKind::ConnectionRefused));
        assert!(all.iter().map(|(address, _)| address).eq(addrs));
    });
}

#[test]
fn udp_socket_is_bound_with_its_options() {
    run(async {
        #[cfg(unix)]
        {
            let one = UdpSocket::bind(loopback()).reuse_port(true).await.unwrap();
            let address = one.local_addr().unwrap();
            let other = UdpSocket::bind(address).reuse_port(true).await.unwrap();
            assert_eq!(other.local_addr().unwrap(), address);
            assert_eq!(UdpSocket::bind(address).await.unwrap_err().kind(), ErrorKind::AddrInUse);
        }
        let one = UdpSocket::bind(loopback()).reuse_address(true).await.unwrap();
        assert!(socket2::SockRef::from(&one).reuse_address().unwrap());
        for only_v6 in [true, false] {
            let Ok(six) = UdpSocket::bind("[::]:0").only_v6(only_v6).await else { continue };
            assert_eq!(socket2::SockRef::from(&six).only_v6().unwrap(), only_v6);
        }
    });
}

#[test]
fn socket_of_another_library_connects() {
    run(async {
        let listener = TcpListener::bind(loopback()).await.unwrap();
        assert!(listener.take_error().unwrap().is_none());
        let kind = socket2::Type::STREAM;
        let made = socket2::Socket::new(socket2::Domain::IPV4, kind, None).unwrap();
        let socket = TcpSocket::from_std(made.into()).unwrap();
        let connect = socket.connect(listener.local_addr().unwrap());
        let (client, server) = join(connect, accept(&listener)).await;
        let client = client.unwrap();
        assert_eq!(client.local_addr().unwrap(), server.peer_addr().unwrap());
        assert!(client.nodelay().unwrap());
    });
}
