//! Datagrams.

use std::io;
use std::net::SocketAddr;
use std::sync::mpsc;

use bowerbird::LoopHandle;
use bowerbird::net::UdpSocket;
use bowerbird::net::dns::Family;
use bowerbird::protocols::{DatagramProtocol, DatagramTransport, create_datagram_endpoint};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns, until};

use crate::support::{end, lost};

type Act = Box<dyn FnMut(&str, &DatagramTransport) + Send>;

/// Writes its calls down: `made`, `data <text>`, `error <kind>`, `pause`, `resume`, `lost`.
struct Noted {
    journal: Journal,
    act: Act,
    transport: Option<DatagramTransport>,
}

impl Noted {
    fn new(journal: &Journal) -> Self {
        Self { journal: journal.clone(), act: Box::new(|_, _| {}), transport: None }
    }

    fn acting(mut self, act: impl FnMut(&str, &DatagramTransport) + Send + 'static) -> Self {
        self.act = Box::new(act);
        self
    }

    fn hear(&mut self, call: &str, line: String) {
        self.journal.note(line);
        if let Some(transport) = &self.transport {
            (self.act)(call, transport);
        }
    }
}

impl DatagramProtocol for Noted {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.transport = Some(transport);
        self.hear("made", "made".into());
    }
    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        assert!(from.ip().is_loopback());
        self.hear("data", format!("data {}", String::from_utf8_lossy(data)));
    }
    fn error_received(&mut self, error: io::Error) {
        self.hear("error", format!("error {:?}", error.kind()));
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.hear("lost", lost(error));
    }
    fn pause_writing(&mut self) {
        self.hear("pause", "pause".into());
    }
    fn resume_writing(&mut self) {
        self.hear("resume", "resume".into());
    }
}

/// An endpoint that is not connected, and a socket beside it.
async fn endpoint(protocol: Noted) -> (DatagramTransport, UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let create = create_datagram_endpoint(|| protocol).local_addr("127.0.0.1:0");
    (create.await.unwrap(), socket, address)
}

#[test]
fn test_sendto_and_read_ready() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, socket, address) = endpoint(Noted::new(&journal)).await;
        journal.expect(&["made"]);
        transport.sendto(b"question", address);
        assert_eq!(transport.get_write_buffer_size(), 0);
        let mut room = [0; 100];
        let (count, from) = socket.recv_from(&mut room).await.unwrap();
        assert_eq!((&room[..count], Some(from)), (&b"question"[..], transport.local_addr()));
        assert_eq!(transport.peer_addr(), None);
        socket.send_to(b"one", from).await.unwrap();
        socket.send_to(b"", from).await.unwrap();
        socket.send_to(b"two", from).await.unwrap();
        until(|| journal.lines().len() == 4).await;
        transport.close();
        assert!(transport.is_closing());
        end(&journal).await;
        journal.expect(&["made", "data one", "data ", "data two", "lost"]);
    });
}

#[test]
fn test_sendto_no_data() {
    everywhere(|| async {
        let (transport, socket, address) = endpoint(Noted::new(&Journal::new())).await;
        transport.sendto(b"", address);
        assert_eq!(socket.recv_from(&mut [0; 8]).await.unwrap().0, 0);
    });
}

#[test]
fn test_sendto_connected_addr() {
    on_workers(1, async {
        let journal = Journal::new();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let remote = socket.local_addr().unwrap();
        let protocol = Noted::new(&journal);
        let transport = create_datagram_endpoint(|| protocol).remote_addr(remote).await.unwrap();
        assert_eq!(transport.peer_addr(), Some(remote));
        transport.sendto(b"x", None);
        transport.sendto(b"y", remote);
        for expected in [b"x", b"y"] {
            let mut room = [0; 8];
            let (count, from) = socket.recv_from(&mut room).await.unwrap();
            assert_eq!((&room[..count], Some(from)), (&expected[..], transport.local_addr()));
        }
        let other = SocketAddr::from(([127, 0, 0, 1], 1));
        let caught = catch(|| transport.sendto(b"z", other));
        assert!(caught.message.contains(&remote.to_string()), "{caught:?}");
        assert!(caught.file.ends_with("datagrams.rs"), "{caught:?}");
        // From elsewhere nothing is received.
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(b"stranger", transport.local_addr().unwrap()).await.unwrap();
        socket.send_to(b"friend", transport.local_addr().unwrap()).await.unwrap();
        until(|| journal.lines().len() == 2).await;
        journal.expect(&["made", "data friend"]);
    });
}

#[test]
fn sendto_without_an_address_says_so() {
    on_workers(1, async {
        let (transport, ..) = endpoint(Noted::new(&Journal::new())).await;
        let caught = catch(|| transport.sendto(b"x", None));
        assert!(caught.message.contains("not connected"), "{caught:?}");
    });
}

#[test]
fn endpoint_without_any_address_says_so() {
    on_workers(1, async {
        let called = Counted::new();
        let count = called.clone();
        let error = create_datagram_endpoint(move || {
            count.add();
            Noted::new(&Journal::new())
        })
        .await
        .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("local_addr()"), "{error}");
        assert_eq!(called.get(), 0);
    });
}

#[test]
fn addresses_of_two_families_say_so() {
    on_workers(1, async {
        let create = create_datagram_endpoint(|| Noted::new(&Journal::new()));
        let create = create.local_addr("127.0.0.1:0").remote_addr("[::1]:9");
        let error = create.await.unwrap_err();
        assert!(error.to_string().contains("one family"), "{error}");
    });
}

/// Nobody listens there: the system tells a connected socket so, and it goes on.
#[test]
fn test_read_ready_oserr() {
    everywhere(|| async {
        let journal = Journal::new();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let remote = socket.local_addr().unwrap();
        drop(socket);
        let protocol = Noted::new(&journal);
        let transport = create_datagram_endpoint(|| protocol).remote_addr(remote).await.unwrap();
        transport.sendto(b"x", None);
        until(|| journal.lines().len() == 2).await;
        assert!(!transport.is_closing());
        transport.abort();
        end(&journal).await;
        journal.expect(&["made", "error ConnectionRefused", "lost"]);
    });
}

/// More than fits into a datagram.
#[test]
fn test_sendto_error_received() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, _socket, address) = endpoint(Noted::new(&journal)).await;
        transport.sendto(&vec![0; 100_000], address);
        until(|| journal.lines().len() == 2).await;
        assert!(journal.lines()[1].starts_with("error "));
        transport.sendto(&vec![0; 100_000], address);
        // The error comes before the end.
        transport.close();
        end(&journal).await;
        let lines = journal.lines();
        assert_eq!(
            (lines.len(), lines[2].as_str(), lines[3].as_str()),
            (4, lines[1].as_str(), "lost")
        );
    });
}

#[test]
fn test_sendto_closing() {
    let (sender, told) = mpsc::channel();
    on_workers(1, async {
        LoopHandle::current().set_exception_handler(move |unhandled| {
            sender.send(unhandled.to_string()).unwrap();
        });
        let journal = Journal::new();
        let (transport, socket, address) = endpoint(Noted::new(&journal)).await;
        transport.close();
        for _ in 0..10 {
            transport.sendto(b"x", address);
        }
        end(&journal).await;
        turns(3).await;
        journal.expect(&["made", "lost"]);
        assert!(socket.try_recv_from(&mut [0; 8]).is_err());
        assert!(told.recv().unwrap().contains("connection was lost"));
        assert!(told.try_recv().is_err());
    });
}

/// As in asyncio, one bad datagram does not close a server's socket.
#[test]
fn panic_of_datagram_received_is_told_and_the_socket_goes_on() {
    everywhere(|| async {
        let (sender, told) = mpsc::channel();
        LoopHandle::current().set_exception_handler(move |unhandled| {
            sender.send(unhandled.message.clone()).unwrap();
        });
        let journal = Journal::new();
        let protocol = Noted::new(&journal).acting(|call, _| assert!(call != "data", "no data"));
        let (transport, socket, _) = endpoint(protocol).await;
        for line in 2..=3 {
            socket.send_to(b"x", transport.local_addr().unwrap()).await.unwrap();
            until(|| journal.lines().len() == line).await;
        }
        assert!(!transport.is_closing());
        transport.close();
        end(&journal).await;
        let messages: Vec<String> = told.try_iter().collect();
        assert_eq!(messages, ["protocol.datagram_received() failed"; 2]);
    });
}

#[test]
fn socket_of_ones_own() {
    everywhere(|| async {
        let journal = Journal::new();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let protocol = Noted::new(&journal);
        let transport = create_datagram_endpoint(|| protocol).socket(socket).await.unwrap();
        assert_eq!(transport.local_addr(), Some(address));
        transport.with_socket(|socket| socket.set_broadcast(true).unwrap()).unwrap();
        transport.set_protocol(Noted::new(&journal));
        transport.abort();
        end(&journal).await;
        assert_eq!(transport.with_socket(|_| ()), None);
        assert_eq!(transport.local_addr(), Some(address));
        journal.expect(&["made", "lost"]);
    });
}

/// As in asyncio: they would come too late.
#[test]
fn options_beside_a_socket_of_ones_own_say_so() {
    on_workers(1, async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let create = create_datagram_endpoint(|| Noted::new(&Journal::new())).socket(socket);
        let error = create.allow_broadcast(true).reuse_port(true).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        assert!(error.to_string().contains("reuse_port, allow_broadcast;"), "{error}");
    });
}

/// As in asyncio: whoever sends to all hears anybody, not only the address of all.
#[test]
fn endpoint_that_may_broadcast_is_not_connected() {
    everywhere(|| async {
        let journal = Journal::new();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let remote = socket.local_addr().unwrap();
        let protocol = Noted::new(&journal);
        let create = create_datagram_endpoint(|| protocol).local_addr("127.0.0.1:0");
        let transport = create.remote_addr(remote).allow_broadcast(true).await.unwrap();
        assert!(transport.with_socket(|socket| socket.broadcast().unwrap()).unwrap());
        assert_eq!(transport.peer_addr(), None);
        transport.sendto(b"x", None);
        transport.sendto(b"y", remote);
        let mut room = [0; 8];
        for expected in [b"x", b"y"] {
            let (count, _) = socket.recv_from(&mut room).await.unwrap();
            assert_eq!(&room[..count], expected);
        }
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(b"stranger", transport.local_addr().unwrap()).await.unwrap();
        until(|| journal.lines().len() == 2).await;
        journal.expect(&["made", "data stranger"]);
        let caught = catch(|| transport.sendto(b"z", stranger.local_addr().unwrap()));
        assert!(caught.message.contains(&remote.to_string()), "{caught:?}");
    });
}

/// The system refuses to connect to such an address before the option is set.
#[cfg(target_os = "linux")]
#[test]
fn datagram_to_all_arrives() {
    on_workers(1, async {
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let all = SocketAddr::from(([127, 255, 255, 255], port));
        let protocol = Noted::new(&Journal::new());
        let create = create_datagram_endpoint(|| protocol).remote_addr(all);
        let transport = create.allow_broadcast(true).await.unwrap();
        transport.sendto(b"all", None);
        let mut room = [0; 8];
        assert_eq!(socket.recv_from(&mut room).await.unwrap().0, 3);
    });
}

#[cfg(unix)]
#[test]
fn port_is_shared_by_those_who_say_so() {
    on_workers(1, async {
        let new = || Noted::new(&Journal::new());
        let shared = create_datagram_endpoint(new).local_addr("127.0.0.1:0").reuse_port(true);
        let shared = shared.await.unwrap();
        let address = shared.local_addr().unwrap();
        let other = create_datagram_endpoint(new).local_addr(address).reuse_port(true);
        assert_eq!(other.await.unwrap().local_addr(), Some(address));
        let error = create_datagram_endpoint(new).local_addr(address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    });
}

#[test]
fn family_chooses_among_the_addresses() {
    on_workers(1, async {
        let new = || Noted::new(&Journal::new());
        let both: [SocketAddr; 2] = ["[::1]:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()];
        let create = create_datagram_endpoint(new).local_addr(both).family(Family::INET);
        assert!(create.await.unwrap().local_addr().unwrap().is_ipv4());
        // The port alone is the system's choice.
        let transport = create_datagram_endpoint(new).family(Family::INET).await.unwrap();
        let address = transport.local_addr().unwrap();
        assert!(address.ip().is_unspecified() && address.port() != 0);

        let create = create_datagram_endpoint(new).local_addr("127.0.0.1:0").family(Family::INET6);
        let error = create.await.unwrap_err();
        assert!(error.to_string().contains("no address of family INET6"), "{error}");
        let create = create_datagram_endpoint(new).family(Family::from_raw(12345));
        let error = create.await.unwrap_err();
        assert!(error.to_string().contains("give INET or INET6"), "{error}");
    });
}

#[test]
fn test_flowcontrol_of_datagrams() {
    on_workers(1, async {
        let (transport, ..) = endpoint(Noted::new(&Journal::new())).await;
        assert_eq!(transport.get_write_buffer_limits(), (16 * 1024, 64 * 1024));
        transport.set_write_buffer_limits(Some(100), None);
        assert_eq!(transport.get_write_buffer_limits(), (25, 100));
        let caught = catch(|| transport.set_write_buffer_limits(Some(0), Some(1)));
        assert!(caught.file.ends_with("datagrams.rs"), "{caught:?}");
    });
}
