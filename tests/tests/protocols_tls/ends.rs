//! How a transport over TLS ends.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird_tests::{Journal, catch, everywhere, on_workers, paused, until};

use crate::plain::{Noted, end, fill};
use crate::support::{end_in_time, pair, pair_within};

/// Closing is said, and answered by the peer's own close.
#[test]
fn test_shutdown_cleanly() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.write(b"last words");
        transport.close();
        assert!(transport.is_closing());
        let mut words = Vec::new();
        peer.read_to_end(&mut words).await.unwrap();
        assert_eq!(words, b"last words");
        assert_eq!(journal.lines(), ["made"], "it waits for the answer");
        peer.close().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
    });
}

/// What the peer still sends after a close is dropped, and its end is not told.
#[test]
fn test_data_received_after_closing() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.close();
        assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
        peer.write_all(&vec![1; 300_000]).await.unwrap();
        peer.close().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn test_write_after_closing() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.close();
        assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
        transport.write(b"too late");
        transport.writelines([&b"too"[..], b"late"]);
        assert_eq!(transport.get_write_buffer_size(), 0);
        drop(peer);
        end(&journal).await;
        transport.write(b"too late");
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn test_flush_before_shutdown() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        transport.close();
        transport.write(b"and this");
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), count + 8);
        assert!(all.ends_with(b"and this"));
        peer.close().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

/// The peer's end is the end, whatever `eof_received` returns.
#[test]
fn end_of_the_peer_closes() {
    everywhere(|| async {
        let journal = Journal::new();
        let (_transport, mut peer) = pair(Noted::new(&journal).keeping_open()).await;
        peer.write_all(b"hello").await.unwrap();
        peer.close().await.unwrap();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "eof", "lost"]);
    });
}

/// A peer that has said its end, or whose direction was cut, still gets what waits for it.
#[test]
fn test_remote_shutdown_receives_trailing_data() {
    everywhere(|| async {
        for is_said in [true, false] {
            let journal = Journal::new();
            let (transport, mut peer) = pair(Noted::new(&journal)).await;
            let count = fill(&transport);
            match is_said {
                true => peer.close().await.unwrap(),
                false => peer.get_ref().shutdown_how(std::net::Shutdown::Write).unwrap(),
            }
            let mut all = Vec::new();
            peer.read_to_end(&mut all).await.unwrap();
            assert_eq!(all.len(), count);
            end(&journal).await;
            let lost = if is_said { "lost" } else { "lost UnexpectedEof" };
            let lines = journal.lines();
            assert_eq!(lines.last().unwrap(), lost);
            assert_eq!(lines.contains(&"eof".to_owned()), is_said);
        }
    });
}

#[test]
fn a_stream_that_was_cut_is_an_error_and_no_end() {
    everywhere(|| async {
        let journal = Journal::new();
        let (_transport, mut peer) = pair(Noted::new(&journal)).await;
        peer.write_all(b"hello").await.unwrap();
        peer.flush().await.unwrap();
        // Not dropped: what it has not read would make that a reset.
        peer.get_ref().shutdown_how(std::net::Shutdown::Write).unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "lost UnexpectedEof"]);
    });
}

/// Data, and then the end of the stream, while reading is paused.
#[test]
fn test_shutdown_timeout_handler_not_set() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, transport| {
            if call == "data" {
                transport.write(b"world");
                transport.pause_reading();
            }
        });
        let (transport, mut peer) = pair(noted).await;
        peer.write_all(b"hello").await.unwrap();
        peer.flush().await.unwrap();
        peer.read_exact(&mut [0; 5]).await.unwrap();
        peer.write_all(b"extra bytes").await.unwrap();
        peer.close().await.unwrap();
        transport.resume_reading();
        until(|| journal.lines().len() == 3).await;
        transport.resume_reading();
        end(&journal).await;
        journal.expect(&["made", "data 5", "data 11", "eof", "lost"]);
    });
}

#[test]
fn an_end_that_is_not_answered_takes_its_time() {
    paused(async {
        let journal = Journal::new();
        let (transport, mut peer) = pair_within(Noted::new(&journal), Duration::from_secs(7)).await;
        let start = bowerbird::time::now();
        transport.close();
        assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
        end_in_time(&journal).await;
        assert_eq!((bowerbird::time::now() - start).as_secs(), 7);
        journal.expect(&["made", "lost TimedOut"]);
        // It goes on talking, to nobody.
        let _lost = peer.write_all(b"hello").await;
    });
}

/// The time is for all of the end: also for what a peer does not read, that has sent its own end.
#[test]
fn test_shutdown_timeout_after_eof_from_not_reading_peer() {
    paused(async {
        for closes_first in [true, false] {
            let journal = Journal::new();
            let limit = Duration::from_secs(7);
            let (transport, mut peer) = pair_within(Noted::new(&journal), limit).await;
            fill(&transport);
            if closes_first {
                transport.close();
            }
            peer.close().await.unwrap();
            end_in_time(&journal).await;
            let lines = journal.lines();
            assert_eq!(lines.last().unwrap(), "lost TimedOut", "{lines:?}");
            assert_eq!(lines.contains(&"eof".to_owned()), !closes_first);
        }
    });
}

#[test]
fn abort_says_nothing_to_the_peer() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.abort();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
        let error = peer.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn abort_ends_the_waiting_for_an_answer() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.close();
        assert_eq!(peer.read(&mut [0; 10]).await.unwrap(), 0);
        transport.abort();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn garbage_is_an_error_and_the_peer_is_told() {
    everywhere(|| async {
        let journal = Journal::new();
        let (_transport, mut peer) = pair(Noted::new(&journal)).await;
        peer.get_mut().write_all(&[23, 3, 3, 0, 20]).await.unwrap();
        peer.get_mut().write_all(&[7; 20]).await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "lost InvalidData"]);
        let error = peer.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData, "an alert: {error}");
    });
}

/// A write to a connection that is gone is its end, and who writes on is told of nothing.
#[test]
fn test_connection_lost_when_busy() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, peer) = pair(Noted::new(&journal)).await;
        fill(&transport);
        until(|| journal.lines().len() == 2).await;
        peer.get_ref().set_linger(Some(Duration::ZERO)).unwrap();
        drop(peer);
        end(&journal).await;
        transport.write(b"more");
        let lines = journal.lines();
        assert!(matches!(&*lines[2], "lost ConnectionReset" | "lost BrokenPipe"), "{lines:?}");
    });
}

#[test]
fn panic_in_data_received_aborts() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, _| assert_ne!(call, "data"));
        let (_transport, mut peer) = pair(noted).await;
        peer.write_all(b"hello").await.unwrap();
        peer.flush().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "lost Other"]);
    });
}

#[test]
fn there_is_no_write_eof() {
    on_workers(1, async {
        let (transport, _peer) = pair(Noted::new(&Journal::new())).await;
        assert!(!transport.can_write_eof());
        let caught = catch(|| transport.write_eof());
        assert!(caught.message.contains("write_eof() was called on a transport over TLS"));
        assert!(caught.file.ends_with("ends.rs"), "{caught:?}");
        transport.write(b"nothing has changed");
    });
}

/// Closed in the first call: nothing comes but the end.
#[test]
fn close_in_connection_made() {
    everywhere(|| async {
        let journal = Journal::new();
        let noted = Noted::new(&journal).acting(|call, transport| {
            if call == "made" {
                transport.write(b"hello");
                transport.close();
            }
        });
        let (_transport, mut peer) = pair(noted).await;
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"hello");
        drop(peer);
        end(&journal).await;
        journal.expect(&["made", "lost"]);
    });
}
