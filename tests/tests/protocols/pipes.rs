//! Transports of pipes: after CPython's `UnixReadPipeTransportTests` and `UnixWritePipeTransportTests`.

use bowerbird::net::pipe;
use bowerbird::protocols::{Transport, connect_read_pipe, connect_write_pipe};
use bowerbird_tests::{Journal, catch, everywhere, on_workers, turns, until};

use crate::support::{Noted, end, fill};

async fn reading(protocol: Noted) -> (Transport, pipe::Sender) {
    let (sender, receiver) = pipe::pipe().unwrap();
    (connect_read_pipe(|| protocol, receiver).await.unwrap(), sender)
}

async fn writing(protocol: Noted) -> (Transport, pipe::Receiver) {
    let (sender, receiver) = pipe::pipe().unwrap();
    (connect_write_pipe(|| protocol, sender).await.unwrap(), receiver)
}

#[test]
fn read_pipe_hears_data_and_the_end() {
    everywhere(|| async {
        let journal = Journal::new();
        // The answer of `eof_received` does not count: there is no other direction.
        let (transport, mut sender) = reading(Noted::new(&journal).keeping_open()).await;
        assert!(transport.is_reading());
        assert!(!transport.can_write_eof());
        sender.write_all(b"hello").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        drop(sender);
        end(&journal).await;
        journal.expect(&["made", "data 5", "eof", "lost"]);
    });
}

#[test]
fn read_pipe_pauses_and_closes() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut sender) = reading(Noted::new(&journal)).await;
        transport.pause_reading();
        transport.pause_reading();
        sender.write_all(b"hello").await.unwrap();
        turns(5).await;
        journal.expect(&["made"]);
        transport.resume_reading();
        transport.resume_reading();
        until(|| journal.lines().len() == 2).await;
        transport.close();
        transport.close();
        transport.pause_reading();
        transport.resume_reading();
        end(&journal).await;
        journal.expect(&["made", "data 5", "lost"]);
        // The pipe is closed after the last call.
        let error = loop {
            if let Err(error) = sender.write_all(b"nobody reads").await {
                break error;
            }
        };
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    });
}

#[test]
fn write_to_the_reading_end_says_so() {
    on_workers(1, async {
        let (transport, _sender) = reading(Noted::new(&Journal::new())).await;
        let caught = catch(|| transport.write(b"x"));
        assert!(caught.message.contains("the reading end of a pipe"), "{caught:?}");
        transport.write_eof();
        assert!(!transport.is_closing());
    });
}

/// `write_eof` is the end of a pipe, after everything is sent.
#[test]
fn write_pipe_ends_with_write_eof() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut receiver) = writing(Noted::new(&journal)).await;
        assert!(transport.can_write_eof());
        let count = fill(&transport);
        transport.write_eof();
        assert!(transport.is_closing());
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).await.unwrap();
        assert_eq!(all.len(), count);
        end(&journal).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn write_pipe_aborts() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut receiver) = writing(Noted::new(&journal)).await;
        let count = fill(&transport);
        transport.abort();
        end(&journal).await;
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).await.unwrap();
        assert!(all.len() < count);
        journal.expect(&["made", "pause", "lost"]);
    });
}

#[test]
fn write_pipe_whose_reader_has_gone_is_lost_at_a_write() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, receiver) = writing(Noted::new(&journal)).await;
        // With several workers the task may notice the end first.
        drop(receiver);
        transport.write(b"x");
        end(&journal).await;
        let last = journal.lines().pop();
        assert!(matches!(last.as_deref(), Some("lost BrokenPipe" | "lost")), "{last:?}");
        assert!(transport.is_closing());
    });
}

#[cfg(target_os = "linux")]
#[test]
fn write_pipe_closes_when_its_reader_goes() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut receiver) = writing(Noted::new(&journal)).await;
        transport.write(b"x");
        receiver.read_exact(&mut [0]).await.unwrap();
        turns(5).await;
        journal.expect(&["made"]);
        drop(receiver);
        end(&journal).await;
        journal.expect(&["made", "lost"]);
        assert!(transport.is_closing());
    });
}

/// What waits to be sent is lost, so that is an error.
#[cfg(target_os = "linux")]
#[test]
fn write_pipe_with_a_backlog_breaks_when_its_reader_goes() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, receiver) = writing(Noted::new(&journal)).await;
        fill(&transport);
        drop(receiver);
        end(&journal).await;
        journal.expect(&["made", "pause", "lost BrokenPipe"]);
    });
}
