//! Peers that are slow, absent, cut off or no TLS at all.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::net::TcpStream;
use bowerbird_tests::{everywhere, paused};

use crate::support::{Authority, NAME, tcp_pair};

#[test]
fn silent_peer_is_given_up_after_the_limit() {
    paused(async {
        let authority = Authority::new();
        let connector =
            authority.client().handshake_timeout(Duration::from_secs(7)).build().unwrap();
        let acceptor = authority.server().build().unwrap();

        let (client, _server) = tcp_pair().await;
        let start = bowerbird::time::now();
        let error = connector.connect(NAME, client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().ends_with(": it took longer than 7s"), "{error}");
        assert_eq!((bowerbird::time::now() - start).as_secs(), 7);

        let (_client, server) = tcp_pair().await;
        let start = bowerbird::time::now();
        let error = acceptor.accept(server).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!((bowerbird::time::now() - start).as_secs(), 60);
    });
}

#[test]
fn what_is_no_tls_is_refused() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        let texts: [&[u8]; 4] = [
            b"GET / HTTP/1.1\r\n\r\n",
            &[0; 100],
            &[0xff; 100],
            &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 9],
        ];
        for garbage in texts {
            let (mut client, server) = tcp_pair().await;
            client.write_all(garbage).await.unwrap();
            let error = acceptor.accept(server).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{garbage:?}: {error}");

            let (client, mut server) = tcp_pair().await;
            server.write_all(garbage).await.unwrap();
            let error = connector.connect(NAME, client).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{garbage:?}: {error}");
        }
    });
}

/// What a client sends first.
async fn client_hello() -> Vec<u8> {
    let authority = Authority::new();
    let (client, mut server) = tcp_pair().await;
    let connector = authority.client().build().unwrap();
    let connecting =
        bowerbird::spawn(async move { connector.connect(NAME, client).await.map(drop) });
    let mut header = [0; 5];
    server.read_exact(&mut header).await.unwrap();
    let mut hello = header.to_vec();
    hello.resize(5 + usize::from(u16::from_be_bytes([header[3], header[4]])), 0);
    server.read_exact(&mut hello[5..]).await.unwrap();
    drop(server);
    assert!(connecting.await.unwrap().is_err());
    hello
}

async fn cut(client: TcpStream, by_reset: bool) {
    if by_reset {
        client.set_linger(Some(Duration::ZERO)).unwrap();
    }
    drop(client);
}

#[test]
fn client_that_is_cut_off_anywhere_is_an_error() {
    everywhere(|| async {
        let hello = client_hello().await;
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let lengths = (0..hello.len()).step_by(17).chain([1, 4, 5, 6, hello.len() - 1]);
        for length in lengths {
            for by_reset in [false, true] {
                let (mut client, server) = tcp_pair().await;
                client.write_all(&hello[..length]).await.unwrap();
                cut(client, by_reset).await;
                let error = acceptor.accept(server).await.unwrap_err();
                let expected =
                    if by_reset { ErrorKind::ConnectionReset } else { ErrorKind::UnexpectedEof };
                assert_eq!(error.kind(), expected, "{length} bytes: {error}");
            }
        }
    });
}

#[test]
fn hello_in_single_bytes_is_understood() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        // A relay between the two that passes bytes on one by one.
        let (client, relay_in) = tcp_pair().await;
        let (relay_out, server) = tcp_pair().await;
        let relay = bowerbird::spawn(async move {
            let (mut from_client, mut to_client) = relay_in.into_split();
            let (mut from_server, mut to_server) = relay_out.into_split();
            let there = async {
                let mut byte = [0];
                while from_client.read(&mut byte).await.unwrap() > 0 {
                    to_server.write_all(&byte).await.unwrap();
                }
            };
            let back = async {
                let mut byte = [0];
                while from_server.read(&mut byte).await.unwrap() > 0 {
                    to_client.write_all(&byte).await.unwrap();
                }
            };
            bowerbird::race((there, back)).await;
        });
        let (client, server) =
            bowerbird::join((connector.connect(NAME, client), acceptor.accept(server))).await;
        client.unwrap();
        server.unwrap();
        relay.cancel();
    });
}
