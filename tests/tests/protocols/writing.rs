//! Bytes that go.

use bowerbird::protocols::Transport;
use bowerbird_tests::{Journal, catch, everywhere, on_workers, turns, until};

use crate::support::{Noted, drain, end, fill, pair};

/// A write is sent before it returns, if the system takes it.
#[test]
fn test_write() {
    on_workers(1, async {
        let (transport, peer) = pair(Noted::new(&Journal::new())).await;
        transport.write(b"data");
        assert_eq!(transport.get_write_buffer_size(), 0);
        let mut room = [0; 8];
        peer.readable().await.unwrap();
        assert_eq!(peer.try_read(&mut room).unwrap(), 4);
        transport.write(b"");
        transport.writelines([b"", b""]);
        transport.writelines(Vec::<Vec<u8>>::new());
        turns(3).await;
        assert!(peer.try_read(&mut room).is_err());
    });
}

/// What does not go at once is kept, in order.
#[test]
fn test_write_partial() {
    everywhere(|| async {
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let all: Vec<u8> = (0..12_000_000_u32).map(|number| (number % 251) as u8).collect();
        let (first, rest) = all.split_at(9_000_001);
        transport.write(first);
        assert_ne!(transport.get_write_buffer_size(), 0, "the system cannot take so much at once");
        for piece in rest.chunks(65_521) {
            transport.write(piece);
        }
        transport.write_eof();
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        assert!(got == all);
    });
}

#[test]
fn test_writelines_sendmsg_partial() {
    everywhere(|| async {
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let pieces: Vec<Vec<u8>> = (0..150_u8).map(|number| vec![number; 100_000]).collect();
        transport.writelines(&pieces);
        assert_ne!(transport.get_write_buffer_size(), 0);
        transport.writelines([&b"and"[..], b"", b"then"]);
        transport.close();
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.unwrap();
        let mut all = pieces.concat();
        all.extend_from_slice(b"andthen");
        assert!(got == all);
    });
}

#[test]
fn test_writelines_pauses_protocol() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.set_write_buffer_limits(Some(1), Some(0));
        let pieces = vec![vec![1; 1 << 20]; 16];
        transport.writelines(&pieces);
        until(|| journal.lines().len() == 2).await;
        drain(&mut peer, 16 << 20).await;
        until(|| journal.lines().len() == 3).await;
        journal.expect(&["made", "pause", "resume"]);
    });
}

/// `pause_writing` once above the high mark, `resume_writing` once at the low one.
#[test]
fn pauses_and_resumes_come_in_pairs() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        for round in 1..=3 {
            let count = fill(&transport) + fill_more(&transport);
            until(|| journal.lines().len() == 2 * round).await;
            drain(&mut peer, count).await;
            until(|| journal.lines().len() == 2 * round + 1).await;
            assert!(transport.get_write_buffer_size() <= transport.get_write_buffer_limits().0);
        }
        journal.expect(&["made", "pause", "resume", "pause", "resume", "pause", "resume"]);
    });
}

fn fill_more(transport: &Transport) -> usize {
    for _ in 0..10 {
        transport.write(&[1; 1000]);
    }
    10_000
}

#[test]
fn test_flowcontrol_mixin_set_write_limits() {
    on_workers(1, async {
        let (transport, _peer) = pair(Noted::new(&Journal::new())).await;
        assert_eq!(transport.get_write_buffer_limits(), (16 * 1024, 64 * 1024));
        let limits = |high, low| {
            transport.set_write_buffer_limits(high, low);
            transport.get_write_buffer_limits()
        };
        assert_eq!(limits(Some(1024), Some(128)), (128, 1024));
        assert_eq!(limits(Some(1024), None), (256, 1024));
        assert_eq!(limits(None, Some(128)), (128, 512));
        assert_eq!(limits(None, None), (16 * 1024, 64 * 1024));
        assert_eq!(limits(Some(0), None), (0, 0));
        let caught = catch(|| limits(Some(0), Some(1)));
        assert!(caught.message.contains("high 0 below low 1"), "{caught:?}");
        assert!(caught.file.ends_with("writing.rs"), "{caught:?}");
        assert_eq!(transport.get_write_buffer_limits(), (0, 0), "a refused call changes nothing");
    });
}

/// Lowering the high mark pauses, raising the low one resumes.
#[test]
fn limits_work_on_what_waits_already() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, _peer) = pair(Noted::new(&journal)).await;
        transport.set_write_buffer_limits(Some(1 << 30), None);
        transport.write(&vec![0; 32 << 20]);
        turns(5).await;
        journal.expect(&["made"]);
        transport.set_write_buffer_limits(Some(1), Some(1));
        until(|| journal.lines().len() == 2).await;
        transport.set_write_buffer_limits(Some(1 << 30), Some(1 << 30));
        until(|| journal.lines().len() == 3).await;
        journal.expect(&["made", "pause", "resume"]);
        transport.abort();
        end(&journal).await;
    });
}

#[test]
fn test_write_eof() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        assert!(transport.can_write_eof());
        transport.write(b"question");
        transport.write_eof();
        transport.write_eof();
        let mut question = Vec::new();
        peer.read_to_end(&mut question).await.unwrap();
        assert_eq!(question, b"question");
        peer.write_all(b"answer").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        drop(peer);
        end(&journal).await;
        journal.expect(&["made", "data 6", "eof", "lost"]);
    });
}

#[test]
fn test_write_eof_buffer() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        transport.write_eof();
        turns(5).await;
        assert!(!transport.is_closing());
        drain(&mut peer, count).await;
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
        until(|| journal.lines().len() == 3).await;
        journal.expect(&["made", "pause", "resume"]);
    });
}

#[test]
fn test_write_eof_after_close() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.close();
        transport.write_eof();
        end(&journal).await;
        transport.write_eof();
        transport.write(b"no panic: it was not ended by write_eof");
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

#[test]
fn write_after_write_eof_says_so() {
    on_workers(1, async {
        let (transport, _peer) = pair(Noted::new(&Journal::new())).await;
        transport.write_eof();
        for call in ["write", "writelines"] {
            let caught = catch(|| match call {
                "write" => transport.write(b"x"),
                _ => transport.writelines([b"x"]),
            });
            let expected = format!("{call}() was called after write_eof()");
            assert!(caught.message.contains(&expected), "{caught:?}");
            assert!(caught.file.ends_with("writing.rs"), "{caught:?}");
        }
        transport.write(b"");
    });
}

/// Closing sends what is there, and what is written meanwhile.
#[test]
fn test_write_buffer_after_close() {
    everywhere(|| async {
        let journal = Journal::new();
        let mut is_first = true;
        let protocol = Noted::new(&journal).acting(move |call, transport| {
            if call == "resume" && std::mem::take(&mut is_first) {
                transport.write(b"the rest");
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        fill(&transport);
        transport.close();
        transport.write(b"some more, ");
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        end(&journal).await;
        // The low mark is above zero, so something is left when the protocol hears of it, most often.
        assert!(all.ends_with(b"some more, the rest") || all.ends_with(b"some more, "));
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

/// With a low mark of zero nothing is left at `resume_writing`; a write there goes on the way out too.
#[test]
fn write_in_resume_writing_of_a_closing_transport_is_sent() {
    everywhere(|| async {
        let journal = Journal::new();
        let mut is_first = true;
        let protocol = Noted::new(&journal).acting(move |call, transport| {
            if call == "resume" && std::mem::take(&mut is_first) {
                transport.write(b"the rest");
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        transport.set_write_buffer_limits(Some(1), Some(0));
        fill(&transport);
        transport.close();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        end(&journal).await;
        assert!(all.ends_with(b"the rest"));
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn test_write_ready_resume_writing_closes() {
    everywhere(|| async {
        let journal = Journal::new();
        let protocol = Noted::new(&journal).acting(|call, transport| {
            if call == "resume" {
                transport.close();
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        transport.set_write_buffer_limits(Some(1), Some(0));
        let count = fill(&transport);
        drain(&mut peer, count).await;
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
        end(&journal).await;
        turns(3).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn test_write_after_connection_lost_is_dropped_and_told_once() {
    let (sender, told) = std::sync::mpsc::channel();
    on_workers(1, async {
        bowerbird::LoopHandle::current().set_exception_handler(move |unhandled| {
            sender.send(unhandled.to_string()).unwrap();
        });
        let journal = Journal::new();
        let (transport, _peer) = pair(Noted::new(&journal)).await;
        transport.close();
        for _ in 0..4 {
            transport.write(b"x");
        }
        assert_eq!(transport.get_write_buffer_size(), 0);
        assert!(told.try_recv().is_err());
        end(&journal).await;
        for _ in 0..600 {
            transport.writelines([b"x"]);
        }
        assert!(told.recv().unwrap().contains("connection was lost"));
        assert!(told.try_recv().is_err(), "once is enough");
    });
}
