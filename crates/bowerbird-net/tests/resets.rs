//! Peers that reset the connection at each point, descriptors that run out, and none that is left.

#![cfg(target_os = "linux")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream as StdStream};
use std::time::Duration;

use bowerbird_net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream, pipe};
use support::{fresh_directory, join, poll_once_and_drop, run};

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// Closes with a reset.
fn reset(stream: TcpStream) {
    stream.set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

#[test]
fn reset_while_a_read_waits() {
    run(async {
        let (client, mut server) = pair().await;
        let mut buffer = [0; 16];
        let (read, ()) = join(server.read(&mut buffer), async { reset(client) }).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::ConnectionReset);
        // Told once; then it is the end.
        assert_eq!(server.read(&mut buffer).await.unwrap(), 0);
    });
}

#[test]
fn reset_behind_data_that_nobody_has_read() {
    run(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"last words").await.unwrap();
        server.readable().await.unwrap();
        reset(client);
        let mut buffer = [0; 16];
        let error = server.read(&mut buffer).await;
        // A reset throws away what was not read, if it is there before the read.
        assert!(matches!(error, Ok(10)) || error.unwrap_err().kind() == ErrorKind::ConnectionReset);
    });
}

#[test]
fn reset_while_a_write_waits() {
    run(async {
        let (client, mut server) = pair().await;
        while server.try_write(&[0; 65_536]).is_ok() {}
        let (write, ()) = join(server.write_all(&[0; 65_536]), async { reset(client) }).await;
        assert_eq!(write.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn reset_before_a_shutdown() {
    run(async {
        let (client, mut server) = pair().await;
        reset(client);
        server.readable().await.unwrap();
        server.shutdown().await.unwrap();
        server.shutdown().await.unwrap();
    });
}

#[test]
fn reset_before_it_is_accepted() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        for _ in 0..3 {
            let client = StdStream::connect(address).unwrap();
            socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
        }
        // Linux gives them all the same; what they are is told by the first read.
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let error = stream.read(&mut [0]).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionReset);
        }
    });
}

#[test]
fn reset_while_a_connect_waits_is_a_refusal() {
    run(async {
        let nobody: SocketAddr = {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        for _ in 0..3 {
            let error = TcpStream::connect_addr(nobody).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        }
    });
}

/// How many descriptors this process has.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Runs in a process of its own: its descriptors are counted, and made scarce.
fn alone(name: &str) -> bool {
    const VARIABLE: &str = "BOWERBIRD_TEST_ALONE";
    if std::env::var_os(VARIABLE).is_some_and(|alone| alone == name) {
        return true;
    }
    let test = std::process::Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(VARIABLE, name)
        .output()
        .unwrap();
    assert!(test.status.success(), "{}", String::from_utf8_lossy(&test.stderr));
    false
}

#[test]
fn accept_without_a_descriptor_fails_and_recovers() {
    if !alone("accept_without_a_descriptor_fails_and_recovers") {
        return;
    }
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = StdStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut hoard = Vec::new();
        let limits = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        let few = rustix::process::Rlimit { current: Some(64), maximum: limits.maximum };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, few).unwrap();
        while let Ok(file) = std::fs::File::open("/dev/null") {
            hoard.push(file);
        }
        for _ in 0..3 {
            let error = listener.accept().await.unwrap_err();
            let emfile = rustix::io::Errno::MFILE.raw_os_error();
            assert_eq!(error.raw_os_error(), Some(emfile), "{error}");
        }
        let error = TcpStream::connect("127.0.0.1:1").await.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()));
        hoard.clear();
        listener.accept().await.unwrap();
    });
}

#[test]
fn nothing_leaves_a_descriptor_behind() {
    if !alone("nothing_leaves_a_descriptor_behind") {
        return;
    }
    let directory = fresh_directory("descriptors");
    let path = directory.join("socket");
    let one_round = || {
        run(async {
            let (mut client, mut server) = pair().await;
            poll_once_and_drop(server.read(&mut [0; 4])).await;
            client.write_all(b"data").await.unwrap();
            let (reader, writer) = server.into_split();
            drop((reader, writer));
            let (one, other) = UnixStream::pair().unwrap();
            let std = one.into_std();
            drop((std, other));
            let listener = UnixListener::bind(&path).unwrap();
            drop(UnixStream::connect(&path));
            let (client, accepted) = join(UnixStream::connect(&path), listener.accept()).await;
            drop((client.unwrap(), accepted.unwrap()));
            assert!(UnixListener::bind(&path).is_err());
            assert!(TcpStream::connect("127.0.0.1:1").await.is_err());
            poll_once_and_drop(TcpListener::bind("127.0.0.1:0").await.unwrap().accept()).await;
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            poll_once_and_drop(udp.recv(&mut [0; 4])).await;
            drop(pipe::pipe().unwrap());
            let ((mut client, here), (there, _server)) = (pair().await, pair().await);
            client.write_all(b"data").await.unwrap();
            poll_once_and_drop(bowerbird_net::splice(&here, &there)).await;
        });
    };
    one_round();
    let before = descriptors();
    for _ in 0..5 {
        one_round();
    }
    assert_eq!(descriptors(), before);
}
