//! How a session ends.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird_tests::{everywhere, paused};

use crate::support::{session, session_within};

#[test]
fn close_is_the_end_for_the_peer_who_may_still_answer() {
    everywhere(|| async {
        let (mut client, mut server) = session().await;
        client.write_all(b"last words").await.unwrap();
        client.close().await.unwrap();
        let mut words = Vec::new();
        server.read_to_end(&mut words).await.unwrap();
        assert_eq!(words, b"last words");
        server.write_all(b"answer").await.unwrap();
        server.close().await.unwrap();
        let mut answer = Vec::new();
        client.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    });
}

#[test]
fn nothing_can_be_written_after_close() {
    everywhere(|| async {
        let (mut client, _server) = session().await;
        client.close().await.unwrap();
        let error = client.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(error.to_string(), "the TLS session was closed on this side");
        // These are no errors.
        client.flush().await.unwrap();
        client.close().await.unwrap();
    });
}

#[test]
fn end_that_nobody_announced_is_an_error() {
    everywhere(|| async {
        let (mut client, server) = session().await;
        drop(server);
        let error = client.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof, "{error}");
    });
}

#[test]
fn peer_that_takes_nothing_does_not_hold_up_the_end() {
    paused(async {
        let (mut client, server) = session_within(Duration::from_secs(3)).await;
        // More than the buffers of both ends hold.
        let bytes = vec![0; 1 << 20];
        while bowerbird::timeout(Duration::from_secs(1), client.write_all(&bytes)).await.is_ok() {}
        let start = bowerbird::time::now();
        let error = client.close().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let text = "the end of the TLS session could not be sent: it took longer than 3s";
        assert_eq!(error.to_string(), text);
        assert_eq!((bowerbird::time::now() - start).as_secs(), 3);
        drop(server);
    });
}

#[test]
fn bytes_changed_under_way_are_refused() {
    everywhere(|| async {
        let (mut client, mut server) = session().await;
        client.get_mut().write_all(&[23, 3, 3, 0, 20]).await.unwrap();
        client.get_mut().write_all(&[7; 20]).await.unwrap();
        let error = server.read(&mut [0; 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "{error}");
    });
}
