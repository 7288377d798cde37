//! Connections that begin with a session.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::protocols::{connect_accepted_socket, create_connection, create_server};
use bowerbird::streams::Server;
use bowerbird::tls::{TlsAcceptor, TlsConnector, TlsError};
use bowerbird_tests::{Counted, Journal, everywhere, paused, turns, until};

use crate::plain::{Noted, NotedBuffer, end, sockets};
use crate::support::{pair, sides, sides_within};
use crate::tls::{Authority, NAME};

/// Echoes.
fn echo(journal: &Journal) -> Noted {
    let noted = Noted::new(journal);
    let data = noted.data();
    noted.acting(move |call, transport| {
        if call == "data" {
            transport.write(&std::mem::take(&mut *data.lock().unwrap()));
        }
    })
}

async fn serve(journal: &Journal, acceptor: &TlsAcceptor) -> Server {
    let journal = journal.clone();
    create_server(move || echo(&journal), "127.0.0.1:0").tls(acceptor).await.unwrap()
}

#[test]
fn test_create_connection_ssl_1() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let (here, there) = (Journal::new(), Journal::new());
        let server = serve(&there, &acceptor).await;
        let noted = Noted::new(&here);
        let got = noted.data();
        let address = server.local_addr().unwrap();
        let connecting = create_connection(|| noted, address).tls(&connector, NAME);
        let transport = connecting.await.unwrap();
        assert_eq!(here.lines(), ["made"]);
        assert_eq!(transport.peer_addr(), Some(address));
        assert!(transport.with_socket(|socket: &TcpStream| socket.nodelay()).unwrap().unwrap());
        let bytes: Vec<u8> = (0..300_000_u32).map(|number| (number % 251) as u8).collect();
        transport.write(&bytes);
        until(|| got.lock().unwrap().len() == bytes.len()).await;
        assert!(*got.lock().unwrap() == bytes);
        transport.close();
        end(&here).await;
        end(&there).await;
        assert_eq!(here.lines().last().unwrap(), "lost");
        let ends = there.lines().split_off(there.lines().len() - 2);
        assert_eq!(ends, ["eof", "lost"]);
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn test_create_server_ssl_1() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let journal = Journal::new();
        let server = serve(&journal, &acceptor).await;
        for _ in 0..3 {
            let opening = bowerbird::open_connection(server.local_addr().unwrap());
            let (mut reader, writer) = opening.tls(&connector, NAME).await.unwrap();
            writer.write("hello");
            assert_eq!(reader.readexactly(5).await.unwrap(), b"hello");
            writer.close();
            writer.wait_closed().await.unwrap();
        }
        server.close();
        server.wait_closed().await;
        let lost = journal.lines().iter().filter(|line| *line == "lost").count();
        assert_eq!(lost, 3, "{:?}", journal.lines());
    });
}

#[cfg(unix)]
#[test]
fn test_create_ssl_unix_connection() {
    use bowerbird::protocols::{create_unix_connection, create_unix_server};

    everywhere(|| async {
        let (connector, acceptor) = sides();
        let directory = std::env::temp_dir();
        let name =
            format!("bowerbird-tls-{}-{:?}", std::process::id(), std::thread::current().id());
        let path = directory.join(name.replace(['(', ')'], "-"));
        let (here, there) = (Journal::new(), Journal::new());
        let of_server = there.clone();
        let serving = create_unix_server(move || echo(&of_server), &path).tls(&acceptor);
        let server = serving.await.unwrap();
        let noted = Noted::new(&here);
        let connecting = create_unix_connection(|| noted, &path).tls(&connector, NAME);
        let transport = connecting.await.unwrap();
        transport.write(b"hello");
        until(|| here.lines() == ["made", "data 5"]).await;
        transport.close();
        end(&here).await;
        server.close();
        server.wait_closed().await;
    });
}

/// The server's side of a socket that there is already; the client's side too.
#[test]
fn test_ssl_connect_accepted_socket() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let (client, server) = sockets().await;
        let (here, there) = (Journal::new(), Journal::new());
        let (of_client, of_server) = (Noted::new(&here), echo(&there));
        let client = connect_accepted_socket(|| of_client, client).tls((&connector, NAME));
        let server = connect_accepted_socket(|| of_server, server).tls(&acceptor);
        let (client, _server) = bowerbird::try_join((client, server)).await.unwrap();
        client.write(b"hello");
        until(|| here.lines() == ["made", "data 5"]).await;
        client.close();
        end(&there).await;
        there.expect(&["made", "data 5", "eof", "lost"]);
    });
}

#[test]
fn session_is_known_also_after_the_end() {
    everywhere(|| async {
        let authority = Authority::new();
        let identity = authority.sign("a client");
        let connector = authority.client().alpn(["x", "y"]);
        let connector = connector.certificate(identity.chain.as_bytes(), identity.key.as_bytes());
        let connector = connector.unwrap().build().unwrap();
        let acceptor = authority.server().alpn(["y"]).require_client_certificates();
        let acceptor = acceptor.client_root_certificates(authority.pem.as_bytes()).unwrap();
        let acceptor = acceptor.build().unwrap();
        let (client, server) = sockets().await;
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, transport| {
            assert!(transport.tls_info().is_some(), "known in {call}");
        });
        let making = connect_accepted_socket(|| noted, server).tls(&acceptor);
        let handshake = connector.connect(NAME, client);
        let (transport, peer) = bowerbird::try_join((making, handshake)).await.unwrap();
        drop(peer);
        end(&journal).await;
        let info = transport.tls_info().unwrap();
        assert_eq!(info.alpn_protocol.as_deref(), Some(&b"y"[..]));
        assert_eq!(info.server_name.as_deref(), Some(NAME));
        assert_eq!(info.peer_certificates.len(), 1);
        assert!(info.cipher_suite.is_some() && info.protocol_version.is_some());
    });
}

#[test]
fn a_plain_transport_has_no_session() {
    everywhere(|| async {
        let (transport, _peer) = crate::plain::pair(Noted::new(&Journal::new())).await;
        assert_eq!(transport.tls_info(), None);
    });
}

/// Connects with a protocol that must hear nothing, and must be dropped.
async fn fails(connector: &TlsConnector, listener: &TcpListener) -> std::io::Error {
    let (journal, dropped) = (Journal::new(), Counted::new());
    let (noted, guard) = (Noted::new(&journal), dropped.guard());
    let protocol = noted.acting(move |_, _| {
        let _held = &guard;
    });
    let connecting = create_connection(|| protocol, listener.local_addr().unwrap());
    let error = connecting.tls(connector, NAME).await.unwrap_err();
    until(|| dropped.get() == 1).await;
    assert_eq!(journal.lines(), [""; 0]);
    error
}

#[test]
fn test_create_connection_ssl_failed_certificate() {
    everywhere(|| async {
        let (_, acceptor) = sides();
        let (strange, _) = sides();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepting = async {
            let (socket, _) = listener.accept().await.unwrap();
            acceptor.accept(socket).await.unwrap_err()
        };
        let (error, _) = bowerbird::join((fails(&strange, &listener), accepting)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.get_ref().unwrap().is::<TlsError>(), "{error}");
        let text = error.to_string();
        assert!(text.starts_with("the TLS handshake with `bower.example` failed: "), "{text}");
    });
}

#[test]
fn test_ssl_handshake_timeout() {
    paused(async {
        let (connector, _) = sides_within(Duration::from_secs(7));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let start = bowerbird::time::now();
        let accepting = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            // It says nothing, and is left.
            socket.read_to_end(&mut Vec::new()).await
        };
        let (error, _) = bowerbird::join((fails(&connector, &listener), accepting)).await;
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("it took longer than 7s"), "{error}");
        assert_eq!((bowerbird::time::now() - start).as_secs(), 7);
    });
}

#[test]
fn test_ssl_handshake_connection_lost() {
    everywhere(|| async {
        let (connector, _) = sides();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let accepting = async {
            let (mut socket, _) = listener.accept().await.unwrap();
            // All of its greeting is read, so that closing is an end and no reset.
            assert_ne!(socket.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        };
        let (error, ()) = bowerbird::join((fails(&connector, &listener), accepting)).await;
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    });
}

#[test]
fn a_name_that_is_none_is_refused_before_it_connects() {
    everywhere(|| async {
        let (connector, _) = sides();
        let made = Counted::new();
        let factory = {
            let made = made.clone();
            move || {
                made.add();
                Noted::new(&Journal::new())
            }
        };
        let connecting = create_connection(factory, "127.0.0.1:1").tls(&connector, "no name");
        let error = connecting.await.unwrap_err();
        assert!(error.to_string().contains("`no name` is no name of a TLS server"), "{error}");
        assert_eq!(made.get(), 0);
    });
}

/// Anybody can send anything to a server: that client is dropped, and others are served.
#[test]
fn garbage_and_silence_hold_up_nobody() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let journal = Journal::new();
        let server = serve(&journal, &acceptor).await;
        let address = server.local_addr().unwrap();
        let _silent = TcpStream::connect(address).await.unwrap();
        let mut garbage = TcpStream::connect(address).await.unwrap();
        garbage.write_all(&[b'?'; 100]).await.unwrap();
        let _alert_or_reset = garbage.read_to_end(&mut Vec::new()).await;
        let client = TcpStream::connect(address).await.unwrap();
        let mut client = connector.connect(NAME, client).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        client.flush().await.unwrap();
        client.read_exact(&mut [0; 5]).await.unwrap();
        assert_eq!(journal.lines(), ["made", "data 5"]);
        server.close();
        server.abort_clients();
        server.wait_closed().await;
    });
}

/// A client that does not go on with the handshake is not kept.
#[test]
fn silent_client_is_dropped_in_time() {
    paused(async {
        let (_, acceptor) = sides_within(Duration::from_secs(7));
        let journal = Journal::new();
        let server = serve(&journal, &acceptor).await;
        let mut client = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        let start = bowerbird::time::now();
        assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
        assert_eq!((bowerbird::time::now() - start).as_secs(), 7);
        server.close();
        server.wait_closed().await;
        assert_eq!(journal.lines(), [""; 0]);
    });
}

#[test]
fn test_close_during_handshake() {
    everywhere(|| async {
        for aborts in [false, true] {
            let (_, acceptor) = sides();
            let journal = Journal::new();
            let server = serve(&journal, &acceptor).await;
            let mut client = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
            until(|| server.connection_count() == 1).await;
            server.close();
            if aborts {
                server.abort_clients()
            } else {
                server.close_clients()
            }
            server.wait_closed().await;
            assert_eq!(client.read(&mut [0; 10]).await.unwrap(), 0);
            assert_eq!(journal.lines(), [""; 0]);
        }
    });
}

/// Who gives the connecting up during the handshake leaves nothing.
#[test]
fn given_up_handshake_closes_the_connection() {
    everywhere(|| async {
        let (connector, _) = sides();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let journal = Journal::new();
        let noted = Noted::new(&journal);
        let connecting = create_connection(|| noted, listener.local_addr().unwrap());
        let connecting = bowerbird::spawn(connecting.tls(&connector, NAME));
        let (mut socket, _) = listener.accept().await.unwrap();
        assert_ne!(socket.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        connecting.cancel();
        assert_eq!(socket.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        turns(3).await;
        assert_eq!(journal.lines(), [""; 0]);
    });
}

#[test]
fn panic_in_connection_made_ends_the_session() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let (peer, socket) = sockets().await;
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, _| assert_ne!(call, "made"));
        let making = connect_accepted_socket(|| noted, socket).tls(&acceptor);
        let (made, peer) = bowerbird::join((making, connector.connect(NAME, peer))).await;
        assert!(made.unwrap_err().to_string().contains("connection_made() panicked"));
        end(&journal).await;
        journal.expect(&["made", "lost Other"]);
        let _lost = peer.unwrap().read(&mut [0; 1]).await.unwrap_err();
    });
}

#[test]
fn test_start_tls_client_buf_proto_1() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = Noted::new(&journal);
        let got = noted.data();
        let (_transport, mut peer) = pair(NotedBuffer(noted, vec![0; 1000])).await;
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        peer.write_all(&bytes).await.unwrap();
        peer.flush().await.unwrap();
        until(|| got.lock().unwrap().len() == bytes.len()).await;
        assert!(*got.lock().unwrap() == bytes);
        peer.close().await.unwrap();
        end(&journal).await;
        assert!(journal.lines().ends_with(&["eof".to_owned(), "lost".to_owned()]));
        let lines = journal.lines();
        let updates = lines.iter().filter_map(|line| line.strip_prefix("updated "));
        assert!(updates.into_iter().all(|count| count.parse::<usize>().unwrap() <= 1000));
    });
}
