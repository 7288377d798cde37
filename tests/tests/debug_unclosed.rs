//! Debug mode: connections that are dropped without being closed.
//!
//! asyncio: `ResourceWarning`, "unclosed transport".

use std::future::{Future, pending};
use std::net::{Shutdown, TcpListener as OsListener, TcpStream as OsStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::runtime::{Unhandled, UnhandledKind};
use bowerbird::{Runner, join, spawn, yield_now};
use bowerbird_tests::WORKER_COUNTS;

type Heard = Arc<Mutex<Vec<Unhandled>>>;

fn everywhere<F: Future>(program: impl Fn(Heard) -> F) {
    for workers in WORKER_COUNTS {
        run(workers, true, &program);
    }
}

fn run<F: Future>(workers: usize, debug: bool, program: impl Fn(Heard) -> F) {
    let heard = Heard::default();
    let log = heard.clone();
    let mut runner = Runner::builder()
        .worker_threads(workers)
        .debug(debug)
        .slow_callback_duration(Duration::from_secs(3_600))
        .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.clone()))
        .build()
        .unwrap();
    runner.run(program(heard)).unwrap();
}

fn take(heard: &Heard) -> Vec<Unhandled> {
    std::mem::take(&mut *heard.lock().unwrap())
}

#[track_caller]
fn nothing(heard: &Heard) {
    let heard = take(heard);
    assert!(heard.is_empty(), "{heard:?}");
}

const CONNECT_LINE: u32 = line!() + 6;
const ACCEPT_LINE: u32 = line!() + 6;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = TcpStream::connect(address);
    let accept = listener.accept();
    let (client, server) = join((connect, accept)).await;
    (client.unwrap(), server.unwrap().0)
}

/// The one report, which names the peer and the line that made the connection.
#[track_caller]
fn is_reported(heard: &Heard, peer: std::net::SocketAddr, why: &str, line: u32) {
    let reports = take(heard);
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0].kind, UnhandledKind::NeverUsed);
    assert_eq!(reports[0].message, format!("unclosed TcpStream to {peer}: {why}"));
    let location = reports[0].location.unwrap();
    assert_eq!((location.file(), location.line()), (file!(), line));
}

const OPEN: &str = "it was written to, and dropped without shutdown()";
const RESET: &str = "it was dropped with unread input, which resets the connection";

#[test]
fn written_to_and_not_shut_down() {
    everywhere(async |heard| {
        let (mut client, mut server) = pair().await;
        let peer = client.peer_addr().unwrap();
        client.write_all(b"hello").await.unwrap();
        server.read_exact(&mut [0; 5]).await.unwrap();
        drop(client);
        is_reported(&heard, peer, OPEN, CONNECT_LINE);
        // The peer has ended: nothing is open that this side could end.
        server.write_all(b"hello").await.unwrap();
        drop(server);
        nothing(&heard);
    });
}

#[test]
fn each_method_that_writes_counts() {
    everywhere(async |heard| {
        for way in 0..3 {
            let (mut client, server) = pair().await;
            let peer = server.peer_addr().unwrap();
            let mut server = server;
            let bytes = std::io::IoSlice::new(b"hello");
            server.writable().await.unwrap();
            match way {
                0 => server.write(b"hello").await.unwrap(),
                1 => server.try_write(b"hello").unwrap(),
                _ => server.try_write_vectored(&[bytes]).unwrap(),
            };
            client.read_exact(&mut [0; 5]).await.unwrap();
            drop(server);
            is_reported(&heard, peer, OPEN, ACCEPT_LINE);
        }
    });
}

#[test]
fn unread_input_resets_the_connection() {
    everywhere(async |heard| {
        let (mut client, mut server) = pair().await;
        let peer = server.peer_addr().unwrap();
        client.write_all(b"hello").await.unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
        drop(server);
        is_reported(&heard, peer, RESET, ACCEPT_LINE);
        // The connection is broken now: there is nothing to end.
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        drop(client);
        nothing(&heard);
        // Shut down first, and reset all the same.
        let (mut client, mut server) = pair().await;
        let peer = server.peer_addr().unwrap();
        client.write_all(b"hello").await.unwrap();
        server.readable().await.unwrap();
        server.shutdown().await.unwrap();
        drop(server);
        is_reported(&heard, peer, RESET, ACCEPT_LINE);
        drop(client);
    });
}

#[test]
fn clean_ends_are_not_reported() {
    everywhere(async |heard| {
        let (mut client, mut server) = pair().await;
        client.write_all(b"hello").await.unwrap();
        client.shutdown().await.unwrap();
        server.read_to_end(&mut Vec::new()).await.unwrap();
        server.write_all(b"hello").await.unwrap();
        server.shutdown_how(Shutdown::Both).unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        drop((client, server));
        // Nothing was said.
        drop(pair().await);
        // The writing half ends its direction when it goes, whichever goes first.
        let (client, server) = pair().await;
        let (read, mut write) = client.into_split();
        write.write_all(b"hello").await.unwrap();
        drop(read);
        drop(write);
        let (mut read, write) = server.into_split();
        read.read_to_end(&mut Vec::new()).await.unwrap();
        drop(write);
        drop(read);
        nothing(&heard);
    });
}

#[test]
fn what_is_given_away_or_meant_to_be_reset_is_not_reported() {
    everywhere(async |heard| {
        let (mut client, mut server) = pair().await;
        client.write_all(b"hello").await.unwrap();
        server.write_all(b"hello").await.unwrap();
        drop(client.into_std());
        server.set_linger(Some(Duration::ZERO)).unwrap();
        drop(server);
        nothing(&heard);
    });
}

#[test]
fn task_that_is_cancelled_or_panics_had_no_chance_to_close() {
    everywhere(async |heard| {
        let (mut client, mut server) = pair().await;
        let cancelled = spawn(async move {
            client.write_all(b"hello").await.unwrap();
            pending::<()>().await;
            client.shutdown().await.unwrap();
        });
        server.read_exact(&mut [0; 5]).await.unwrap();
        yield_now().await;
        cancelled.cancel();
        cancelled.await.unwrap_err();
        let (mut client, other) = pair().await;
        let panicked = spawn(async move {
            client.write_all(b"hello").await.unwrap();
            panic!("boom");
        });
        panicked.await.unwrap_err();
        drop((server, other.into_std()));
        nothing(&heard);
    });
}

#[test]
fn connection_taken_over_from_std() {
    everywhere(async |heard| {
        let listener = OsListener::bind("127.0.0.1:0").unwrap();
        let client = OsStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, peer) = listener.accept().unwrap();
        let line = line!() + 1;
        let mut server = TcpStream::from_std(server).unwrap();
        server.write_all(b"hello").await.unwrap();
        drop(server);
        is_reported(&heard, peer, OPEN, line);
        drop(client);
    });
}

#[test]
fn nothing_is_reported_without_debug_mode() {
    for workers in WORKER_COUNTS {
        run(workers, false, async |heard| {
            let (mut client, server) = pair().await;
            client.write_all(b"hello").await.unwrap();
            drop((client, server));
            nothing(&heard);
        });
    }
}
