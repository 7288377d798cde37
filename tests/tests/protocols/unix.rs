//! Connections over Unix sockets.

use bowerbird::net::{UnixListener, UnixStream};
use bowerbird::protocols::{connect_accepted_socket, create_unix_connection, create_unix_server};
use bowerbird_tests::{Journal, everywhere, until};

use crate::support::{Noted, end};

#[test]
fn create_unix_connection_works() {
    everywhere(|| async {
        let directory = std::env::temp_dir().join(format!(
            "bowerbird-protocols-{}-{:?}",
            std::process::id(),
            std::time::SystemTime::now()
        ));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let journal = Journal::new();
        let protocol = Noted::new(&journal);
        let transport = create_unix_connection(|| protocol, &path).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        assert_eq!(transport.peer_addr(), None, "no internet address");
        let path_of_peer =
            transport.with_socket(|socket: &UnixStream| socket.peer_addr().unwrap()).unwrap();
        assert_eq!(path_of_peer.as_pathname(), Some(path.as_path()));
        transport.write(b"question");
        let mut question = [0; 8];
        peer.read_exact(&mut question).await.unwrap();
        peer.write_all(b"answer").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        peer.shutdown().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 6", "eof", "lost"]);

        let missing = directory.join("missing");
        let protocol = Noted::new(&journal);
        let error = create_unix_connection(|| protocol, missing).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
        drop(listener);
        std::fs::remove_dir_all(&directory).unwrap();
    });
}

#[test]
fn both_ends_may_be_protocols() {
    everywhere(|| async {
        let (left, right) = UnixStream::pair().unwrap();
        let journals = [Journal::new(), Journal::new()];
        let echo = Noted::new(&journals[0]).acting(|call, transport| {
            if call == "data" {
                transport.write(b"echo");
                transport.close();
            }
        });
        let quiet = Noted::new(&journals[1]);
        connect_accepted_socket(|| echo, left).await.unwrap();
        let transport = connect_accepted_socket(|| quiet, right).await.unwrap();
        transport.write(b"sound");
        end(&journals[0]).await;
        end(&journals[1]).await;
        journals[0].expect(&["made", "data 5", "lost"]);
        journals[1].expect(&["made", "data 4", "eof", "lost"]);
    });
}

#[test]
fn create_unix_server_works() {
    everywhere(|| async {
        let directory = std::env::temp_dir().join(format!(
            "bowerbird-protocols-server-{}-{:?}",
            std::process::id(),
            std::time::SystemTime::now()
        ));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("socket");
        let journal = Journal::new();
        let of_server = journal.clone();
        let server = create_unix_server(move || Noted::new(&of_server), &path).await.unwrap();
        let mut client = UnixStream::connect(&path).await.unwrap();
        client.write_all(b"hello").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        drop(client);
        server.close();
        server.wait_closed().await;
        journal.expect(&["made", "data 5", "eof", "lost"]);
        assert!(!path.exists());
        std::fs::remove_dir_all(&directory).unwrap();
    });
}
