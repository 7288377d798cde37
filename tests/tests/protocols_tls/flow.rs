//! Bytes that come and go, and their flow control.

use std::thread;

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird::net::TcpStream;
use bowerbird::protocols::{Transport, connect_accepted_socket, start_tls};
use bowerbird::tls::TlsStream;
use bowerbird_tests::{Journal, everywhere, turns, until};

use crate::plain::{self, Noted, NotedBuffer, end, fill, sockets};
use crate::support::{pair, sides};
use crate::tls::NAME;

async fn drain(peer: &mut TlsStream<TcpStream>, count: usize) {
    let mut room = vec![0; count];
    peer.read_exact(&mut room).await.unwrap();
}

#[test]
fn pauses_and_resumes_come_in_pairs() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        for round in 1..=3 {
            let count = fill(&transport);
            until(|| journal.lines().len() == 2 * round).await;
            drain(&mut peer, count).await;
            until(|| journal.lines().len() == 2 * round + 1).await;
            assert!(transport.get_write_buffer_size() <= transport.get_write_buffer_limits().0);
        }
        journal.expect(&["made", "pause", "resume", "pause", "resume", "pause", "resume"]);
    });
}

#[test]
fn pieces_are_sent_in_order() {
    everywhere(|| async {
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let pieces: Vec<Vec<u8>> = (0..150_u8).map(|number| vec![number; 70_001]).collect();
        transport.writelines([&b"one"[..], b"", b"two"]);
        transport.writelines(&pieces);
        assert_ne!(transport.get_write_buffer_size(), 0);
        transport.write(b"three");
        transport.close();
        let mut all = b"onetwo".to_vec();
        all.extend(pieces.concat());
        all.extend_from_slice(b"three");
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        assert!(got == all);
    });
}

/// What is decrypted already is given when reading goes on: nothing has to come for that.
#[test]
fn what_was_read_while_paused_is_not_forgotten() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, transport| {
            if call == "updated" {
                transport.pause_reading();
            }
        });
        let (transport, mut peer) = pair(NotedBuffer(noted, vec![0; 1000])).await;
        peer.write_all(&[7; 10_000]).await.unwrap();
        peer.flush().await.unwrap();
        for round in 1..=10 {
            until(|| journal.lines().len() == round + 1).await;
            turns(3).await;
            assert_eq!(journal.lines().len(), round + 1, "it pauses");
            transport.resume_reading();
        }
        assert!(journal.lines()[1..].iter().all(|line| line == "updated 1000"));
    });
}

#[test]
fn test_set_new_app_protocol() {
    everywhere(|| async {
        let (first, second) = (Journal::new(), Journal::new());
        let (transport, mut peer) = pair(Noted::new(&first)).await;
        transport.set_protocol(Noted::new(&second));
        peer.write_all(b"hello").await.unwrap();
        peer.close().await.unwrap();
        end(&second).await;
        first.expect(&["made"]);
        second.expect(&["data 5", "eof", "lost"]);
    });
}

async fn read_out(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut room = vec![0; 100_000];
    while matches!(stream.read(&mut room).await, Ok(count) if count > 0) {}
}

/// Aborts on another thread, sooner or later.
fn abort(transport: &Transport, after: usize) -> thread::JoinHandle<()> {
    let transport = transport.clone();
    thread::spawn(move || {
        for _ in 0..after {
            thread::yield_now();
        }
        transport.abort();
    })
}

/// A thread aborts while the task sends: what was dropped is not missed.
#[test]
fn threads_abort_while_the_task_sends() {
    everywhere(|| async {
        for round in 0..20 {
            let journal = Journal::new();
            let (transport, mut peer) = pair(Noted::new(&journal)).await;
            fill(&transport);
            let thread = abort(&transport, round * 50);
            read_out(&mut peer).await;
            end(&journal).await;
            thread.join().unwrap();
            assert_eq!(journal.lines().last().unwrap(), "lost");
        }
    });
}

/// The same while what was written before a session goes.
#[test]
fn threads_abort_before_a_session() {
    everywhere(|| async {
        let (connector, _) = sides();
        for round in 0..20 {
            let journal = Journal::new();
            let (transport, mut peer) = plain::pair(Noted::new(&journal)).await;
            fill(&transport);
            let upgrade = bowerbird::spawn(start_tls(&transport, (&connector, NAME)));
            let thread = abort(&transport, round * 50);
            read_out(&mut peer).await;
            end(&journal).await;
            thread.join().unwrap();
            assert_eq!(journal.lines().last().unwrap(), "lost");
            assert!(upgrade.await.unwrap().is_err());
        }
    });
}

/// Threads write while both tasks read and write: nothing is lost, doubled or out of order.
#[test]
fn threads_write_while_the_tasks_read() {
    const COUNT: usize = 2_000_000;

    everywhere(|| async {
        let (connector, acceptor) = sides();
        let (client, server) = sockets().await;
        let (here, there) = (Journal::new(), Journal::new());
        let (of_client, of_server) = (Noted::new(&here), Noted::new(&there));
        let got = [of_client.data(), of_server.data()];
        let client = connect_accepted_socket(|| of_client, client).tls((&connector, NAME));
        let server = connect_accepted_socket(|| of_server, server).tls(&acceptor);
        let (client, server) = bowerbird::try_join((client, server)).await.unwrap();
        let all: Vec<u8> = (0..COUNT).map(|number| (number % 251) as u8).collect();
        let writers = [(client.clone(), 997), (server.clone(), 30_011)].map(|(transport, size)| {
            let all = all.clone();
            thread::spawn(move || {
                for (round, piece) in all.chunks(size).enumerate() {
                    match round % 3 {
                        0 => transport.writelines(piece.chunks(size / 3 + 1)),
                        _ => transport.write(piece),
                    }
                }
            })
        });
        until(|| got.iter().all(|data| data.lock().unwrap().len() >= COUNT)).await;
        for writer in writers {
            writer.join().unwrap();
        }
        for data in got {
            assert!(*data.lock().unwrap() == all);
        }
        client.close();
        end(&here).await;
        end(&there).await;
        for journal in [here, there] {
            assert_eq!(journal.lines().last().unwrap(), "lost");
        }
    });
}
