//! Sessions that stand.

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird_tests::everywhere;

use crate::support::{Authority, NAME, handshake, session, tcp_pair};

#[test]
fn bytes_go_both_ways_at_once() {
    everywhere(|| async {
        let (mut client, mut server) = session().await;
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i * 7) as u8).collect();
        let echo = bowerbird::spawn(async move {
            let mut buffer = vec![0; 30_000];
            loop {
                let count = server.read(&mut buffer).await.unwrap();
                if count == 0 {
                    return server.close().await;
                }
                server.write_all(&buffer[..count]).await.unwrap();
                server.flush().await.unwrap();
            }
        });
        let mut received = Vec::new();
        let mut buffer = vec![0; 10_000];
        // More under way than one end reads at a time, and less than stalls both.
        for piece in sent.chunks(40_000) {
            client.write_all(piece).await.unwrap();
            client.flush().await.unwrap();
            let end = received.len() + piece.len();
            while received.len() < end {
                let count = client.read(&mut buffer).await.unwrap();
                received.extend_from_slice(&buffer[..count]);
            }
        }
        client.close().await.unwrap();
        assert_eq!(client.read(&mut buffer).await.unwrap(), 0);
        assert!(received == sent);
        echo.await.unwrap().unwrap();
    });
}

#[test]
fn a_read_sends_what_the_request_before_it_left_unsent() {
    everywhere(|| async {
        let (mut client, mut server) = session().await;
        let request = vec![1_u8; 8_000_000];
        let answer = bowerbird::spawn(async move {
            let mut request = vec![0; 8_000_000];
            server.read_exact(&mut request).await.unwrap();
            server.write_all(b"done").await.unwrap();
            server.flush().await.unwrap();
            server
        });
        // No flush.
        client.write_all(&request).await.unwrap();
        let mut done = [0; 4];
        client.read_exact(&mut done).await.unwrap();
        assert_eq!(&done, b"done");
        drop(answer.await.unwrap());
    });
}

#[test]
fn session_tells_what_was_agreed() {
    everywhere(|| async {
        let authority = Authority::new();
        let connector = authority.client().alpn(["h2", "http/1.1"]).build().unwrap();
        let acceptor = authority.server().alpn(["http/1.1"]).build().unwrap();
        let (client, server) = handshake(&connector, &acceptor, NAME).await;
        let (client, server) = (client.unwrap(), server.unwrap());
        assert_eq!(client.info().alpn_protocol.unwrap(), b"http/1.1");
        assert_eq!(server.info().alpn_protocol.unwrap(), b"http/1.1");
        assert_eq!(server.info().server_name.as_deref(), Some(NAME));
        assert_eq!(client.info().server_name.as_deref(), None);
        assert_eq!(format!("{:?}", client.info().protocol_version.unwrap()), "TLSv1_3");
        assert!(server.info().cipher_suite.unwrap().starts_with("TLS13_"));
        assert_eq!(client.info().peer_certificates.len(), 1);
        assert!(server.info().peer_certificates.is_empty());
    });
}

#[test]
fn client_is_shown_the_certificate_of_the_name_it_asks_for() {
    everywhere(|| async {
        let authority = Authority::new();
        let other = authority.sign("other.example");
        let acceptor = authority
            .server()
            .certificate_for("Other.Example", other.chain.as_bytes(), other.key.as_bytes())
            .unwrap()
            .build()
            .unwrap();
        let connector = authority.client().build().unwrap();
        for name in ["other.example", NAME] {
            let (client, server) = handshake(&connector, &acceptor, name).await;
            client.unwrap();
            assert_eq!(server.unwrap().info().server_name.as_deref(), Some(name));
        }
    });
}

#[test]
fn client_shows_its_certificate() {
    everywhere(|| async {
        let (servers, clients) = (Authority::new(), Authority::new());
        let acceptor = servers
            .server()
            .client_root_certificates(clients.pem.as_bytes())
            .unwrap()
            .require_client_certificates()
            .build()
            .unwrap();
        let identity = clients.sign("client.example");
        let connector = servers
            .client()
            .certificate(identity.chain.as_bytes(), identity.key.as_bytes())
            .unwrap()
            .build()
            .unwrap();
        let (client, server) = handshake(&connector, &acceptor, NAME).await;
        client.unwrap();
        assert_eq!(server.unwrap().info().peer_certificates.len(), 1);
    });
}

#[test]
fn second_session_resumes_the_first() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        for round in 0..3 {
            let (client, server) = handshake(&connector, &acceptor, NAME).await;
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            assert_eq!(client.info().is_resumed, round > 0);
            assert_eq!(server.info().is_resumed, round > 0);
            // The ticket comes with the first answer.
            server.write_all(b"x").await.unwrap();
            server.flush().await.unwrap();
            client.read_exact(&mut [0]).await.unwrap();
        }
    });
}

#[test]
fn live_stream_is_upgraded_in_the_middle() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        let (mut client, mut server) = tcp_pair().await;
        let serving = bowerbird::spawn(async move {
            let mut command = [0; 9];
            server.read_exact(&mut command).await.unwrap();
            assert_eq!(&command, b"STARTTLS\n");
            server.write_all(b"go\n").await.unwrap();
            let mut server = acceptor.accept(server).await.unwrap();
            let mut secret = [0; 6];
            server.read_exact(&mut secret).await.unwrap();
            secret
        });
        client.write_all(b"STARTTLS\n").await.unwrap();
        client.read_exact(&mut [0; 3]).await.unwrap();
        let mut client = connector.connect(NAME, client).await.unwrap();
        client.write_all(b"secret").await.unwrap();
        client.flush().await.unwrap();
        assert_eq!(&serving.await.unwrap(), b"secret");
    });
}
