//! What connections and servers may be made with.

use std::io::ErrorKind;
use std::net::SocketAddr;

use bowerbird::net::{ConnectErrors, TcpListener, TcpSocket, TcpStream};
use bowerbird::protocols::{create_connection, create_server};
use bowerbird_tests::{Journal, everywhere, until};

use crate::support::Noted;

fn quiet() -> Noted {
    Noted::new(&Journal::new())
}

/// An address that refuses connections for as long as the socket is there.
fn refusing() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[test]
fn test_create_connection_local_addr() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        // Elsewhere there is only one address of this machine.
        let own = if cfg!(target_os = "linux") { "127.0.0.2:0" } else { "127.0.0.1:0" };
        let local: SocketAddr = own.parse().unwrap();
        let transport = create_connection(quiet, address).local_addr(local).await.unwrap();
        assert_eq!(transport.local_addr().unwrap().ip(), local.ip());
    });
}

#[test]
fn test_create_connection_local_addr_in_use() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connecting = create_connection(quiet, address).local_addr(address);
        assert_eq!(connecting.await.unwrap_err().kind(), ErrorKind::AddrInUse);
    });
}

#[test]
fn test_create_connection_local_addr_nomatch_family() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connecting = create_connection(quiet, listener.local_addr().unwrap());
        let error = connecting.local_addr("[::1]:0".parse().unwrap()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("no local address of the family"), "{error}");
    });
}

/// The addresses are tried in order; the first that can be connected is it.
#[test]
fn test_create_connection_multiple() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_held, refuses) = refusing();
        let connecting = create_connection(quiet, [refuses, address]);
        let transport = connecting.happy_eyeballs_delay(None).interleave(0).await.unwrap();
        assert_eq!(transport.peer_addr(), Some(address));
    });
}

#[test]
fn test_create_connection_multiple_errors() {
    everywhere(|| async {
        let ((_first, one), (_second, two)) = (refusing(), refusing());
        let error = create_connection(quiet, [one, two]).interleave(2).await.unwrap_err();
        let all = error.get_ref().unwrap().downcast_ref::<ConnectErrors>().unwrap();
        assert!(all.iter().map(|(address, _)| address).eq([one, two]), "{error}");
    });
}

#[test]
fn a_family_can_be_asked_for() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let four = listener.local_addr().unwrap();
        let six: SocketAddr = (std::net::Ipv6Addr::LOCALHOST, four.port()).into();
        let transport = create_connection(quiet, [six, four]).only_v4().await.unwrap();
        assert_eq!(transport.peer_addr(), Some(four));
        let error = create_connection(quiet, four).only_v6().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let opening = bowerbird::open_connection(four).only_v6();
        assert_eq!(opening.await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn test_create_server_reuse_port() {
    everywhere(|| async {
        let serve = |address| create_server(quiet, address);
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let alone = serve(any).await.unwrap();
        let taken = serve(alone.local_addr().unwrap()).await.unwrap_err();
        assert_eq!(taken.kind(), ErrorKind::AddrInUse);
        let first = serve(any).reuse_port(true).backlog(5).await.unwrap();
        let second = serve(first.local_addr().unwrap()).reuse_port(true).await.unwrap();
        assert_eq!(first.local_addr(), second.local_addr());
    });
}

#[test]
fn clients_of_a_server_can_be_kept_alive_and_of_one_family() {
    everywhere(|| async {
        let journal = Journal::new();
        let of_server = journal.clone();
        let factory = move || {
            Noted::new(&of_server).acting(|call, transport| {
                let keeps = || transport.with_socket(|socket: &TcpStream| socket.keepalive());
                assert!(call != "made" || keeps().unwrap().unwrap());
            })
        };
        let six: SocketAddr = (std::net::Ipv6Addr::LOCALHOST, 0).into();
        let serving = create_server(factory, "127.0.0.1:0").address(six);
        let server = serving.only_v4().keep_alive(true).await.unwrap();
        assert_eq!(server.local_addrs().len(), 1);
        let _client = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        until(|| journal.lines() == ["made"]).await;
    });
}
