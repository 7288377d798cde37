//! Servers of protocols.

use std::sync::mpsc;

use bowerbird::net::TcpStream;
use bowerbird::protocols::{create_connection, create_server};
use bowerbird::{LoopHandle, spawn};
use bowerbird_tests::{Counted, Journal, everywhere, turns, until};

use crate::support::{Noted, end};

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

fn count(journal: &Journal, what: &str) -> usize {
    journal.lines().iter().filter(|line| line.starts_with(what)).count()
}

#[test]
fn each_client_has_a_protocol_of_its_own() {
    everywhere(|| async {
        let journal = Journal::new();
        let of_server = journal.clone();
        let server = create_server(move || echo(&of_server), "127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let clients: Vec<_> = (0..20_u8)
            .map(|number| {
                spawn(async move {
                    let mut client = TcpStream::connect(address).await.unwrap();
                    client.write_all(&[number; 100]).await.unwrap();
                    let mut room = [0; 100];
                    client.read_exact(&mut room).await.unwrap();
                    assert_eq!(room, [number; 100]);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.close();
        server.wait_closed().await;
        assert_eq!((count(&journal, "made"), count(&journal, "lost")), (20, 20));
        assert!(TcpStream::connect(address).await.is_err());
    });
}

#[test]
fn test_close_clients_and_abort_clients() {
    everywhere(|| async {
        for aborts in [false, true] {
            let journal = Journal::new();
            let of_server = journal.clone();
            let server =
                create_server(move || Noted::new(&of_server), "127.0.0.1:0").await.unwrap();
            let mut client = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
            until(|| count(&journal, "made") == 1).await;
            assert_eq!(server.connection_count(), 1);
            server.close();
            turns(3).await;
            journal.expect(&["made"]);
            if aborts {
                server.abort_clients()
            } else {
                server.close_clients()
            }
            assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
            server.wait_closed().await;
            journal.expect(&["made", "lost"]);
        }
    });
}

/// The server waits for its clients' protocols, not only for their sockets.
#[test]
fn test_wait_closed_waits_for_connection_lost() {
    everywhere(|| async {
        let journal = Journal::new();
        let of_server = journal.clone();
        let server = create_server(move || Noted::new(&of_server), "127.0.0.1:0").await.unwrap();
        let mut client = TcpStream::connect(server.local_addr().unwrap()).await.unwrap();
        until(|| count(&journal, "made") == 1).await;
        server.close();
        let waiting = spawn({
            let (server, journal) = (server.clone(), journal.clone());
            async move {
                server.wait_closed().await;
                journal.note("closed");
            }
        });
        client.shutdown().await.unwrap();
        waiting.await.unwrap();
        journal.expect(&["made", "eof", "lost", "closed"]);
    });
}

#[test]
fn panic_of_a_factory_ends_one_connection() {
    everywhere(|| async {
        let (sender, told) = mpsc::channel();
        LoopHandle::current().set_exception_handler(move |unhandled| {
            sender.send(unhandled.message.clone()).unwrap();
        });
        let journal = Journal::new();
        let of_server = journal.clone();
        let calls = Counted::new();
        let factory = move || {
            calls.add();
            assert!(calls.get() != 1, "not the first");
            Noted::new(&of_server)
        };
        let server = create_server(factory, "127.0.0.1:0").await.unwrap();
        let address = server.local_addr().unwrap();
        let mut first = TcpStream::connect(address).await.unwrap();
        assert_eq!(first.read(&mut [0; 1]).await.unwrap(), 0);
        assert_eq!(told.recv().unwrap(), "Error on transport creation for incoming connection");
        let second = TcpStream::connect(address).await.unwrap();
        until(|| count(&journal, "made") == 1).await;
        assert_eq!(server.connection_count(), 1);
        drop(second);
        end(&journal).await;
    });
}

/// Both ends are protocols, and the server's options are those of `start_server`.
#[test]
fn create_connection_meets_create_server() {
    everywhere(|| async {
        let (here, there) = (Journal::new(), Journal::new());
        let of_server = there.clone();
        let server = create_server(move || echo(&of_server), "127.0.0.1:0")
            .max_connections(1)
            .reuse_port(true)
            .backlog(7);
        let server = server.await.unwrap();
        let address = server.local_addr().unwrap();
        for _ in 0..3 {
            let protocol = Noted::new(&here).acting(|call, transport| match call {
                "made" => transport.write(b"sound"),
                "data" => transport.close(),
                _ => {}
            });
            let transport = create_connection(|| protocol, address).await.unwrap();
            until(|| transport.is_closing()).await;
            until(|| count(&here, "lost") == count(&here, "made")).await;
        }
        until(|| count(&there, "lost") == 3).await;
        there.expect(&["made", "data 5", "eof", "lost"].repeat(3));
        server.close();
        server.wait_closed().await;
    });
}
