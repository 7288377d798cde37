//! Readers and writers over real connections.

use std::future::Future;
use std::io;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener as OsListener, TcpStream as OsStream};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

#[cfg(unix)]
use bowerbird::net::UnixStream;
use bowerbird::net::{TcpListener, TcpStream};
#[cfg(unix)]
use bowerbird::streams::from_unix;
use bowerbird::streams::{ReadError, from_stream, from_tcp};
use bowerbird::{
    StreamReader, StreamWriter, join, open_connection, spawn, timeout, to_thread, yield_now,
};
#[cfg(target_os = "linux")]
use bowerbird_tests::{descriptor_count, in_own_process};
use bowerbird_tests::{everywhere, on_workers, until};

type Pair = (StreamReader, StreamWriter);

/// Two connected ends.
async fn pair() -> (Pair, Pair) {
    let (client, server) = sockets().await;
    (from_tcp(client), from_tcp(server))
}

async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = TcpStream::connect(listener.local_addr().unwrap());
    let (client, server) = join((connect, listener.accept())).await;
    (client.unwrap(), server.unwrap().0)
}

/// One end here, the other one in the hands of std.
async fn with_os_peer() -> (Pair, OsStream) {
    let (client, server) = sockets().await;
    let server = server.into_std();
    server.set_nonblocking(false).unwrap();
    (from_tcp(client), server)
}

/// Ends a connection by a reset.
fn reset(stream: OsStream) {
    bowerbird::net::TcpStream::from_std(stream)
        .and_then(|stream| stream.set_linger(Some(Duration::ZERO)))
        .unwrap();
}

/// Writes until the system takes no more, so that something is buffered.
async fn fill(writer: &StreamWriter) {
    until(|| {
        writer.write([b'x'; 128 * 1024]);
        writer.get_write_buffer_size() > 0
    })
    .await;
}

fn is_broken(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(error.kind(), Kind::ConnectionReset | Kind::BrokenPipe | Kind::ConnectionAborted)
}

// ----- both ways ---------------------------------------------------------------------------------------

#[test]
fn lines_go_both_ways() {
    everywhere(|| async {
        let ((mut reader, writer), (mut peer_reader, peer_writer)) = pair().await;
        for round in 0..100 {
            writer.write(format!("question {round}\n"));
            writer.drain().await.unwrap();
            let line = peer_reader.readline().await.unwrap();
            peer_writer.writelines([&b"answer to "[..], &line]);
            let answer = reader.readline_ref().await.unwrap();
            assert_eq!(answer, format!("answer to question {round}\n").as_bytes());
        }
    });
}

#[test]
fn much_data_arrives_in_order_however_it_is_written() {
    everywhere(|| async {
        let ((_, writer), (mut reader, _)) = pair().await;
        let expected: Vec<u8> = (0..3_000_000_u32).map(|number| (number % 251) as u8).collect();
        let data = expected.clone();
        let writing = spawn(async move {
            let mut rest = &data[..];
            let mut size = 1;
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                match size % 3 {
                    0 => writer.writelines(piece.chunks(7)),
                    _ => writer.write(piece),
                }
                writer.drain().await.unwrap();
                (rest, size) = (after, size * 2 % 100_003 + 1);
            }
            writer.write_eof();
            writer
        });
        assert_eq!(reader.read_to_end().await.unwrap(), expected);
        drop(writing.await.unwrap());
    });
}

#[test]
fn rest_is_sent_although_nobody_awaits_and_the_writer_is_gone() {
    everywhere(|| async {
        let ((reader, writer), (mut peer, _peer_writer)) = pair().await;
        let data = vec![7; 8_000_000];
        writer.write(&data);
        assert!(writer.get_write_buffer_size() > 0, "the system took all of it");
        drop(writer);
        drop(reader);
        assert!(peer.read_to_end().await.unwrap() == data);
    });
}

#[test]
fn dropped_writer_ends_its_direction_only() {
    everywhere(|| async {
        for is_boxed in [false, true] {
            let (client, server) = sockets().await;
            let (mut reader, _) = if is_boxed { from_stream(client) } else { from_tcp(client) };
            let (mut peer, peer_writer) = from_tcp(server);
            assert_eq!(peer.read_to_end().await.unwrap(), b"");
            peer_writer.write("still heard\n");
            assert_eq!(reader.readline().await.unwrap(), b"still heard\n");
            drop(reader);
            // Now it is closed: who writes hears of it.
            let error = loop {
                peer_writer.write("and now not\n");
                if let Err(error) = peer_writer.drain().await {
                    break error;
                }
            };
            assert!(is_broken(&error), "{error:?}");
        }
    });
}

#[test]
fn what_several_tasks_write_at_once_stays_together() {
    everywhere(|| async {
        let ((_, writer), (mut reader, _)) = pair().await;
        let writer = Arc::new(writer);
        let writers: Vec<_> = (0..8)
            .map(|number: u8| {
                let writer = writer.clone();
                spawn(async move {
                    for _ in 0..200 {
                        let line = [vec![b'0' + number; 2_000], b"\n".to_vec()].concat();
                        writer.write(line);
                        writer.drain().await.unwrap();
                    }
                })
            })
            .collect();
        let reading = spawn(async move {
            let mut counts = [0; 8];
            while let Some(line) = reader.next().await {
                let line = line.unwrap();
                assert!(line.len() == 2_001 && line[..2_000].iter().all(|byte| *byte == line[0]));
                counts[usize::from(line[0] - b'0')] += 1;
            }
            counts
        });
        for task in writers {
            task.await.unwrap();
        }
        writer.write_eof();
        assert_eq!(reading.await.unwrap(), [200; 8]);
    });
}

// ----- ends ------------------------------------------------------------------------------------------

#[test]
fn half_closed_peer_still_reads() {
    everywhere(|| async {
        let ((mut reader, writer), (mut peer_reader, peer_writer)) = pair().await;
        assert!(peer_writer.can_write_eof());
        peer_writer.write("last words");
        peer_writer.write_eof();
        assert_eq!(reader.read_to_end().await.unwrap(), b"last words");
        assert!(reader.at_eof());
        writer.write("an answer");
        writer.close();
        assert_eq!(peer_reader.read_to_end().await.unwrap(), b"an answer");
    });
}

#[test]
#[should_panic(expected = "write() after write_eof()")]
fn write_after_write_eof_panics() {
    on_workers(1, async {
        let ((_, writer), _peer) = pair().await;
        writer.write_eof();
        writer.write("more");
    });
}

#[test]
fn close_sends_what_is_buffered_and_ends_both_directions() {
    everywhere(|| async {
        let ((mut reader, writer), (mut peer_reader, peer_writer)) = pair().await;
        let data = vec![1; 4_000_000];
        writer.write(&data);
        writer.close();
        assert!(writer.is_closing());
        writer.write("too late");
        let (closed, received) = join((writer.wait_closed(), peer_reader.read_to_end())).await;
        closed.unwrap();
        assert!(received.unwrap() == data);
        assert_eq!(reader.read(10).await.unwrap(), b"");
        assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
        drop(peer_writer);
    });
}

#[test]
fn close_wakes_a_reader_that_waits() {
    everywhere(|| async {
        for kind in 0..3 {
            #[cfg(unix)]
            let (unix, _far) = UnixStream::pair().unwrap();
            let ((near, _tcp_far), (tcp, _other_far)) = (pair().await, sockets().await);
            let (mut reader, writer) = match kind {
                #[cfg(unix)]
                0 => from_unix(unix),
                1 => from_stream(tcp),
                _ => near,
            };
            let reading = spawn(async move { reader.readline().await });
            yield_now().await;
            writer.close();
            assert_eq!(reading.await.unwrap().unwrap(), b"");
            writer.wait_closed().await.unwrap();
        }
    });
}

#[test]
fn abort_throws_away_what_is_buffered() {
    everywhere(|| async {
        let ((_reader, writer), (mut peer, _peer_writer)) = pair().await;
        fill(&writer).await;
        let waiting = spawn({
            let transport = writer.transport();
            async move { transport.wait_closed().await }
        });
        writer.abort();
        waiting.await.unwrap().unwrap();
        assert_eq!(writer.get_write_buffer_size(), 0);
        peer.read_to_end().await.unwrap();
    });
}

#[test]
fn reset_is_told_to_reader_and_writer() {
    everywhere(|| async {
        let ((mut reader, writer), peer) = with_os_peer().await;
        writer.write("question\n");
        reset(peer);
        let error = reader.readline().await.unwrap_err();
        let ReadError::Io(error) = error else { panic!("{error:?}") };
        assert!(is_broken(&error), "{error:?}");
        // Again, and to everybody.
        assert!(is_broken(&reader.read(1).await.unwrap_err()));
        assert!(is_broken(&reader.exception().unwrap()));
        assert!(is_broken(&writer.drain().await.unwrap_err()));
        assert!(is_broken(&writer.wait_closed().await.unwrap_err()));
        assert!(writer.is_closing());
    });
}

#[test]
fn reset_while_the_writer_waits_ends_the_wait() {
    everywhere(|| async {
        let ((_reader, writer), peer) = with_os_peer().await;
        fill(&writer).await;
        writer.set_write_buffer_limits(0, 0);
        let draining = spawn(async move {
            let drained = writer.drain().await;
            (drained, writer.wait_closed().await)
        });
        yield_now().await;
        reset(peer);
        let (drained, closed) = draining.await.unwrap();
        assert!(is_broken(&drained.unwrap_err()) && is_broken(&closed.unwrap_err()));
    });
}

/// After CPython's test_drain_raises: a loop of writes that are drained ends when the peer is gone.
#[test]
fn test_drain_raises() {
    everywhere(|| async {
        let listener = OsListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || drop(listener.accept().unwrap()));
        let (_reader, writer) = open_connection(address).await.unwrap();
        let error = loop {
            writer.write(b"foo\n");
            if let Err(error) = writer.drain().await {
                break error;
            }
        };
        assert!(is_broken(&error), "{error:?}");
        server.join().unwrap();
    });
}

#[test]
fn test_open_connection_error() {
    on_workers(1, async {
        let listener = OsListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = open_connection(address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    });
}

#[test]
fn test_wait_closed_on_close_with_unread_data() {
    everywhere(|| async {
        let ((mut reader, writer), peer) = with_os_peer().await;
        (&peer).write_all(b"line\nrest").unwrap();
        assert_eq!(reader.readline().await.unwrap(), b"line\n");
        assert!(!writer.is_closing());
        writer.close();
        assert!(writer.is_closing());
        writer.wait_closed().await.unwrap();
        assert_eq!(reader.read_to_end().await.unwrap(), b"rest");
    });
}

/// After test_async_writer_api_exception_after_close.
#[test]
fn test_async_writer_api_exception_after_close() {
    on_workers(1, async {
        let ((_reader, writer), _peer) = pair().await;
        writer.close();
        writer.write("data");
        assert_eq!(writer.drain().await.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    });
}

// ----- back-pressure ---------------------------------------------------------------------------------

#[test]
fn slow_reader_lets_the_writer_hold_the_high_mark_and_one_write_at_most() {
    everywhere(|| async {
        const WRITE: usize = 10_000;
        let ((_reader, writer), (mut peer, _peer_writer)) = pair().await;
        writer.set_write_buffer_limits(50_000, None);
        let writer = Arc::new(writer);
        let writes = writer.clone();
        let writing = spawn(async move {
            let mut most = 0;
            for _ in 0..2_000 {
                writes.write([1; WRITE]);
                most = most.max(writes.get_write_buffer_size());
                writes.drain().await.unwrap();
            }
            writes.write_eof();
            most
        });
        // Nobody reads until the system takes no more.
        until(|| writer.get_write_buffer_size() > 50_000).await;
        let mut total = 0;
        loop {
            let count = peer.read(1_000).await.unwrap().len();
            total += count;
            if count == 0 {
                break;
            }
        }
        let most = writing.await.unwrap();
        assert_eq!(total, 2_000 * WRITE);
        assert!(most > 50_000 && most <= 50_000 + WRITE, "{most} bytes were buffered");
    });
}

/// After CPython's test_multiple_drain.
#[test]
fn test_multiple_drain() {
    everywhere(|| async {
        let ((_reader, writer), (mut peer, _peer_writer)) = pair().await;
        fill(&writer).await;
        let writer = Arc::new(writer);
        let drainers: Vec<_> = (0..10)
            .map(|_| {
                let writer = writer.clone();
                spawn(async move { writer.drain().await })
            })
            .collect();
        yield_now().await;
        let reading = spawn(async move { peer.read_to_end().await });
        for drainer in drainers {
            drainer.await.unwrap().unwrap();
        }
        writer.close();
        reading.await.unwrap().unwrap();
    });
}

#[test]
fn dropped_drain_leaves_nothing_behind() {
    everywhere(|| async {
        let ((_reader, writer), (mut peer, _peer_writer)) = pair().await;
        fill(&writer).await;
        for _ in 0..10 {
            assert!(timeout(Duration::ZERO, writer.drain()).await.is_err());
        }
        writer.close();
        peer.read_to_end().await.unwrap();
        writer.wait_closed().await.unwrap();
    });
}

#[test]
fn reader_that_nobody_asks_takes_nothing_from_the_system() {
    everywhere(|| async {
        let ((mut reader, _writer), (_, peer_writer)) = pair().await;
        fill(&peer_writer).await;
        let before = peer_writer.get_write_buffer_size();
        bowerbird::sleep(Duration::from_millis(20)).await;
        assert_eq!(peer_writer.get_write_buffer_size(), before);
        assert!(reader.buffered().is_empty());
        peer_writer.close();
        reader.read_to_end().await.unwrap();
    });
}

// ----- cancellation ----------------------------------------------------------------------------------

#[test]
fn reads_dropped_at_random_lose_nothing() {
    everywhere(|| async {
        let ((mut reader, _writer), (_, peer_writer)) = pair().await;
        let mut expected = Vec::new();
        for number in 0..2_000_u32 {
            expected.extend_from_slice(
                format!("line {number} {}\n", "x".repeat((number % 97) as usize)).as_bytes(),
            );
        }
        let data = expected.clone();
        let writing = spawn(async move {
            for piece in data.chunks(61) {
                peer_writer.write(piece);
                if piece[0] % 3 == 0 {
                    yield_now().await;
                }
            }
            peer_writer.write_eof();
            peer_writer
        });
        let mut received = Vec::new();
        let mut seed = 12_345_u32;
        loop {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Polled so often, then dropped.
            let polls = seed >> 16 & 3;
            let got = match seed >> 20 & 3 {
                0 => polled(polls, reader.readline()).await.map(Result::unwrap),
                1 => polled(polls, reader.read(50)).await.map(Result::unwrap),
                2 => polled(polls, reader.readexactly(10)).await.map(|read| match read {
                    Ok(data) => data,
                    Err(ReadError::Incomplete(error)) => error.partial,
                    Err(error) => panic!("{error}"),
                }),
                _ => polled(polls, reader.readuntil(["e 1", "x\n"])).await.map(|read| match read {
                    Ok(data) => data,
                    Err(ReadError::Incomplete(error)) => error.partial,
                    Err(error) => panic!("{error}"),
                }),
            };
            match got {
                None => yield_now().await,
                Some(data) if data.is_empty() && reader.at_eof() => break,
                Some(data) => received.extend_from_slice(&data),
            }
        }
        assert!(received == expected, "{} of {} bytes", received.len(), expected.len());
        drop(writing.await.unwrap());
    });
}

/// Polls a future so often, then drops it.
async fn polled<F: Future>(polls: u32, future: F) -> Option<F::Output> {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        let once =
            std::future::poll_fn(|cx: &mut Context<'_>| Poll::Ready(future.as_mut().poll(cx)));
        if let Poll::Ready(output) = once.await {
            return Some(output);
        }
        yield_now().await;
    }
    None
}

#[test]
fn dropped_read_to_end_keeps_what_it_has_read() {
    everywhere(|| async {
        let ((mut reader, _writer), (_, peer_writer)) = pair().await;
        peer_writer.write("first ");
        let mut reading = Box::pin(reader.read_to_end());
        until(|| peer_writer.get_write_buffer_size() == 0).await;
        assert!(timeout(Duration::from_millis(5), &mut reading).await.is_err());
        drop(reading);
        peer_writer.write("second");
        peer_writer.close();
        assert_eq!(reader.read_to_end().await.unwrap(), b"first second");
    });
}

// ----- limits ----------------------------------------------------------------------------------------

#[test]
fn over_long_line_is_an_error_and_the_memory_is_bounded() {
    everywhere(|| async {
        let ((reader, _writer), (_, peer_writer)) = pair().await;
        let mut reader = reader.with_limit(10_000);
        let endless = spawn(async move {
            for _ in 0..100 {
                peer_writer.write([b'x'; 10_000]);
                peer_writer.drain().await.unwrap();
            }
            peer_writer.write("\nnext\n");
            peer_writer
        });
        let mut overruns = 0;
        loop {
            match reader.readline().await {
                Err(ReadError::LimitOverrun(_)) => overruns += 1,
                Ok(line) if line == b"next\n" => break,
                Ok(line) => assert!(line.len() <= 10_001),
                Err(error) => panic!("{error}"),
            }
            assert!(reader.buffered().len() <= 20_000, "{}", reader.buffered().len());
        }
        assert!(overruns >= 50, "{overruns}");
        drop(endless.await.unwrap());
    });
}

// ----- what is left ----------------------------------------------------------------------------------

#[cfg(target_os = "linux")]
#[test]
fn thousand_connections_leave_no_descriptor() {
    in_own_process("thousand_connections_leave_no_descriptor", &[], || {
        on_workers(2, async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let before = descriptor_count();
            for round in 0..1_000 {
                let (client, accepted) = join((open_connection(address), listener.accept())).await;
                let ((mut reader, writer), (server, _)) = (client.unwrap(), accepted.unwrap());
                let (mut peer, peer_writer) = from_tcp(server);
                writer.write("hello\n");
                assert_eq!(peer.readline().await.unwrap(), b"hello\n");
                match round % 4 {
                    0 => writer.close(),
                    1 => writer.abort(),
                    2 => peer_writer.close(),
                    _ => {}
                }
                if round % 4 == 2 {
                    assert_eq!(reader.read(1).await.unwrap(), b"");
                }
            }
            assert_eq!(descriptor_count(), before);
        });
    });
}

/// After CPython's test_unclosed_resource_warnings.
#[test]
fn test_unclosed_resource_warnings() {
    for closes in [false, true] {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = heard.clone();
        let mut runner = bowerbird::Runner::builder()
            .worker_threads(1)
            .debug(true)
            .slow_callback_duration(Duration::from_secs(3_600))
            .exception_handler(move |unhandled| log.lock().unwrap().push(unhandled.to_string()))
            .build()
            .unwrap();
        runner
            .run(async {
                let ((reader, writer), (_peer, peer_writer)) = pair().await;
                if closes {
                    writer.close();
                }
                drop((reader, writer));
                peer_writer.close();
            })
            .unwrap();
        let heard = heard.lock().unwrap();
        if closes {
            assert!(heard.is_empty(), "{heard:?}");
        } else {
            assert!(heard.len() == 1 && heard[0].contains("unclosed StreamWriter"), "{heard:?}");
            assert!(heard[0].contains("streams.rs"), "{heard:?}");
        }
    }
}

#[test]
fn blocking_peer_reads_what_python_would_write() {
    everywhere(|| async {
        let ((mut reader, writer), mut peer) = with_os_peer().await;
        let peer = to_thread(move || {
            let mut text = [0; 5];
            peer.read_exact(&mut text).unwrap();
            peer.write_all(&text).unwrap();
            peer.shutdown(Shutdown::Write).unwrap();
            text
        });
        writer.write("hello");
        let (text, echo) = join((peer, reader.read_to_end())).await;
        assert_eq!((&text, &*echo.unwrap()), (b"hello", &b"hello"[..]));
    });
}
