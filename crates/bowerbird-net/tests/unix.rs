//! The contract of `UnixListener` and `UnixStream`.

#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bowerbird_net::{UnixListener, UnixStream};
use futures_core::Stream;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use support::{fresh_directory, join, join_all, poll_once_and_drop, run};

fn pair() -> (UnixStream, UnixStream) {
    UnixStream::pair().unwrap()
}

/// Gives back all that it gets.
async fn echo(mut stream: UnixStream) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer).await.unwrap();
        if count == 0 {
            return stream.shutdown().await.unwrap();
        }
        stream.write_all(&buffer[..count]).await.unwrap();
    }
}

#[test]
fn echo_gives_back_what_it_got() {
    run(async {
        for size in [1, 100, 1 << 20] {
            let (mut client, server) = pair();
            let sent: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let (mut reader, mut writer) = client.split();
            let write = async {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let mut received = Vec::new();
            let (read, _) =
                join(reader.read_to_end(&mut received), join(write, echo(server))).await;
            assert_eq!(read.unwrap(), size);
            assert!(received == sent);
        }
    });
}

#[test]
fn many_connections_at_once() {
    let directory = fresh_directory("unix-many");
    let path = directory.join("socket");
    run(async {
        let listener = UnixListener::bind(&path).unwrap();
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for _ in 0..100 {
            tasks.push(Box::pin(async { echo(listener.accept().await.unwrap().0).await }));
            tasks.push(Box::pin(async {
                let mut stream = UnixStream::connect(&path).await.unwrap();
                stream.write_all(b"ping").await.unwrap();
                stream.shutdown().await.unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await.unwrap();
                assert_eq!(answer, b"ping");
            }));
        }
        join_all(tasks).await;
    });
}

#[test]
fn halves_end_one_direction_and_reunite() {
    run(async {
        let (client, mut server) = pair();
        let (other_reader, other_writer) = pair().0.into_split();
        let (reader, writer) = client.into_split();
        let error = reader.reunite(other_writer).unwrap_err();
        let (mut reader, mut writer) = error.0.reunite(writer).unwrap().into_split();
        drop((error.1, other_reader));
        writer.write_all(b"question").await.unwrap();
        drop(writer);
        let mut question = Vec::new();
        server.read_to_end(&mut question).await.unwrap();
        assert_eq!(question, b"question");
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut answer = Vec::new();
        reader.read_to_end(&mut answer).await.unwrap();
        assert_eq!(answer, b"answer");
    });
}

/// A receive stops at a descriptor, although more bytes are behind it: the short count is no emptiness.
#[test]
fn bytes_behind_a_descriptor_are_read() {
    run(async {
        let (mut client, server) = pair();
        server.writable().await.unwrap();
        // The event for the first bytes is there before they are read.
        send_with_descriptor(&server, b"one");
        assert_eq!(server.try_write(b"two").unwrap(), 3);
        client.readable().await.unwrap();
        let mut buffer = [0; 64];
        assert_eq!(client.read(&mut buffer).await.unwrap(), 3, "the system stops at a descriptor");
        assert_eq!(client.read(&mut buffer).await.unwrap(), 3);
        assert_eq!(&buffer[..3], b"two");
    });
}

/// Sends bytes with a descriptor.
fn send_with_descriptor(to: &UnixStream, bytes: &[u8]) {
    let passed = [to.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); 64];
    let mut control = SendAncillaryBuffer::new(&mut space);
    assert!(control.push(SendAncillaryMessage::ScmRights(&passed)));
    let sent = rustix::net::sendmsg(to, &[IoSlice::new(bytes)], &mut control, SendFlags::empty());
    assert_eq!(sent.unwrap(), bytes.len());
}

#[test]
fn peek_takes_nothing_and_waits_like_a_read() {
    run(async {
        let (mut client, mut server) = pair();
        poll_once_and_drop(client.peek(&mut [0; 1])).await;
        let (mut first, mut second) = ([0; 2], [0; 2]);
        let write = server.write_all(b"xy");
        let ((one, other), _) =
            join(join(client.peek(&mut first), client.peek(&mut second)), write).await;
        assert_eq!((one.unwrap(), other.unwrap(), first, second), (2, 2, *b"xy", *b"xy"));
        let mut all = [0; 2];
        client.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"xy");
    });
}

#[test]
fn peek_that_is_polled_takes_nothing() {
    run(async {
        let (mut client, mut server) = pair();
        let mut room = [0; 2];
        let peek = std::future::poll_fn(|cx| client.poll_peek(cx, &mut room));
        let (count, _) = join(peek, server.write_all(b"xy")).await;
        assert_eq!(count.unwrap(), 2);
        client.read_exact(&mut room).await.unwrap();
        assert_eq!(&room, b"xy");
    });
}

#[test]
fn several_pieces_in_one_call() {
    run(async {
        let (client, server) = pair();
        server.writable().await.unwrap();
        let pieces = [IoSlice::new(b"one "), IoSlice::new(b""), IoSlice::new(b"two")];
        assert_eq!(server.try_write_vectored(&pieces).unwrap(), 7);
        client.readable().await.unwrap();
        let (mut first, mut second) = ([0; 4], [0; 8]);
        let mut room = [io::IoSliceMut::new(&mut first), io::IoSliceMut::new(&mut second)];
        assert_eq!(client.try_read_vectored(&mut room).unwrap(), 7);
        assert_eq!((&first, &second[..3]), (b"one ", &b"two"[..]));
        assert_eq!(client.try_read(&mut first).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn write_to_a_peer_that_is_gone_is_an_error() {
    run(async {
        let (mut client, server) = pair();
        drop(server);
        let error = client.write_all(b"hello").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
        assert_eq!(client.read(&mut [0; 1]).await.unwrap(), 0);
        client.shutdown().await.unwrap();
    });
}

/// Unread input at a close is a reset here too.
#[test]
fn peer_that_closes_with_unread_input_resets() {
    run(async {
        let (mut client, server) = pair();
        client.write_all(b"nobody reads this").await.unwrap();
        drop(server);
        let error = client.read(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    });
}

// ----- connecting ---------------------------------------------------------------------------------------

#[test]
fn connect_tells_what_is_missing() {
    let directory = fresh_directory("unix-connect");
    let path = directory.join("socket");
    run(async {
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        drop(StdListener::bind(&path).unwrap());
        let error = UnixStream::connect(&path).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let unnamed = pair().0.local_addr().unwrap();
        let error = UnixStream::connect_addr(&unnamed).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn connect_waits_for_room_in_the_queue() {
    let directory = fresh_directory("unix-queue");
    let path = directory.join("socket");
    let socket = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    socket.bind(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
    socket.listen(0).unwrap();
    run(async {
        let _filler = StdStream::connect(&path).unwrap();
        poll_once_and_drop(UnixStream::connect(&path)).await;
        let mut connect = Box::pin(UnixStream::connect(&path));
        std::future::poll_fn(|cx| {
            assert!(connect.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        let _accepted = socket.accept().unwrap();
        let mut stream = connect.await.unwrap();
        stream.write_all(b"x").await.unwrap();
        stream.shutdown().await.unwrap();
    });
}

#[test]
fn path_that_is_too_long_is_named_with_the_limit() {
    let longest = if cfg!(target_os = "linux") { 107 } else { 103 };
    let directory = fresh_directory("unix-long");
    let fill = |length: usize| {
        let begin = format!("{}/", directory.display());
        PathBuf::from(format!("{begin}{}", "x".repeat(length - begin.len())))
    };
    run(async {
        drop(UnixListener::bind(fill(longest)).unwrap());
        let path = fill(longest + 1);
        let errors =
            [UnixListener::bind(&path).unwrap_err(), UnixStream::connect(&path).await.unwrap_err()];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let text = error.to_string();
            let path = path.display().to_string();
            for part in [&path, &format!("{} bytes", longest + 1), &format!("at most {longest}")] {
                assert!(text.contains(part.as_str()), "{text}");
            }
        }
        let error = UnixStream::connect("with\0nul").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

#[test]
#[cfg(target_os = "linux")]
fn abstract_names_need_no_file() {
    use std::os::linux::net::SocketAddrExt;
    run(async {
        let name = format!("bowerbird-test-{}", std::process::id());
        let listener = UnixListener::bind(format!("\0{name}")).unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(address.as_abstract_name(), Some(name.as_bytes()));
        let (by_name, by_addr) = join(
            join(UnixStream::connect(format!("\0{name}")), listener.accept()),
            join(UnixStream::connect_addr(&address), listener.accept()),
        )
        .await;
        let _streams = (by_name.0.unwrap(), by_name.1.unwrap(), by_addr.0.unwrap(), by_addr.1);
        let error = UnixListener::bind_addr(&address).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        let error = UnixListener::bind(format!("\0{}", "x".repeat(108))).unwrap_err();
        assert!(error.to_string().contains("at most 107"), "{error}");
    });
}

#[test]
fn credentials_of_the_peer() {
    let directory = fresh_directory("unix-cred");
    let path = directory.join("socket");
    run(async {
        let listener = UnixListener::bind(&path).unwrap();
        let (client, server) = join(UnixStream::connect(&path), listener.accept()).await;
        let (server, peer) = server.unwrap();
        assert!(peer.is_unnamed());
        for end in [client.unwrap(), server] {
            let peer = end.peer_cred().unwrap();
            assert_eq!(peer.uid(), rustix::process::geteuid().as_raw());
            assert_eq!(peer.gid(), rustix::process::getegid().as_raw());
            if cfg!(target_os = "linux") {
                assert_eq!(peer.pid(), Some(std::process::id() as i32));
            }
        }
    });
}

#[test]
fn peer_with_a_name_is_told_by_it() {
    let directory = fresh_directory("unix-named");
    let (path, own) = (directory.join("socket"), directory.join("own"));
    run(async {
        let listener = UnixListener::bind(&path).unwrap();
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
        socket.bind(&socket2::SockAddr::unix(&own).unwrap()).unwrap();
        socket.connect(&socket2::SockAddr::unix(&path).unwrap()).unwrap();
        let (_stream, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.as_pathname(), Some(&*own));
    });
}

// ----- the file -----------------------------------------------------------------------------------------

/// What stays at a path after a listener was bound there, treated and dropped.
fn is_left(path: &Path, treat: impl FnOnce(&mut UnixListener)) -> bool {
    run(async {
        let mut listener = UnixListener::bind(path).unwrap();
        assert!(path.exists());
        treat(&mut listener);
    });
    path.exists()
}

#[test]
fn listener_removes_its_own_file_and_no_other() {
    let directory = fresh_directory("unix-file");
    let path = directory.join("socket");
    assert!(!is_left(&path, |_| {}));
    assert!(!is_left(&path, |_| std::fs::remove_file(&path).unwrap()), "gone before");
    let mut other = None;
    assert!(is_left(&path, |_| {
        std::fs::rename(&path, directory.join("moved")).unwrap();
        other = Some(StdListener::bind(&path).unwrap());
    }));
    drop(StdStream::connect(&path).unwrap());
    std::fs::remove_file(&path).unwrap();
    assert!(is_left(&path, |_| {
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a file").unwrap();
    }));
    assert_eq!(std::fs::read(&path).unwrap(), b"a file");
}

#[test]
fn file_stays_where_that_was_asked_for() {
    let directory = fresh_directory("unix-stays");
    let path = directory.join("socket");
    assert!(is_left(&path, |listener| listener.set_remove_file(false).unwrap()));
    run(async {
        let error = UnixListener::bind(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        std::fs::remove_file(&path).unwrap();
        let std = UnixListener::bind(&path).unwrap().into_std();
        drop(UnixListener::from_std(std.try_clone().unwrap()).unwrap());
        assert!(path.exists());
        let mut adopted = UnixListener::from_std(std).unwrap();
        adopted.set_remove_file(true).unwrap();
        drop(adopted);
        assert!(!path.exists());
    });
}

#[test]
fn incoming_gives_connections() {
    let directory = fresh_directory("unix-incoming");
    let path = directory.join("socket");
    run(async {
        let listener = UnixListener::bind(&path).unwrap();
        poll_once_and_drop(listener.accept()).await;
        let _clients = (StdStream::connect(&path).unwrap(), StdStream::connect(&path).unwrap());
        let mut incoming = listener.incoming();
        for _ in 0..2 {
            let next = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_next(cx)).await;
            assert!(next.unwrap().unwrap().peer_addr().unwrap().is_unnamed());
        }
    });
}
