//! `start_tls` on a live transport.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird::protocols::{Protocol, start_tls};
use bowerbird_tests::{Journal, everywhere, on_workers, paused, turns, until};

use crate::plain::{Noted, end, fill, pair};
use crate::support::{sides, sides_within};
use crate::tls::NAME;

#[test]
fn test_start_tls_client_reg_proto_1() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        peer.write_all(b"plain").await.unwrap();
        until(|| journal.lines() == ["made", "data 5"]).await;
        transport.write(b"hello");
        let upgrade = start_tls(&transport, (&connector, NAME));
        let accept = async {
            peer.read_exact(&mut [0; 5]).await.unwrap();
            acceptor.accept(peer).await
        };
        let ((), mut peer) = bowerbird::try_join((upgrade, accept)).await.unwrap();
        assert_eq!(transport.tls_info().unwrap().peer_certificates.len(), 1);
        transport.write(b"secret");
        peer.read_exact(&mut [0; 6]).await.unwrap();
        peer.write_all(b"answer!").await.unwrap();
        peer.close().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "data 7", "eof", "lost"]);
    });
}

/// The server lets the client begin: it pauses reading, and goes on with another protocol.
#[test]
fn test_start_tls_server_1() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let (first, second) = (Journal::new(), Journal::new());
        let noted = Noted::new(&first).acting(|call, transport| {
            if call == "data" {
                transport.pause_reading();
                transport.write(b"go ahead");
            }
        });
        let (transport, mut peer) = pair(noted).await;
        let client = async {
            peer.write_all(b"STARTTLS").await.unwrap();
            peer.read_exact(&mut [0; 8]).await.unwrap();
            let mut peer = connector.connect(NAME, peer).await?;
            peer.write_all(b"secret").await?;
            peer.flush().await?;
            std::io::Result::Ok(peer)
        };
        let journal = first.clone();
        let upgrade = async {
            until(|| journal.lines().len() == 2).await;
            start_tls(&transport, &acceptor).protocol(Noted::new(&second)).await
        };
        let ((), mut peer) = bowerbird::try_join((upgrade, client)).await.unwrap();
        until(|| second.lines() == ["data 6"]).await;
        peer.close().await.unwrap();
        end(&second).await;
        first.expect(&["made", "data 8"]);
        second.expect(&["data 6", "eof", "lost"]);
    });
}

/// What waits goes before the session, in plain text; what is written meanwhile goes through it.
#[test]
fn what_was_written_before_is_plain_and_the_rest_is_not() {
    everywhere(|| async {
        let (connector, acceptor) = sides();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        let upgrade = bowerbird::spawn(start_tls(&transport, (&connector, NAME)));
        turns(5).await;
        transport.write(b"secret");
        assert!(transport.get_write_buffer_size() > 6);
        crate::plain::drain(&mut peer, count).await;
        let mut peer = acceptor.accept(peer).await.unwrap();
        let mut secret = [0; 6];
        peer.read_exact(&mut secret).await.unwrap();
        upgrade.await.unwrap().unwrap();
        assert_eq!(&secret, b"secret");
        journal.expect(&["made", "pause", "resume"]);
    });
}

#[test]
fn test_start_tls_client_corrupted_ssl() {
    everywhere(|| async {
        let (connector, _) = sides();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let upgrade = bowerbird::spawn(start_tls(&transport, (&connector, NAME)));
        assert_ne!(peer.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        peer.write_all(b"please do not").await.unwrap();
        let error = upgrade.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
        end(&journal).await;
        journal.expect(&["made", "lost InvalidData"]);
    });
}

#[test]
fn test_handshake_timeout() {
    paused(async {
        let (connector, _) = sides_within(Duration::from_secs(7));
        let journal = Journal::new();
        let (transport, _peer) = pair(Noted::new(&journal)).await;
        let start = bowerbird::time::now();
        let error = start_tls(&transport, (&connector, NAME)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!((bowerbird::time::now() - start).as_secs(), 7);
        end(&journal).await;
        journal.expect(&["made", "lost TimedOut"]);
    });
}

#[test]
fn test_start_tls_slow_client_cancel() {
    everywhere(|| async {
        let (connector, _) = sides();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let upgrade = bowerbird::spawn(start_tls(&transport, (&connector, NAME)));
        assert_ne!(peer.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        upgrade.cancel();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
        assert!(upgrade.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn close_during_the_handshake_is_an_end() {
    everywhere(|| async {
        let (connector, _) = sides();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let upgrade = bowerbird::spawn(start_tls(&transport, (&connector, NAME)));
        assert_ne!(peer.read(&mut vec![0; 100_000]).await.unwrap(), 0);
        transport.close();
        let error = upgrade.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
        end(&journal).await;
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn test_start_tls_wrong_args() {
    on_workers(1, async {
        let (connector, acceptor) = sides();
        let side = || (&connector, NAME);
        let journal = Journal::new();

        let (transport, _peer) = pair(Noted::new(&journal)).await;
        let error = start_tls(&transport, (&connector, "no name")).await.unwrap_err();
        assert!(error.to_string().contains("no name of a TLS server"), "{error}");
        transport.write_eof();
        let error = start_tls(&transport, side()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        transport.abort();
        let error = start_tls(&transport, side()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        assert!(error.to_string().contains("that is closing"), "{error}");

        let (transport, _peer) = crate::support::pair(Noted::new(&journal)).await;
        let error = start_tls(&transport, &acceptor).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("over TLS already"), "{error}");
        transport.write(b"nothing has changed");
    });
}

#[cfg(unix)]
#[test]
fn a_pipe_cannot_be_upgraded() {
    struct Quiet;
    impl Protocol for Quiet {}

    on_workers(1, async {
        let (_, acceptor) = sides();
        let (sender, _receiver) = bowerbird::net::pipe::pipe().unwrap();
        let transport = bowerbird::protocols::connect_write_pipe(|| Quiet, sender).await.unwrap();
        let error = start_tls(&transport, &acceptor).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}
