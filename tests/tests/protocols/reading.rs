//! Bytes that come.

use bowerbird::protocols::{Protocol, Transport};
use bowerbird_tests::{Journal, everywhere, turns, until};

use crate::support::{Noted, NotedBuffer, end, pair};

#[test]
fn test_pause_resume_reading() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = Noted::new(&journal);
        let data = protocol.data();
        let (transport, mut peer) = pair(protocol).await;
        assert!(transport.is_reading());
        transport.pause_reading();
        transport.pause_reading();
        assert!(!transport.is_reading());
        peer.write_all(b"hello").await.unwrap();
        turns(20).await;
        journal.expect(&["made"]);
        transport.resume_reading();
        transport.resume_reading();
        assert!(transport.is_reading());
        until(|| data.lock().unwrap().as_slice() == b"hello").await;

        transport.close();
        assert!(!transport.is_reading());
        transport.pause_reading();
        transport.resume_reading();
        assert!(!transport.is_reading());
        end(&journal).await;
    });
}

/// `pause_reading` in `connection_made`: nothing is read before `resume_reading`.
#[test]
fn test_pause_reading_connection_made() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = Noted::new(&journal).acting(|call, transport| {
            if call == "made" {
                transport.pause_reading();
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        peer.write_all(b"hello").await.unwrap();
        turns(20).await;
        journal.expect(&["made"]);
        transport.resume_reading();
        until(|| journal.lines().len() == 2).await;
        journal.expect(&["made", "data 5"]);
    });
}

/// A pause inside of `data_received` holds from then on, although more is there.
#[test]
fn pause_in_a_call_stops_the_next_one() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedBuffer(
            Noted::new(&journal).acting(|call, transport| {
                if call == "updated" {
                    transport.pause_reading();
                }
            }),
            vec![0; 2],
        );
        let (transport, mut peer) = pair(protocol).await;
        peer.write_all(b"abcde").await.unwrap();
        until(|| !transport.is_reading()).await;
        turns(20).await;
        journal.expect(&["made", "updated 2"]);
        transport.resume_reading();
        until(|| journal.lines().len() == 3).await;
        turns(20).await;
        journal.expect(&["made", "updated 2", "updated 2"]);
    });
}

#[test]
fn test_read_ready_eof_keep_open() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal).keeping_open()).await;
        peer.shutdown().await.unwrap();
        until(|| journal.lines().len() == 2).await;
        assert!(!transport.is_closing());
        // Asking for more does not bring the end once more.
        transport.pause_reading();
        transport.resume_reading();
        transport.write(b"answer");
        let mut answer = [0; 6];
        peer.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
        turns(10).await;
        journal.expect(&["made", "eof"]);
        transport.close();
        end(&journal).await;
        journal.expect(&["made", "eof", "lost"]);
    });
}

/// What is left to send is sent before the end that `eof_received` asks for.
#[test]
fn eof_flushes_before_it_closes() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = Noted::new(&journal).acting(|call, transport| {
            if call == "eof" {
                crate::support::fill(transport);
                transport.write(b"the last word");
            }
        });
        let (_transport, mut peer) = pair(protocol).await;
        peer.shutdown().await.unwrap();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert!(all.ends_with(b"the last word"));
        end(&journal).await;
        journal.expect(&["made", "eof", "pause", "resume", "lost"]);
    });
}

#[test]
fn nothing_is_received_after_close() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = NotedBuffer(
            Noted::new(&journal).acting(|call, transport| {
                if call == "updated" {
                    transport.close();
                }
            }),
            vec![0; 1],
        );
        let (_transport, mut peer) = pair(protocol).await;
        peer.write_all(b"abcde").await.unwrap();
        end(&journal).await;
        turns(5).await;
        journal.expect(&["made", "updated 1", "lost"]);
    });
}

/// After CPython's `test_buffered_proto.py`.
#[test]
fn test_buffered_proto_create_connection() {
    everywhere(|| async {
        let noise: Vec<u8> = (0..200_000_u32).map(|number| (number * 31 % 251) as u8).collect();
        let journal = Journal::new();
        let noted = Noted::new(&journal);
        let data = noted.data();
        let (_transport, mut peer) = pair(NotedBuffer(noted, vec![0; 100])).await;
        peer.write_all(&noise).await.unwrap();
        drop(peer);
        end(&journal).await;
        assert!(*data.lock().unwrap() == noise);
        let lines = journal.lines();
        assert_eq!(lines[lines.len() - 2..], ["eof", "lost"]);
    });
}

/// Room is asked for when something is there, not before.
#[test]
fn room_is_asked_for_when_bytes_are_there() {
    everywhere(|| async {
        let journal = Journal::new();
        let asked = journal.clone();
        let protocol = NotedBuffer(
            Noted::new(&journal).acting(move |call, _| {
                if call == "get_buffer" {
                    asked.note("asked");
                }
            }),
            vec![0; 16],
        );
        let (_transport, mut peer) = pair(protocol).await;
        turns(10).await;
        journal.expect(&["made"]);
        peer.write_all(b"hello").await.unwrap();
        until(|| journal.lines().len() >= 3).await;
        journal.expect(&["made", "asked", "updated 5"]);
    });
}

#[test]
fn test_proto_type_switch() {
    everywhere(|| async {
        let journal = Journal::new();
        let switched = journal.clone();
        let protocol = Noted::new(&journal).acting(move |call, transport| {
            if call == "data" {
                transport.set_protocol(NotedBuffer(Noted::new(&switched), vec![0; 3]));
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        peer.write_all(b"hello").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        peer.write_all(b"world").await.unwrap();
        until(|| journal.lines().len() == 4).await;
        journal.expect(&["made", "data 5", "updated 3", "updated 2"]);
        transport.set_protocol(Noted::new(&journal));
        peer.shutdown().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "updated 3", "updated 2", "eof", "lost"]);
    });
}

/// A flood from the peer does not keep the worker from others.
#[test]
fn flood_leaves_others_their_turn() {
    struct Sink(Option<Transport>, usize);
    impl Protocol for Sink {
        fn connection_made(&mut self, transport: Transport) {
            self.0 = Some(transport);
        }
        fn data_received(&mut self, data: &[u8]) {
            self.1 += data.len();
            if self.1 >= 64 * 1024 * 1024 {
                self.0.as_ref().unwrap().close();
            }
        }
    }
    bowerbird_tests::on_workers(1, async {
        let (transport, peer) = pair(Sink(None, 0)).await;
        let thread = std::thread::spawn(move || {
            let mut peer = peer.into_std();
            peer.set_nonblocking(false).unwrap();
            let piece = vec![1; 1 << 20];
            while std::io::Write::write_all(&mut peer, &piece).is_ok() {}
        });
        let mut rounds = 0_u64;
        while !transport.is_closing() {
            rounds += 1;
            bowerbird::yield_now().await;
        }
        assert!(rounds > 1, "the main future had its turns");
        let joined = bowerbird::to_thread(move || thread.join()).await;
        joined.unwrap();
    });
}
