//! Servers, after CPython's `test_server.py` and the servers of `test_streams.py` (see tests/cpython/test_server.md
//! and test_streams.md).
//!
//! Half of it is about Unix sockets; on other systems there is `server`.
#![cfg(unix)]

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bowerbird::net::TcpStream;
use bowerbird::sync::oneshot;
use bowerbird::{
    Server, StreamReader, StreamWriter, Task, catch_cancel, open_connection, open_unix_connection,
    spawn, start_server, start_unix_server, timeout, with, yield_now,
};
use bowerbird_tests::{Counted, everywhere, turns, until};

/// Reads to the end, then closes.
async fn read_all(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let read = reader.read_to_end().await;
    writer.close();
    writer.wait_closed().await?;
    read.map(drop)
}

/// A task in which `serve_forever` has begun: what comes now comes later than that.
async fn begin_forever(server: &Server) -> Task<io::Result<()>> {
    let mut serving = Box::pin(server.serve_forever());
    assert!(timeout(Duration::ZERO, &mut serving).await.is_err());
    spawn(serving)
}

/// Gives a line back.
async fn echo_line(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let line = reader.readline().await?;
    writer.write(line);
    writer.drain().await?;
    writer.close();
    writer.wait_closed().await
}

fn address(server: &Server) -> SocketAddr {
    server.local_addr().expect("it is open")
}

/// A fresh directory, removed in the end.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("bowerbird-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("server.sock")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

// ----- test_streams.py -------------------------------------------------------------------------------

#[test]
fn test_start_server() {
    everywhere(|| async {
        let server = start_server(echo_line, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write(b"hello world!\n");
        assert_eq!(reader.readline().await.unwrap(), b"hello world!\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn test_start_unix_server() {
    everywhere(|| async {
        let directory = Directory::new("start-unix");
        let server = start_unix_server(echo_line, directory.socket()).await.unwrap();
        let (mut reader, writer) = open_unix_connection(directory.socket()).await.unwrap();
        writer.write(b"hello world!\n");
        assert_eq!(reader.readline().await.unwrap(), b"hello world!\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        server.close();
        server.wait_closed().await;
    });
}

// ----- BaseStartServer, SelectorStartServerTests -----------------------------------------------------

/// A server that serves for ever, until its first client cancels that.
async fn serve_until_cancelled(
    server: Server,
    ready: oneshot::Receiver<bowerbird::TaskHandle>,
    connect: impl Future<Output = io::Result<(StreamReader, StreamWriter)>>,
) {
    assert!(!server.is_serving());
    let main = spawn({
        let server = server.clone();
        async move { with(server, async |server: Server| server.serve_forever().await).await }
    });
    until(|| server.is_serving()).await;
    let cancelled = main.handle();
    let canceller = spawn(async move {
        let _served = ready.await;
        cancelled.cancel();
    });
    let (mut reader, writer) = connect.await.unwrap();
    writer.write([&[b'1'; 5 * 1024][..], b"\n"].concat());
    assert_eq!(reader.read_to_end().await.unwrap(), b"1");
    canceller.await.unwrap();
    assert!(main.await.unwrap_err().is_cancelled());

    assert_eq!(server.socket_count(), 0);
    assert!(!server.is_serving());
    let error = server.serve_forever().await.unwrap_err();
    assert!(error.to_string().contains("is closed"), "{error}");
}

/// Reads a line, has the server cancelled, and answers.
fn cancelling_handler(
    tell: oneshot::Sender<bowerbird::TaskHandle>,
) -> impl Fn(StreamReader, StreamWriter) -> std::pin::Pin<Box<dyn Future<Output = io::Result<()>> + Send>>
{
    let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
    move |mut reader, writer| {
        let tell = tell.clone();
        Box::pin(async move {
            reader.readline().await?;
            writer.write(b"1");
            writer.close();
            if let Some(tell) = tell.lock().unwrap().take() {
                let _ = tell.send(bowerbird::current_task().unwrap());
            }
            writer.wait_closed().await
        })
    }
}

#[test]
fn test_start_server_1() {
    everywhere(|| async {
        let (tell, told) = oneshot::channel();
        let start = start_server(cancelling_handler(tell), "127.0.0.1:0");
        let server = start.start_serving(false).await.unwrap();
        let connect = open_connection(address(&server));
        serve_until_cancelled(server, told, connect).await;
    });
}

#[test]
fn test_start_unix_server_1() {
    everywhere(|| async {
        let directory = Directory::new("start-unix-1");
        let (tell, told) = oneshot::channel();
        let start = start_unix_server(cancelling_handler(tell), directory.socket());
        let server = start.start_serving(false).await.unwrap();
        let connect = open_unix_connection(directory.socket());
        serve_until_cancelled(server, told, connect).await;
        assert!(!directory.socket().exists());
    });
}

// ----- TestServer2 -----------------------------------------------------------------------------------

#[test]
fn test_wait_closed_basic() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let wait = |server: &Server| spawn(server.wait_closed());
        // No clients, not closed.
        let first = wait(&server);
        turns(5).await;
        assert!(!first.done());
        // A client, not closed.
        let (_reader, writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        let second = wait(&server);
        turns(5).await;
        assert!(!first.done() && !second.done());
        // A client, closed.
        server.close();
        let third = wait(&server);
        turns(5).await;
        assert!(!first.done() && !second.done() && !third.done());
        // No clients, closed.
        writer.close();
        writer.wait_closed().await.unwrap();
        for task in [first, second, third] {
            task.await.unwrap();
        }
        server.wait_closed().await;
        assert_eq!(server.connection_count(), 0);
    });
}

#[test]
fn test_wait_closed_race() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let waiting = spawn(server.wait_closed());
        yield_now().await;
        assert!(!waiting.done());
        let (_reader, writer) = open_connection(address(&server)).await.unwrap();
        let closing = spawn({
            let server = server.clone();
            async move { server.close() }
        });
        let ending = spawn(async move { writer.close() });
        server.wait_closed().await;
        waiting.await.unwrap();
        closing.await.unwrap();
        ending.await.unwrap();
    });
}

#[test]
fn test_close_clients() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let (mut reader, _writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        let waiting = spawn(server.wait_closed());
        yield_now().await;
        assert!(!waiting.done());
        server.close();
        server.close_clients();
        waiting.await.unwrap();
        assert_eq!(reader.read(1).await.unwrap(), b"");
    });
}

#[test]
fn test_abort_clients() {
    everywhere(|| async {
        let (tell, told) = oneshot::channel();
        let tell = Arc::new(std::sync::Mutex::new(Some(tell)));
        let serve = move |reader: StreamReader, writer: StreamWriter| {
            let tell = tell.clone();
            async move {
                let transport = writer.transport();
                if let Some(tell) = tell.lock().unwrap().take() {
                    let _ = tell.send((reader, writer));
                }
                let _ = transport.wait_closed().await;
            }
        };
        let server = start_server(serve, "127.0.0.1:0").await.unwrap();
        let (_c_reader, _c_writer) = open_connection(address(&server)).await.unwrap();
        let (_s_reader, s_writer) = told.await.unwrap();
        // The client reads nothing: what the system does not take stays here.
        until(|| {
            s_writer.write([b'a'; 256 * 1024]);
            s_writer.get_write_buffer_size() > 0
        })
        .await;
        let waiting = spawn(server.wait_closed());
        turns(5).await;
        assert!(!waiting.done());
        server.close();
        turns(5).await;
        assert!(!waiting.done());
        server.abort_clients();
        waiting.await.unwrap();
        assert_eq!(s_writer.get_write_buffer_size(), 0);
    });
}

#[test]
fn test_close_with_hanging_client() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let serving = begin_forever(&server).await;
        let _hanging = TcpStream::connect(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        serving.cancel();
        server.wait_closed().await;
        assert!(!server.is_serving());
        assert!(serving.await.unwrap_err().is_cancelled());
    });
}

// ----- UnixServerCleanupTests ------------------------------------------------------------------------

async fn nothing(_reader: StreamReader, _writer: StreamWriter) {}

#[test]
fn test_unix_server_addr_cleanup() {
    everywhere(|| async {
        let directory = Directory::new("cleanup");
        let server = start_unix_server(nothing, directory.socket()).await.unwrap();
        assert!(directory.socket().exists());
        server.close();
        assert!(!directory.socket().exists());
    });
}

#[test]
fn test_unix_server_sock_cleanup() {
    everywhere(|| async {
        let directory = Directory::new("sock-cleanup");
        let listener = std::os::unix::net::UnixListener::bind(directory.socket()).unwrap();
        let mut listener = bowerbird::net::UnixListener::from_std(listener).unwrap();
        listener.set_remove_file(true).unwrap();
        let server = bowerbird::streams::start_server_on(nothing, [listener]).await.unwrap();
        server.close();
        assert!(!directory.socket().exists());
    });
}

#[test]
fn test_unix_server_cleanup_gone() {
    everywhere(|| async {
        let directory = Directory::new("gone");
        let server = start_unix_server(nothing, directory.socket()).await.unwrap();
        std::fs::remove_file(directory.socket()).unwrap();
        server.close();
        assert!(!directory.socket().exists());
    });
}

#[test]
fn test_unix_server_cleanup_replaced() {
    everywhere(|| async {
        let directory = Directory::new("replaced");
        let server = start_unix_server(nothing, directory.socket()).await.unwrap();
        std::fs::remove_file(directory.socket()).unwrap();
        let _other = std::os::unix::net::UnixListener::bind(directory.socket()).unwrap();
        server.close();
        assert!(directory.socket().exists());
    });
}

#[test]
fn test_unix_server_cleanup_prevented() {
    everywhere(|| async {
        let directory = Directory::new("prevented");
        let start = start_unix_server(nothing, directory.socket());
        let server = start.cleanup_socket(false).await.unwrap();
        server.close();
        assert!(directory.socket().exists());
    });
}

// ----- beyond ----------------------------------------------------------------------------------------

#[test]
fn dead_socket_makes_place_and_a_live_one_does_not() {
    everywhere(|| async {
        let directory = Directory::new("dead");
        drop(std::os::unix::net::UnixListener::bind(directory.socket()).unwrap());
        assert!(directory.socket().exists());
        let server = start_unix_server(echo_line, directory.socket()).await.unwrap();
        let error = start_unix_server(nothing, directory.socket()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("server.sock"), "{error}");
        server.close();

        std::fs::write(directory.socket(), "a file").unwrap();
        let error = start_unix_server(nothing, directory.socket()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(directory.socket().exists());
    });
}

#[test]
fn serve_forever_that_somebody_closes_is_ok_after_the_last_client() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let serving = begin_forever(&server).await;
        let (_reader, writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        server.close();
        turns(5).await;
        assert!(!serving.done());
        writer.close();
        serving.await.unwrap().unwrap();
    });
}

#[test]
fn second_serve_forever_is_an_error() {
    everywhere(|| async {
        let server = start_server(nothing, "127.0.0.1:0").await.unwrap();
        let mut first = Box::pin(server.serve_forever());
        assert!(timeout(Duration::ZERO, &mut first).await.is_err());
        let error = server.serve_forever().await.unwrap_err();
        assert!(error.to_string().contains("already"), "{error}");
        server.close();
        first.await.unwrap();
    });
}

#[test]
fn serve_forever_under_a_timeout_closes_the_server() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let (mut reader, _writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        assert!(timeout(Duration::from_millis(1), server.serve_forever()).await.is_err());
        // The cleanup has run: there are no clients any more.
        assert_eq!((server.socket_count(), server.connection_count()), (0, 0));
        assert_eq!(reader.read(1).await.unwrap(), b"");
    });
}

#[test]
fn cancel_of_serve_forever_can_be_caught_after_the_close() {
    everywhere(|| async {
        let server = start_server(read_all, "127.0.0.1:0").await.unwrap();
        let mut serving = Box::pin(server.serve_forever());
        assert!(timeout(Duration::ZERO, &mut serving).await.is_err());
        let begun = Counted::new();
        let task = spawn({
            let begun = begun.clone();
            async move {
                begun.add();
                catch_cancel(serving).await.is_err()
            }
        });
        until(|| begun.get() == 1).await;
        task.cancel();
        assert!(task.await.unwrap());
        assert_eq!(server.socket_count(), 0);
    });
}
