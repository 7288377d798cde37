//! Named pipes of Windows.
#![cfg(windows)]

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird::net::windows::named_pipe::{
    ClientOptions, NamedPipeClient, NamedPipeServer, PipeEnd, PipeMode, ServerOptions,
};
use bowerbird::{join, spawn, try_join, yield_now};
use bowerbird_tests::{catch, everywhere, on_workers, turns};

const BUSY: i32 = 231;

/// A name that no other test has.
fn new_name() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(r"\\.\pipe\bowerbird-test-{}-{number}", std::process::id())
}

async fn connected(
    server: ServerOptions,
    client: ClientOptions,
) -> (NamedPipeServer, NamedPipeClient) {
    let name = new_name();
    let server = server.create(&name).unwrap();
    let client = client.open(&name).unwrap();
    server.connect().await.unwrap();
    (server, client)
}

async fn pair() -> (NamedPipeServer, NamedPipeClient) {
    connected(ServerOptions::new(), ClientOptions::new()).await
}

/// Polls a future once, and drops it.
async fn poll_once_and_drop<F: Future>(future: F) {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending(), "it was to wait");
        std::task::Poll::Ready(())
    })
    .await;
}

#[test]
fn bytes_go_both_ways_until_the_end() {
    everywhere(|| async {
        let (mut server, mut client) = pair().await;
        let mut buffer = [0; 16];
        for text in [&b"first"[..], b"second"] {
            client.write_all(text).await.unwrap();
            server.read_exact(&mut buffer[..text.len()]).await.unwrap();
            server.write_all(&buffer[..text.len()]).await.unwrap();
            assert_eq!(client.read(&mut buffer).await.unwrap(), text.len());
            assert_eq!(&buffer[..text.len()], text);
        }
        client.write_all(b"last").await.unwrap();
        drop(client);
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"last");
        // The end stays, and nobody reads what is written.
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn client_reads_the_end_of_a_server_that_is_dropped() {
    everywhere(|| async {
        let (mut server, mut client) = pair().await;
        server.write_all(b"last").await.unwrap();
        drop(server);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"last");
    });
}

#[test]
fn more_than_the_buffers_hold_arrives_in_order() {
    everywhere(|| async {
        let options = ServerOptions::new().in_buffer_size(4096).out_buffer_size(4096);
        let (server, mut client) = connected(options, ClientOptions::new()).await;
        let data: Arc<Vec<u8>> =
            Arc::new((0..300_000_u32).map(|number| (number / 7) as u8).collect());
        let expected = data.clone();
        // One task reads what the other one writes, over two references to one end.
        let server = Arc::new(server);
        let (reads, writes) = (server.clone(), server);
        let echo = spawn(async move {
            let mut buffer = [0; 5000];
            loop {
                match (&*reads).read(&mut buffer).await? {
                    0 => return std::io::Result::Ok(()),
                    count => (&*writes).write_all(&buffer[..count]).await?,
                }
            }
        });
        let mut seen = vec![0; data.len()];
        let client_end = &mut client;
        {
            let client = &*client_end;
            let (mut reader, mut writer) = (client, client);
            try_join((writer.write_all(&data), reader.read_exact(&mut seen))).await.unwrap();
        }
        assert!(seen == *expected);
        drop(client);
        echo.await.unwrap().unwrap();
    });
}

#[test]
fn read_that_was_dropped_loses_nothing() {
    everywhere(|| async {
        let (mut server, mut client) = pair().await;
        let mut buffer = [0; 3];
        for _ in 0..50 {
            poll_once_and_drop(client.read(&mut buffer)).await;
            // The read is under way: it gets these bytes, and nobody awaits it.
            server.write_all(b"abcdef").await.unwrap();
            client.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"abc");
            client.read_exact(&mut buffer).await.unwrap();
            assert_eq!(&buffer, b"def");
        }
    });
}

#[test]
fn cancelled_reader_leaves_its_bytes_to_the_next() {
    on_workers(2, async {
        let (mut server, client) = pair().await;
        let client = Arc::new(client);
        for number in 0..30_u8 {
            let shared = client.clone();
            let reader = spawn(async move { (&*shared).read(&mut [0; 1]).await });
            turns(3).await;
            reader.cancel();
            server.write_all(&[number]).await.unwrap();
            let mut buffer = [0];
            match reader.await {
                // It was there before the cancellation.
                Ok(count) => assert_eq!(count.unwrap(), 1),
                Err(_) => {
                    (&*client).read_exact(&mut buffer).await.unwrap();
                    assert_eq!(buffer, [number]);
                }
            }
        }
    });
}

#[test]
fn wait_for_a_client_that_was_dropped_loses_nobody() {
    everywhere(|| async {
        let name = new_name();
        let mut server = ServerOptions::new().create(&name).unwrap();
        poll_once_and_drop(server.connect()).await;
        poll_once_and_drop(server.connect()).await;
        let mut client = ClientOptions::new().open(&name).unwrap();
        server.connect().await.unwrap();
        // A second look at a client that is there.
        server.connect().await.unwrap();
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
    });
}

#[test]
fn dropped_while_an_operation_is_under_way_frees_the_name() {
    everywhere(|| async {
        let name = new_name();
        for turn in 0..40 {
            let options = ServerOptions::new().first_pipe_instance(true).max_instances(1);
            let server = options.create(&name).unwrap();
            if turn % 4 == 0 {
                poll_once_and_drop(server.connect()).await;
                continue;
            }
            let mut client = ClientOptions::new().open(&name).unwrap();
            server.connect().await.unwrap();
            poll_once_and_drop(client.read(&mut [0; 1])).await;
            if turn % 4 == 1 {
                drop(server);
                assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
            } else if turn % 4 == 2 {
                let mut server = server;
                drop(client);
                assert_eq!(server.read(&mut [0; 1]).await.unwrap(), 0);
            }
        }
    });
}

#[test]
fn write_that_was_taken_arrives_after_a_drop() {
    everywhere(|| async {
        let options = ServerOptions::new().in_buffer_size(1024).out_buffer_size(1024);
        let (mut server, mut client) = connected(options, ClientOptions::new()).await;
        let data = vec![7; 60_000];
        assert_eq!(client.write(&data).await.unwrap(), data.len());
        drop(client);
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        assert!(all == data);
    });
}

#[test]
fn second_write_waits_for_the_first() {
    everywhere(|| async {
        let options = ServerOptions::new().in_buffer_size(1024).out_buffer_size(1024);
        let (mut server, mut client) = connected(options, ClientOptions::new()).await;
        client.write_all(&[1; 60_000]).await.unwrap();
        assert_eq!(client.try_write(b"x").unwrap_err().kind(), ErrorKind::WouldBlock);
        poll_once_and_drop(client.write(&[2; 10])).await;
        poll_once_and_drop(client.writable()).await;
        let mut buffer = vec![0; 60_000];
        let read = server.read_exact(&mut buffer);
        let (written, read) = join((client.write_all(&[2; 10]), read)).await;
        written.unwrap();
        read.unwrap();
        assert!(buffer.iter().all(|byte| *byte == 1));
        server.read_exact(&mut buffer[..10]).await.unwrap();
        assert_eq!(&buffer[..10], &[2; 10]);
    });
}

#[test]
fn readiness_is_reported_without_a_try() {
    everywhere(|| async {
        let (mut server, client) = pair().await;
        client.writable().await.unwrap();
        server.writable().await.unwrap();
        let mut buffer = [0; 8];
        assert_eq!(client.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        let (ready, written) = join((client.readable(), server.write_all(b"hello"))).await;
        ready.unwrap();
        written.unwrap();
        assert_eq!(client.try_read(&mut buffer).unwrap(), 5);
        assert_eq!(client.try_read(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn many_clients_are_served_side_by_side() {
    const CLIENTS: usize = 40;
    on_workers(4, async {
        let name = new_name();
        let mut server = ServerOptions::new().first_pipe_instance(true).create(&name).unwrap();
        let address = name.clone();
        let accepting = spawn(async move {
            let mut serving = Vec::new();
            for _ in 0..CLIENTS {
                server.connect().await.unwrap();
                let next = ServerOptions::new().create(&address).unwrap();
                let mut connected = std::mem::replace(&mut server, next);
                serving.push(spawn(async move {
                    let mut buffer = [0; 64];
                    loop {
                        match connected.read(&mut buffer).await.unwrap() {
                            0 => return,
                            count => connected.write_all(&buffer[..count]).await.unwrap(),
                        }
                    }
                }));
            }
            for task in serving {
                task.await.unwrap();
            }
        });
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let name = name.clone();
                spawn(async move {
                    let mut client = loop {
                        match ClientOptions::new().open(&name) {
                            Err(error) if error.raw_os_error() == Some(BUSY) => yield_now().await,
                            result => break result.unwrap(),
                        }
                    };
                    let text = format!("client {number:04}");
                    let mut buffer = [0; 11];
                    for _ in 0..20 {
                        client.write_all(text.as_bytes()).await.unwrap();
                        client.read_exact(&mut buffer).await.unwrap();
                        assert_eq!(&buffer, text.as_bytes());
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        accepting.await.unwrap();
    });
}

#[test]
fn messages_keep_their_borders() {
    everywhere(|| async {
        let messages = ServerOptions::new().pipe_mode(PipeMode::Message);
        let (mut server, mut client) =
            connected(messages, ClientOptions::new().pipe_mode(PipeMode::Message)).await;
        let mut buffer = [0; 16];
        for _ in 0..20 {
            for text in [&b"a"[..], b"bcd", b"efghi"] {
                server.write_all(text).await.unwrap();
            }
            for text in [&b"a"[..], b"bcd", b"efghi"] {
                let count = client.read(&mut buffer).await.unwrap();
                assert_eq!(&buffer[..count], text);
            }
            // What does not fit comes next, and not together with the next message.
            server.write_all(b"0123456789").await.unwrap();
            server.write_all(b"next").await.unwrap();
            for text in [&b"0123"[..], b"4567", b"89", b"next"] {
                let count = client.read(&mut buffer[..4]).await.unwrap();
                assert_eq!(&buffer[..count], text);
            }
        }
    });
}

#[test]
fn message_longer_than_the_pipe_reads_ahead_comes_whole() {
    everywhere(|| async {
        let messages = ServerOptions::new().pipe_mode(PipeMode::Message).in_buffer_size(300_000);
        let (mut server, mut client) = connected(messages, ClientOptions::new()).await;
        let long: Vec<u8> = (0..200_000_u32).map(|number| (number / 3) as u8).collect();
        // A message goes as a whole, however long.
        assert_eq!(client.write(&long).await.unwrap(), long.len());
        client.write_all(b"short").await.unwrap();
        let mut seen = Vec::new();
        let mut buffer = vec![0; 100_000];
        while seen.len() < long.len() {
            let count = server.read(&mut buffer).await.unwrap();
            assert!(count > 0);
            seen.extend_from_slice(&buffer[..count]);
        }
        assert!(seen == long);
        assert_eq!(server.read(&mut buffer).await.unwrap(), 5);
    });
}

#[test]
fn message_pipe_may_be_read_as_bytes() {
    everywhere(|| async {
        let messages = ServerOptions::new().pipe_mode(PipeMode::Message);
        let (mut server, mut client) = connected(messages, ClientOptions::new()).await;
        for text in [&b"ab"[..], b"cd"] {
            server.write_all(text).await.unwrap();
        }
        let mut buffer = [0; 4];
        client.read_exact(&mut buffer).await.unwrap();
        assert_eq!(&buffer, b"abcd");
    });
}

#[test]
fn disconnected_server_serves_the_next_client() {
    everywhere(|| async {
        let name = new_name();
        let mut server = ServerOptions::new().create(&name).unwrap();
        for turn in 0..10_u8 {
            // A disconnected instance takes a client from the next connect on.
            poll_once_and_drop(server.connect()).await;
            let mut client = ClientOptions::new().open(&name).unwrap();
            server.connect().await.unwrap();
            // Nobody reads it, and the next client's bytes do not follow it.
            client.write_all(b"unread").await.unwrap();
            if turn % 2 == 0 {
                server.readable().await.unwrap();
            }
            server.disconnect().unwrap();
            assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
            assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
            poll_once_and_drop(server.connect()).await;
            let mut client = ClientOptions::new().open(&name).unwrap();
            server.connect().await.unwrap();
            client.write_all(&[turn]).await.unwrap();
            let mut buffer = [0];
            server.read_exact(&mut buffer).await.unwrap();
            assert_eq!(buffer, [turn]);
            server.disconnect().unwrap();
        }
    });
}

#[test]
fn first_instance_is_refused_if_there_is_one() {
    everywhere(|| async {
        let name = new_name();
        let first = ServerOptions::new().first_pipe_instance(true);
        let server = first.create(&name).unwrap();
        let second = first.create(&name).map_err(|error| error.kind());
        assert_eq!(second.unwrap_err(), ErrorKind::PermissionDenied);
        drop(server);
        drop(first.create(&name).unwrap());
    });
}

#[test]
fn client_of_a_pipe_without_a_free_instance_is_told_that_it_is_busy() {
    everywhere(|| async {
        let name = new_name();
        let error = ClientOptions::new().open(&name).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        let one = ServerOptions::new().max_instances(1);
        let server = one.create(&name).unwrap();
        assert_eq!(one.create(&name).unwrap_err().raw_os_error(), Some(BUSY));
        let _client = ClientOptions::new().open(&name).unwrap();
        let error = ClientOptions::new().open(&name).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(BUSY));
        server.connect().await.unwrap();
    });
}

#[test]
fn directions_that_were_not_asked_for_are_refused() {
    everywhere(|| async {
        let inbound = ServerOptions::new().access_outbound(false);
        let (mut server, mut client) = connected(inbound, ClientOptions::new().read(false)).await;
        client.write_all(b"x").await.unwrap();
        server.read_exact(&mut [0; 1]).await.unwrap();
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    });
}

#[test]
fn server_without_a_client_says_so() {
    everywhere(|| async {
        let mut server = ServerOptions::new().create(new_name()).unwrap();
        let error = server.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        assert!(error.to_string().contains("NamedPipeServer::connect"), "{error}");
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::NotConnected);
        // And is none the worse for it.
        let info = server.info().unwrap();
        assert_eq!((info.mode, info.end), (PipeMode::Byte, PipeEnd::Server));
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let caught = catch(|| ServerOptions::new().max_instances(255));
    assert!(caught.message.contains("255"), "{}", caught.message);
    on_workers(1, async {
        let error = ServerOptions::new().create("\\\\.\\pipe\\a\0b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        assert!(NamedPipeServer::from_handle(file).is_err());
    });
}
