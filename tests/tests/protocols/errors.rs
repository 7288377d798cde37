//! Calls that panic.

use std::sync::mpsc;

use bowerbird::LoopHandle;
use bowerbird::protocols::StreamProtocol;
use bowerbird_tests::{Journal, everywhere, turns};

use crate::support::{Noted, NotedBuffer, drain, end, fill, pair};

/// A protocol that panics in a call of this name.
fn failing(journal: &Journal, fails: &'static str) -> Noted {
    Noted::new(journal).acting(move |call, _| assert!(call != fails, "no {fails}"))
}

/// What the exception handler of this loop is told.
fn listen() -> mpsc::Receiver<String> {
    let (sender, told) = mpsc::channel();
    LoopHandle::current().set_exception_handler(move |unhandled| {
        sender
            .send(format!("{}: {}", unhandled.message, unhandled.error.as_deref().unwrap()))
            .unwrap();
    });
    told
}

/// Data and the end of the stream come; the call that panics is told of, and ends the connection.
fn check<P, K>(make: impl Fn(&Journal) -> P, lines: &[&str], message: &str)
where
    P: StreamProtocol<K>,
{
    everywhere(|| async {
        let told = listen();
        let journal = Journal::new();
        let (transport, mut peer) = pair(make(&journal)).await;
        peer.write_all(b"data").await.unwrap();
        peer.shutdown().await.unwrap();
        end(&journal).await;
        turns(3).await;
        journal.expect(lines);
        assert_eq!(told.recv().unwrap(), message);
        assert!(told.try_recv().is_err());
        assert!(transport.is_closing());
    });
}

#[test]
fn test_data_received_error() {
    check(
        |journal| failing(journal, "data"),
        &["made", "data 4", "lost Other"],
        "Fatal error: protocol.data_received() call failed.: no data",
    );
}

#[test]
fn test_read_eof_received_error() {
    check(
        |journal| failing(journal, "eof"),
        &["made", "data 4", "eof", "lost Other"],
        "Fatal error: protocol.eof_received() call failed.: no eof",
    );
}

#[test]
fn test_get_buffer_error() {
    check(
        |journal| NotedBuffer(failing(journal, "get_buffer"), vec![0; 8]),
        &["made", "lost Other"],
        "Fatal error: protocol.get_buffer() call failed.: no get_buffer",
    );
}

#[test]
fn test_get_buffer_zerosized() {
    check(
        |journal| NotedBuffer(Noted::new(journal), Vec::new()),
        &["made", "lost Other"],
        "Fatal error: protocol.get_buffer() call failed.: get_buffer() returned an empty buffer; give room \
         for a byte at least",
    );
}

#[test]
fn test_buffer_updated_error() {
    check(
        |journal| NotedBuffer(failing(journal, "updated"), vec![0; 8]),
        &["made", "updated 4", "lost Other"],
        "Fatal error: protocol.buffer_updated() call failed.: no updated",
    );
}

/// A panic of the last call is told of, and the socket is closed.
#[test]
fn panic_of_connection_lost() {
    check(
        |journal| failing(journal, "lost"),
        &["made", "data 4", "eof", "lost"],
        "protocol.connection_lost() failed: no lost",
    );
}

#[test]
fn panic_of_connection_made() {
    everywhere(|| async {
        let told = listen();
        let journal = Journal::new();
        let (mut peer, socket) = crate::support::sockets().await;
        let protocol = failing(&journal, "made");
        let create = bowerbird::protocols::connect_accepted_socket(|| protocol, socket);
        let error = create.await.unwrap_err();
        assert!(error.to_string().contains("connection_made() panicked"), "{error}");
        end(&journal).await;
        journal.expect(&["made", "lost Other"]);
        assert!(told.recv().unwrap().starts_with("Fatal error: protocol.connection_made()"));
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0);
    });
}

/// These are told of, and the connection lives on, as in asyncio.
#[test]
fn panic_of_pause_and_resume_writing() {
    everywhere(|| async {
        let told = listen();
        let journal = Journal::new();
        let protocol = Noted::new(&journal)
            .acting(|call, _| assert!(call != "pause" && call != "resume", "not now"));
        let (transport, mut peer) = pair(protocol).await;
        let count = fill(&transport);
        drain(&mut peer, count).await;
        let heard =
            bowerbird::to_thread(move || (told.recv().unwrap(), told.recv().unwrap())).await;
        assert_eq!(heard.0, "protocol.pause_writing() failed: not now");
        assert_eq!(heard.1, "protocol.resume_writing() failed: not now");
        assert!(!transport.is_closing());
        transport.close();
        end(&journal).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

/// An error of the system is no bug: nobody but the protocol is told.
#[test]
fn test_fatal_error() {
    everywhere(|| async {
        let told = listen();
        let journal = Journal::new();
        let (transport, peer) = pair(Noted::new(&journal)).await;
        transport.pause_reading();
        crate::support::reset(peer);
        // The first write after a reset may still go; then the connection is lost.
        while !transport.is_closing() {
            transport.write(b"x");
            bowerbird::yield_now().await;
        }
        end(&journal).await;
        let lines = journal.lines();
        assert!(
            matches!(lines[1].as_str(), "lost ConnectionReset" | "lost BrokenPipe"),
            "{lines:?}"
        );
        assert!(told.try_recv().is_err());
    });
}
