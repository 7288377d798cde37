//! Datagrams between processes of one machine.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use bowerbird::net::{UnixDatagram, unix};
use bowerbird::protocols::{DatagramProtocol, DatagramTransport, create_datagram_endpoint};
use bowerbird_tests::{Journal, TempDir, catch, everywhere, on_workers, until};

use crate::support::{end, lost};

/// Writes its calls down: `data <text>`, `error <kind>`, `lost`. An echo answers whoever has an address.
struct Noted {
    journal: Journal,
    transport: Option<DatagramTransport<UnixDatagram>>,
    echoes: bool,
}

impl Noted {
    fn new(journal: &Journal) -> Self {
        Self { journal: journal.clone(), transport: None, echoes: false }
    }

    fn echo(journal: &Journal) -> Self {
        Self { echoes: true, ..Self::new(journal) }
    }
}

impl DatagramProtocol<UnixDatagram> for Noted {
    fn connection_made(&mut self, transport: DatagramTransport<UnixDatagram>) {
        self.transport = Some(transport);
    }
    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        self.journal.note(format!("data {}", String::from_utf8_lossy(data)));
        if let (true, Some(transport)) = (self.echoes, &self.transport) {
            transport.sendto(data, from);
        }
    }
    fn error_received(&mut self, error: io::Error) {
        self.journal.note(format!("error {:?}", error.kind()));
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.journal.note(lost(error));
    }
}

type Created = io::Result<DatagramTransport<UnixDatagram>>;

async fn bound(journal: &Journal, path: &Path) -> Created {
    let protocol = Noted::new(journal);
    create_datagram_endpoint(|| protocol).local_addr(path).await
}

#[test]
fn echo_by_paths_and_the_files_go() {
    everywhere(|| async {
        let directory = TempDir::new();
        let (path, own) = (directory.path().join("echo"), directory.path().join("client"));
        let (theirs, ours) = (Journal::new(), Journal::new());
        let echo = Noted::echo(&theirs);
        let server = create_datagram_endpoint(|| echo).local_addr(&path).await.unwrap();
        assert_eq!(server.local_addr().unwrap().as_pathname(), Some(&*path));
        assert!(server.peer_addr().is_none());

        let protocol = Noted::new(&ours);
        let create = create_datagram_endpoint(|| protocol).local_addr(&own).remote_addr(&path);
        let client = create.await.unwrap();
        assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*path));
        client.sendto(b"one", None);
        client.sendto(b"two", unix::socket_addr(&path).unwrap());
        until(|| ours.lines().len() == 2).await;
        let caught = catch(|| client.sendto(b"x", unix::socket_addr(&own).unwrap()));
        assert!(caught.message.contains("echo"), "{caught:?}");
        server.close();
        client.close();
        end(&theirs).await;
        end(&ours).await;
        theirs.expect(&["data one", "data two", "lost"]);
        ours.expect(&["data one", "data two", "lost"]);
        until(|| !path.exists() && !own.exists()).await;
        assert_eq!(server.local_addr().unwrap().as_pathname(), Some(&*path), "known after the end");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn echo_by_abstract_names() {
    on_workers(1, async {
        let name = format!("\0bowerbird-endpoint-{}", std::process::id());
        let (theirs, ours) = (Journal::new(), Journal::new());
        let echo = Noted::echo(&theirs);
        let _server = create_datagram_endpoint(|| echo).local_addr(&name).await.unwrap();
        let protocol = Noted::new(&ours);
        let create = create_datagram_endpoint(|| protocol).local_addr(format!("{name}-client"));
        let client = create.await.unwrap();
        client.sendto(b"hello", unix::socket_addr(&name).unwrap());
        until(|| ours.lines().len() == 1).await;
        ours.expect(&["data hello"]);
    });
}

/// Nothing could answer it; the one who tries is told.
#[test]
fn answer_to_one_without_an_address_is_an_error() {
    on_workers(1, async {
        let directory = TempDir::new();
        let path = directory.path().join("echo");
        let journal = Journal::new();
        let echo = Noted::echo(&journal);
        let _server = create_datagram_endpoint(|| echo).local_addr(&path).await.unwrap();
        let client = create_datagram_endpoint(|| Noted::new(&Journal::new())).await.unwrap();
        assert!(client.local_addr().is_none());
        client.sendto(b"hello", unix::socket_addr(&path).unwrap());
        until(|| journal.lines().len() == 2).await;
        journal.expect(&["data hello", "error InvalidInput"]);
        let caught = catch(|| client.sendto(b"x", None));
        assert!(caught.message.contains("not connected"), "{caught:?}");
    });
}

/// The system has no event for room in somebody else's queue.
#[test]
fn slow_receiver_gets_everything_in_order() {
    everywhere(|| async {
        let directory = TempDir::new();
        let path = directory.path().join("slow");
        let slow = UnixDatagram::bind(&path).unwrap();
        let client = create_datagram_endpoint(|| Noted::new(&Journal::new())).await.unwrap();
        let to = unix::socket_addr(&path).unwrap();
        let mut sent = 0_u32;
        while client.get_write_buffer_size() < 1000 {
            client.sendto(&sent.to_ne_bytes(), to.clone());
            sent += 1;
        }
        client.close();
        let mut room = [0; 8];
        for expected in 0..sent {
            assert_eq!(slow.recv(&mut room).await.unwrap(), 4);
            assert_eq!(room[..4], expected.to_ne_bytes());
        }
        until(|| client.get_write_buffer_size() == 0).await;
    });
}

#[test]
fn dead_file_is_replaced_and_a_living_one_is_not() {
    on_workers(1, async {
        let directory = TempDir::new();
        let journal = Journal::new();
        let path = directory.path().join("socket");
        drop(std::os::unix::net::UnixDatagram::bind(&path).unwrap());
        assert!(path.exists());
        let _first = bound(&journal, &path).await.unwrap();
        let error = bound(&journal, &path).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("socket"), "{error}");

        let file = directory.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        assert_eq!(bound(&journal, &file).await.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    });
}

#[test]
fn paths_that_cannot_be_say_so() {
    on_workers(1, async {
        let long = "x".repeat(200);
        let error = bound(&Journal::new(), long.as_ref()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("200 bytes"), "{error}");
        let directory = TempDir::new();
        let create = create_datagram_endpoint(|| Noted::new(&Journal::new()));
        let error = create.remote_addr(directory.path().join("missing")).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        let (one, _other) = UnixDatagram::pair().unwrap();
        let create = create_datagram_endpoint(|| Noted::new(&Journal::new())).socket(one);
        let error = create.remote_addr("somewhere").await.unwrap_err();
        assert!(error.to_string().contains("socket() and remote_addr;"), "{error}");
    });
}

#[test]
fn pair_of_ones_own() {
    on_workers(1, async {
        let journal = Journal::new();
        let (one, other) = UnixDatagram::pair().unwrap();
        let protocol = Noted::new(&journal);
        let transport = create_datagram_endpoint(|| protocol).socket(one).await.unwrap();
        transport.sendto(b"there", None);
        let mut room = [0; 8];
        assert_eq!(other.recv(&mut room).await.unwrap(), 5);
        other.send(b"back").await.unwrap();
        until(|| journal.lines().len() == 1).await;
        journal.expect(&["data back"]);
    });
}
