//! What moves bytes in bulk: `sendfile`, `splice`, and pipes.

#![cfg(unix)]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::fs::File;
use std::io::{ErrorKind, IoSlice, Write};

use bowerbird_io::Interest;
use bowerbird_net::io::{Async, AsyncReadExt, AsyncWriteExt};
use bowerbird_net::{TcpListener, TcpStream, UnixStream, pipe, splice};
use support::{Directory, fresh_directory, join, poll_once_and_drop, run};

async fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// Bytes that are everywhere different.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

fn file(directory: &Directory, contents: &[u8]) -> File {
    let path = directory.join("file");
    std::fs::write(&path, contents).unwrap();
    File::open(path).unwrap()
}

/// Sends a file, and reads what comes out at the other end.
async fn sent(file: &File, offset: u64, count: Option<u64>) -> (u64, Vec<u8>) {
    let (mut client, mut server) = tcp_pair().await;
    let mut received = Vec::new();
    let send = async {
        let sent = client.sendfile(file, offset, count).await.unwrap();
        client.shutdown().await.unwrap();
        sent
    };
    let (sent, read) = join(send, server.read_to_end(&mut received)).await;
    read.unwrap();
    (sent, received)
}

#[test]
fn file_is_sent_whole_and_in_part() {
    let directory = fresh_directory("sendfile");
    let contents = bytes(3 << 20);
    let file = file(&directory, &contents);
    run(async {
        assert!(sent(&file, 0, None).await == (contents.len() as u64, contents.clone()));
        assert!(sent(&file, 1000, Some(70_000)).await == (70_000, contents[1000..71_000].to_vec()));
        let end = contents.len() as u64;
        assert_eq!(sent(&file, end, None).await, (0, Vec::new()));
        assert_eq!(sent(&file, 5, Some(0)).await, (0, Vec::new()));
        assert_eq!(sent(&file, end - 3, Some(100)).await.0, 3, "the file ends before");
    });
}

/// A write-only file is refused by the system in both ways; a pipe cannot be read at an offset.
#[test]
fn file_that_cannot_be_read_is_an_error() {
    let directory = fresh_directory("sendfile-error");
    let write_only = File::create(directory.join("file")).unwrap();
    run(async {
        let (mut client, _server) = tcp_pair().await;
        assert!(client.sendfile(&write_only, 0, None).await.is_err());
        let folder = File::open(&*directory).unwrap();
        let error = client.sendfile(&folder, 0, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory, "the system refuses, and so does a read");
    });
}

/// What `sendfile` of the system refuses goes through a buffer: files of /proc have no pages.
#[test]
#[cfg(target_os = "linux")]
fn file_that_the_system_does_not_send_is_copied() {
    run(async {
        let file = File::open("/proc/self/status").unwrap();
        let (count, text) = sent(&file, 0, None).await;
        assert_eq!(count, text.len() as u64);
        assert!(text.starts_with(b"Name:"));
    });
}

#[test]
fn peer_that_goes_ends_a_sendfile() {
    let directory = fresh_directory("sendfile-gone");
    let file = file(&directory, &bytes(8 << 20));
    run(async {
        let (mut client, server) = tcp_pair().await;
        poll_once_and_drop(client.sendfile(&file, 0, None)).await;
        drop(server);
        let error = client.sendfile(&file, 0, None).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
    });
}

#[test]
fn splice_moves_everything_and_shuts_nothing_down() {
    run(async {
        let ((mut client, here), (there, mut server)) =
            (tcp_pair().await, UnixStream::pair().unwrap());
        let contents = bytes(3 << 20);
        let write = async {
            client.write_all(&contents).await.unwrap();
            client.shutdown().await.unwrap();
        };
        let mut received = vec![0; contents.len()];
        let (moved, ((), read)) =
            join(splice(&here, &there), join(write, server.read_exact(&mut received))).await;
        assert_eq!(moved.unwrap(), contents.len() as u64);
        read.unwrap();
        assert!(received == contents);
        // The other way is open still, at the same time.
        server.write_all(b"answer").await.unwrap();
        server.shutdown().await.unwrap();
        assert_eq!(splice(&there, &here).await.unwrap(), 6);
        let mut answer = [0; 6];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"answer");
    });
}

#[test]
fn splice_goes_both_ways_at_once_and_tells_of_a_peer_that_goes() {
    run(async {
        let ((mut client, here), (there, mut server)) = (tcp_pair().await, tcp_pair().await);
        let talk = async {
            client.write_all(b"question").await.unwrap();
            let mut question = [0; 8];
            server.read_exact(&mut question).await.unwrap();
            server.write_all(b"answer").await.unwrap();
            let mut answer = [0; 6];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!((&question, &answer), (b"question", b"answer"));
            client.shutdown().await.unwrap();
            server.shutdown().await.unwrap();
        };
        let both = join(splice(&here, &there), splice(&there, &here));
        let ((out, back), ()) = join(both, talk).await;
        assert_eq!((out.unwrap(), back.unwrap()), (8, 6));

        let ((mut client, here), (there, server)) = (tcp_pair().await, tcp_pair().await);
        server.set_linger(Some(std::time::Duration::ZERO)).unwrap();
        drop(server);
        client.write_all(b"nobody").await.unwrap();
        let error = splice(&here, &there).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe));
    });
}

// ----- pipes --------------------------------------------------------------------------------------------

#[test]
fn pipe_carries_bytes_and_ends() {
    run(async {
        let (mut sender, mut receiver) = pipe::pipe().unwrap();
        let mut buffer = [0; 16];
        poll_once_and_drop(receiver.read(&mut buffer)).await;
        let contents = bytes(1 << 20);
        let write = async {
            sender.write_all(&contents).await.unwrap();
            drop(sender);
        };
        let mut received = Vec::new();
        let (read, ()) = join(receiver.read_to_end(&mut received), write).await;
        assert_eq!(read.unwrap(), contents.len());
        assert!(received == contents);
    });
}

#[test]
fn pipe_without_a_reader_is_broken() {
    run(async {
        let (mut sender, receiver) = pipe::pipe().unwrap();
        while sender.try_write(&[0; 4096]).is_ok() {}
        let mut waits = Box::pin(sender.write(b"x"));
        std::future::poll_fn(|cx| {
            assert!(waits.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        drop(receiver);
        assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn pipes_come_from_elsewhere_and_go_back() {
    run(async {
        let (sender, receiver) = pipe::pipe().unwrap();
        let (writer, reader) = (sender.into_blocking_fd().unwrap(), receiver.into_nonblocking_fd());
        let mut file = File::from(writer);
        file.write_all(b"blocking").unwrap();
        assert!(pipe::Receiver::from_fd(file.try_clone().unwrap()).is_err(), "the wrong end");
        let mut receiver = pipe::Receiver::from_fd(reader).unwrap();
        let mut buffer = [0; 8];
        receiver.read_exact(&mut buffer).await.unwrap();
        let sender = pipe::Sender::from_fd(file).unwrap();
        assert_eq!(
            sender.try_write_vectored(&[IoSlice::new(b"a"), IoSlice::new(b"b")]).unwrap(),
            2
        );
        receiver.readable().await.unwrap();
        assert_eq!(receiver.try_read(&mut buffer).unwrap(), 2);
        let null = File::open("/dev/null").unwrap();
        let error = pipe::Receiver::from_fd(null).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().contains("no pipe")),
            (ErrorKind::InvalidInput, true)
        );
    });
}

#[test]
fn fifo_has_a_path() {
    let directory = fresh_directory("fifo");
    let path = directory.join("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR)
        .unwrap();
    run(async {
        let options = pipe::OpenOptions::new();
        let error = options.open_sender(&path).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::NXIO.raw_os_error()));
        let mut receiver = options.open_receiver(&path).unwrap();
        let mut sender = options.open_sender(&path).unwrap();
        sender.write_all(b"hello").await.unwrap();
        drop(sender);
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"hello");
        drop(receiver);
        if cfg!(target_os = "linux") {
            drop(options.clone().read_write(true).open_sender(&path).unwrap());
        }
        let plain = directory.join("plain");
        std::fs::write(&plain, "no fifo").unwrap();
        let error = options.open_receiver(&plain).unwrap_err();
        assert!(error.to_string().contains("plain is no FIFO"), "{error}");
    });
}

/// More than fits into the system's buffers, through readers and writers of std.
#[test]
fn anything_that_reads_and_writes_becomes_asynchronous() {
    run(async {
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        let (mut one, mut other) = (Async::new(one).unwrap(), Async::new(other).unwrap());
        poll_once_and_drop(AsyncReadExt::read(&mut other, &mut [0; 1])).await;
        let all = bytes(1_000_000);
        let write = async {
            AsyncWriteExt::write_all(&mut one, &all).await.unwrap();
            AsyncWriteExt::flush(&mut one).await.unwrap();
            drop(one);
        };
        let mut received = Vec::new();
        let (read, ()) = join(AsyncReadExt::read_to_end(&mut other, &mut received), write).await;
        assert_eq!(read.unwrap(), 1_000_000);
        assert_eq!(received, all);
        drop(other.into_inner());

        let (receiver, sender) = rustix::pipe::pipe().unwrap();
        let (receiver, mut sender) = (File::from(receiver), File::from(sender));
        let mut receiver = Async::with_interest(receiver, Interest::READABLE).unwrap();
        sender.write_all(b"hello").unwrap();
        let mut room = [0; 5];
        AsyncReadExt::read_exact(&mut receiver, &mut room).await.unwrap();
        assert_eq!(&room, b"hello");
    });
}
