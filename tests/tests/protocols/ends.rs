//! How a connection begins and ends.

use std::sync::{Arc, Mutex};

use bowerbird::net::TcpListener;
use bowerbird::protocols::{Protocol, Transport, connect_accepted_socket, create_connection};
use bowerbird::{all_tasks, spawn};
use bowerbird_tests::{Counted, Journal, catch, everywhere, on_workers, turns, until};

use crate::support::{Noted, drain, end, fill, pair, reset, sockets};

#[test]
fn calls_come_in_asyncios_order() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        journal.expect(&["made"]);
        peer.write_all(b"hello").await.unwrap();
        until(|| journal.lines().len() == 2).await;
        peer.shutdown().await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 5", "eof", "lost"]);
        assert!(transport.is_closing() && !transport.is_reading());
    });
}

/// `create_connection` completes when `connection_made` was called.
#[test]
fn test_ctor_with_waiter() {
    everywhere(|| async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let journal = Journal::new();
        let protocol = Noted::new(&journal);
        let transport =
            create_connection(|| protocol, listener.local_addr().unwrap()).await.unwrap();
        journal.expect(&["made"]);
        assert!(transport.is_reading() && !transport.is_closing());
        assert_eq!(transport.peer_addr(), Some(listener.local_addr().unwrap()));
        let (peer, address) = listener.accept().await.unwrap();
        assert_eq!(transport.local_addr(), Some(address));
        drop(peer);
        end(&journal).await;
        assert_eq!(
            transport.peer_addr(),
            Some(listener.local_addr().unwrap()),
            "known after the end"
        );
    });
}

#[test]
fn test_close() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        transport.close();
        assert!(transport.is_closing());
        transport.close();
        end(&journal).await;
        turns(3).await;
        journal.expect(&["made", "lost"]);
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

/// Everything that was written comes before the end.
#[test]
fn test_close_write_buffer() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        transport.close();
        turns(3).await;
        assert!(!journal.lines().contains(&"lost".to_owned()));
        assert_ne!(transport.get_write_buffer_size(), 0);
        drain(&mut peer, count).await;
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
        end(&journal).await;
        journal.expect(&["made", "pause", "resume", "lost"]);
    });
}

#[test]
fn test_abort() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let count = fill(&transport);
        transport.abort();
        assert_eq!(transport.get_write_buffer_size(), 0);
        assert!(transport.is_closing());
        transport.abort();
        transport.close();
        end(&journal).await;
        // The pause is told, as it would have been inside of `write`; a resume is not.
        journal.expect(&["made", "pause", "lost"]);
        let mut all = Vec::new();
        let _reset_or_short = peer.read_to_end(&mut all).await;
        assert!(all.len() < count);
    });
}

/// The first end is the one that counts.
#[test]
fn test_force_close() {
    everywhere(|| async {
        let journal = Journal::new();
        let (transport, peer) = pair(Noted::new(&journal)).await;
        fill(&transport);
        transport.close();
        transport.abort();
        reset(peer);
        end(&journal).await;
        journal.expect(&["made", "pause", "lost"]);
    });
}

/// The socket is closed after the last call, although handles live on.
#[test]
fn test_connection_lost() {
    everywhere(|| async {
        let journal = Journal::new();
        let dropped = Counted::new();
        let guard = dropped.guard();
        let protocol = Noted::new(&journal).acting(move |call, transport| {
            let _owned = &guard;
            if call == "lost" {
                assert!(transport.is_closing());
                assert!(transport.local_addr().is_some(), "the socket is still there");
            }
        });
        let (transport, mut peer) = pair(protocol).await;
        let clone = transport.clone();
        transport.close();
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
        until(|| dropped.get() == 1).await;
        journal.expect(&["made", "lost"]);
        assert_eq!(clone, transport);
        // Whatever is asked of it now has no effect.
        clone.resume_reading();
        clone.pause_reading();
        clone.write_eof();
        clone.set_protocol(Noted::new(&journal));
        clone.abort();
        turns(3).await;
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn reset_is_an_error() {
    everywhere(|| async {
        let journal = Journal::new();
        let (_transport, peer) = pair(Noted::new(&journal)).await;
        reset(peer);
        end(&journal).await;
        journal.expect(&["made", "lost ConnectionReset"]);
    });
}

#[test]
fn end_of_run_tells_each_protocol() {
    for workers in [1, 2] {
        let journal = Journal::new();
        on_workers(workers, async {
            let (transport, peer) = pair(Noted::new(&journal)).await;
            let (other, other_peer) = pair(Noted::new(&journal)).await;
            fill(&other);
            std::mem::forget((peer, other_peer)); // or it would be the peers who end them
            drop((transport, other));
        });
        let mut lines = journal.lines();
        lines.retain(|line| line != "pause");
        assert_eq!(lines, ["made", "made", "lost", "lost"]);
    }
}

#[test]
fn cancelling_its_task_aborts_a_connection() {
    everywhere(|| async {
        let journal = Journal::new();
        let before = all_tasks().len();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let tasks = all_tasks();
        assert_eq!(tasks.len(), before + 1, "a connection is a task");
        let task = tasks.iter().find(|task| task.spawn_location().file().ends_with("support.rs"));
        task.expect("it says where the connection was made").cancel();
        end(&journal).await;
        journal.expect(&["made", "lost"]);
        assert!(transport.is_closing());
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
    });
}

/// A connection that nobody waits for any more is given up.
#[test]
fn dropping_create_connection_aborts() {
    on_workers(1, async {
        let journal = Journal::new();
        let (mut peer, socket) = sockets().await;
        let protocol = Noted::new(&journal);
        let mut create = Box::pin(connect_accepted_socket(|| protocol, socket));
        std::future::poll_fn(|cx| {
            assert!(create.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(create);
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
        journal.expect(&["made", "lost"]);
    });
}

#[test]
fn refused_connection_calls_no_factory() {
    everywhere(|| async {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let called = Counted::new();
        let count = called.clone();
        let factory = move || {
            count.add();
            Noted::new(&Journal::new())
        };
        let error = create_connection(factory, free).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
        assert_eq!(called.get(), 0);
    });
}

#[test]
fn panic_of_a_factory_goes_on() {
    on_workers(1, async {
        let (mut peer, socket) = sockets().await;
        let create = spawn(connect_accepted_socket(|| -> Noted { panic!("no protocol") }, socket));
        assert_eq!(create.await.map(drop).unwrap_err().message(), Some("no protocol"));
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0, "the socket is closed");
    });
}

/// From asyncio's documentation: who needs the protocol as well keeps a clone.
#[test]
fn protocol_may_be_shared() {
    #[derive(Default)]
    struct Count(usize, Option<Transport>);
    impl Protocol for Count {
        fn connection_made(&mut self, transport: Transport) {
            self.1 = Some(transport);
        }
        fn data_received(&mut self, data: &[u8]) {
            self.0 += data.len();
        }
    }
    everywhere(|| async {
        let protocol = Arc::new(Mutex::new(Count::default()));
        let (_transport, mut peer) = pair(protocol.clone()).await;
        peer.write_all(b"12345").await.unwrap();
        until(|| protocol.lock().unwrap().0 == 5).await;
        let transport = protocol.lock().unwrap().1.clone().unwrap();
        transport.close();
        until(|| Arc::strong_count(&protocol) == 1).await;
    });
}

#[test]
fn transport_outside_of_its_runtime_does_no_harm() {
    let journal = Journal::new();
    let (transport, peer) = on_workers(2, async { pair(Noted::new(&journal)).await });
    journal.expect(&["made", "lost"]);
    transport.write(b"too late");
    transport.close();
    assert!(transport.is_closing());
    drop(peer);
}

#[test]
fn create_connection_outside_of_a_runtime_says_so() {
    let caught = catch(|| drop(create_connection(|| Noted::new(&Journal::new()), "127.0.0.1:1")));
    assert!(caught.message.contains("outside a bowerbird runtime"), "{caught:?}");
    assert!(caught.file.ends_with("ends.rs"), "{caught:?}");
}

/// Nothing that is called runs inside another call.
#[test]
fn callbacks_are_never_nested() {
    everywhere(|| async {
        let journal = Journal::new();
        let inside = journal.clone();
        let protocol = Noted::new(&journal).acting(move |call, transport| {
            if call == "data" {
                fill(transport);
                transport.close();
                transport.abort();
                inside.note("after");
            }
        });
        let (_transport, mut peer) = pair(protocol).await;
        peer.write_all(b"x").await.unwrap();
        end(&journal).await;
        journal.expect(&["made", "data 1", "after", "pause", "lost"]);
    });
}

/// A transport may be used where the connection's own task is not: on a plain thread.
#[test]
fn any_thread_may_write_and_close() {
    on_workers(1, async {
        let journal = Journal::new();
        let (transport, mut peer) = pair(Noted::new(&journal)).await;
        let thread = std::thread::spawn(move || {
            for _ in 0..1000 {
                transport.write(&[1; 1024]);
            }
            transport.close();
        });
        drain(&mut peer, 1000 * 1024).await;
        assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
        thread.join().unwrap();
        end(&journal).await;
    });
}

#[test]
fn many_connections_end_without_a_task_or_a_socket_left() {
    on_workers(2, async {
        let journal = Journal::new();
        let before = all_tasks().len();
        for round in 0..200 {
            let (transport, peer) = pair(Noted::new(&journal)).await;
            match round % 3 {
                0 => transport.close(),
                1 => transport.abort(),
                _ => drop(peer),
            }
        }
        until(|| all_tasks().len() == before).await;
        assert_eq!(journal.lines().iter().filter(|line| line.starts_with("lost")).count(), 200);
    });
}

/// A protocol writes what it wants to hear; the rest does nothing.
#[test]
fn calls_may_be_left_out() {
    struct Deaf;
    impl Protocol for Deaf {}
    everywhere(|| async {
        let (transport, mut peer) = pair(Deaf).await;
        peer.write_all(b"hello?").await.unwrap();
        let count = fill(&transport);
        drain(&mut peer, count).await;
        peer.shutdown().await.unwrap();
        assert_eq!(peer.read(&mut [0; 1]).await.unwrap(), 0, "its end is answered by one");
        until(|| transport.is_closing()).await;
    });
}
