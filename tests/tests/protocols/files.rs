//! Files that are sent: `loop.sendfile`.

#[cfg(unix)]
use std::fs::File;
use std::io::ErrorKind;
use std::sync::Arc;

use bowerbird::protocols::sendfile;
use bowerbird_tests::{Journal, catch, everywhere, on_workers, turns, until};

use crate::support::{Noted, Temporary, drain, end, fill, pair, reset};

/// What was written before goes first, what is written after it last; the protocol hears of the pauses of its own.
#[test]
fn test_sendfile_pre_and_post_data() {
    everywhere(|| async {
        let file = Temporary::new(5_000_001);
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        let handle = transport.clone();
        let sending = sendfile(&transport, file.open(), 0, None);
        let sending = bowerbird::spawn(async move {
            let sent = sending.await;
            handle.write(b"the end");
            handle.close();
            sent
        });
        drain(&mut peer, count).await;
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        assert!(rest == [&file.bytes[..], b"the end"].concat());
        assert_eq!(sending.await.unwrap().unwrap(), file.bytes.len() as u64);
        end(&journal).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn test_sendfile_partial() {
    everywhere(|| async {
        let file = Temporary::new(100_000);
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        for (offset, count, sent) in
            [(1000, Some(100), 100), (99_990, Some(100), 10), (0, Some(0), 0), (200_000, None, 0)]
        {
            assert_eq!(sendfile(&transport, file.open(), offset, count).await.unwrap(), sent);
        }
        transport.close();
        let mut all = Vec::new();
        peer.read_to_end(&mut all).await.unwrap();
        assert!(all == [&file.bytes[1000..1100], &file.bytes[99_990..]].concat());
    });
}

#[test]
fn test_sendfile_for_closing_transp() {
    on_workers(1, async {
        let file = Temporary::new(10);
        let (transport, _peer) = pair(Noted::new(&Journal::new())).await;
        transport.close();
        let error = sendfile(&transport, file.open(), 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        assert!(error.to_string().contains("that is closing"), "{error}");
        let (transport, _peer) = pair(Noted::new(&Journal::new())).await;
        transport.write_eof();
        let error = sendfile(&transport, file.open(), 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[cfg(unix)]
#[test]
fn test_sendfile_not_supported() {
    on_workers(1, async {
        let file = Temporary::new(10);
        let (sender, _receiver) = bowerbird::net::pipe::pipe().unwrap();
        let noted = Noted::new(&Journal::new());
        let transport = bowerbird::protocols::connect_write_pipe(|| noted, sender).await.unwrap();
        let error = sendfile(&transport, file.open(), 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    });
}

#[test]
fn test_sendfile_close_peer_in_the_middle_of_receiving() {
    everywhere(|| async {
        let file = Temporary::new(20_000_000);
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let sending = bowerbird::spawn(sendfile(&transport, file.open(), 0, None));
        drain(&mut peer, 1024).await;
        reset(peer);
        sending.await.unwrap().unwrap_err();
        end(&journal).await;
        assert!(transport.is_closing());
    });
}

/// Nothing else is written meanwhile, and no other file; what comes is received.
#[test]
fn test_sendfile_prevents_bare_write() {
    everywhere(|| async {
        let file = Temporary::new(20_000_000);
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let sending = bowerbird::spawn(sendfile(&transport, file.open(), 0, None));
        drain(&mut peer, 1024).await;
        let caught = catch(|| transport.write(b"data"));
        assert!(caught.message.contains("write() was called on a transport that sends a file"));
        assert!(caught.file.ends_with("files.rs"), "{caught:?}");
        let error = sendfile(&transport, file.open(), 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceBusy);
        peer.write_all(b"hello").await.unwrap();
        until(|| journal.lines() == ["made", "data 5"]).await;
        drain(&mut peer, file.bytes.len() - 1024).await;
        assert_eq!(sending.await.unwrap().unwrap(), file.bytes.len() as u64);
        transport.write(b"data");
        drain(&mut peer, 4).await;
    });
}

#[test]
fn write_eof_and_close_during_a_file() {
    everywhere(|| async {
        let file = Temporary::new(20_000_000);
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let sending = bowerbird::spawn(sendfile(&transport, file.open(), 0, None));
        drain(&mut peer, 1024).await;
        transport.write_eof();
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        assert!(rest == file.bytes[1024..], "the end is after the file");
        sending.await.unwrap().unwrap();

        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let sending = bowerbird::spawn(sendfile(&transport, file.open(), 0, None));
        drain(&mut peer, 1024).await;
        transport.close();
        let error = sending.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    });
}

#[test]
fn given_up_it_stops_and_another_may_begin() {
    everywhere(|| async {
        let file = Temporary::new(20_000_000);
        let (transport, mut peer) = pair(Noted::new(&Journal::new())).await;
        let open = Arc::new(file.open());
        let sending = bowerbird::spawn(sendfile(&transport, open.clone(), 0, None));
        drain(&mut peer, 1024).await;
        sending.cancel();
        assert!(sending.await.unwrap_err().is_cancelled());
        until(|| Arc::strong_count(&open) == 1).await;
        let next = bowerbird::spawn(sendfile(&transport, file.open(), 5, Some(7)));
        let closing = transport.clone();
        let closes = bowerbird::spawn(async move {
            let sent = next.await;
            closing.close();
            sent
        });
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).await.unwrap();
        assert!(rest.len() < file.bytes.len() - 1024);
        assert!(rest.ends_with(&file.bytes[5..12]));
        assert_eq!(closes.await.unwrap().unwrap().unwrap(), 7);
    });
}

/// What the system says of the file is no end of the connection.
#[cfg(unix)]
#[test]
fn a_file_that_cannot_be_read_ends_nothing() {
    everywhere(|| async {
        let directory = File::open(std::env::temp_dir()).unwrap();
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        sendfile(&transport, directory, 0, None).await.unwrap_err();
        turns(3).await;
        transport.write(b"data");
        drain(&mut peer, 4).await;
        journal.expect(&["made"]);
    });
}
