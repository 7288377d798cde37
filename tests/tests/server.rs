//! Servers beyond CPython's tests: trouble with the system, with handlers, with clients.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as OsStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bowerbird::runtime::{Handle, Unhandled};
use bowerbird::sync::Event;
use bowerbird::{
    Runner, Server, StreamReader, StreamWriter, all_tasks, open_connection, spawn, start_server,
    timeout, yield_now,
};
#[cfg(target_os = "linux")]
use bowerbird_tests::descriptor_count;
use bowerbird_tests::{WORKER_COUNTS, everywhere, in_own_process, on_workers, turns, until};

type Heard = Arc<Mutex<Vec<Unhandled>>>;

/// Hears what the current runtime has to say.
fn listen() -> Heard {
    let heard = Heard::default();
    let log = heard.clone();
    Handle::current().set_exception_handler(move |report| log.lock().unwrap().push(report.clone()));
    heard
}

fn take(heard: &Heard) -> Vec<String> {
    heard.lock().unwrap().drain(..).map(|report| report.to_string()).collect()
}

/// Sends everything back.
async fn echo(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let data = reader.read(64 * 1024).await?;
        if data.is_empty() {
            writer.close();
            return writer.wait_closed().await;
        }
        writer.write(data);
        writer.drain().await?;
    }
}

fn address(server: &Server) -> SocketAddr {
    server.local_addr().expect("it is open")
}

/// Asks an echo server, and gives its answer.
async fn ask(address: SocketAddr) -> io::Result<Vec<u8>> {
    let (mut reader, writer) = open_connection(address).await?;
    writer.write("hello");
    let answer = reader.readexactly(5).await?;
    writer.close();
    writer.wait_closed().await?;
    Ok(answer)
}

// ----- handlers --------------------------------------------------------------------------------------

#[test]
fn many_clients_are_served_side_by_side() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let address = address(&server);
        let clients: Vec<_> = (0..50).map(|_| spawn(ask(address))).collect();
        for client in clients {
            assert_eq!(client.await.unwrap().unwrap(), b"hello");
        }
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn error_of_a_handler_is_told_and_its_connection_closed() {
    everywhere(|| async {
        let heard = listen();
        let failing = async |mut reader: StreamReader, writer: StreamWriter| {
            reader.readline().await.map_err(io::Error::from)?;
            writer.write("before the error");
            Err(io::Error::other("no more clients like that"))
        };
        let server = start_server(failing, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write("\n");
        assert_eq!(reader.read_to_end().await.unwrap(), b"before the error");
        server.close();
        server.wait_closed().await;
        let heard = take(&heard);
        assert!(heard.len() == 1 && heard[0].contains("no more clients like that"), "{heard:?}");
        assert!(heard[0].contains("client"), "the task's name is missing: {heard:?}");
    });
}

#[test]
fn panic_of_a_handler_is_told_and_its_connection_closed() {
    everywhere(|| async {
        let heard = listen();
        let panicking = async |mut reader: StreamReader, _writer: StreamWriter| {
            let line = reader.readline().await.unwrap();
            assert!(line.is_empty(), "a handler panics");
        };
        let server = start_server(panicking, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        writer.write("\n");
        assert_eq!(reader.read_to_end().await.unwrap(), b"");
        // The server lives on.
        assert!(server.is_serving());
        server.close();
        server.wait_closed().await;
        until(|| !heard.lock().unwrap().is_empty()).await;
        let heard = take(&heard);
        assert!(heard.len() == 1 && heard[0].contains("a handler panics"), "{heard:?}");
    });
}

#[test]
fn handler_that_panics_before_its_future_harms_nobody() {
    everywhere(|| async {
        let heard = listen();
        #[allow(unreachable_code)]
        let server = start_server(
            |_reader, _writer| {
                panic!("before the future");
                std::future::ready(())
            },
            "127.0.0.1:0",
        )
        .await
        .unwrap();
        for _ in 0..2 {
            let (mut reader, _writer) = open_connection(address(&server)).await.unwrap();
            assert_eq!(reader.read_to_end().await.unwrap(), b"");
        }
        server.close();
        server.wait_closed().await;
        until(|| heard.lock().unwrap().len() == 2).await;
    });
}

#[test]
fn writer_that_a_handler_gives_away_keeps_its_connection() {
    everywhere(|| async {
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeping = {
            let kept = kept.clone();
            move |reader, writer| {
                kept.lock().unwrap().push((reader, writer));
                std::future::ready(())
            }
        };
        let server = start_server(keeping, "127.0.0.1:0").await.unwrap();
        let (mut reader, _writer) = open_connection(address(&server)).await.unwrap();
        until(|| !kept.lock().unwrap().is_empty()).await;
        turns(5).await;
        assert_eq!(server.connection_count(), 1);
        let (_, writer) = kept.lock().unwrap().pop().unwrap();
        writer.write("still there");
        writer.close();
        assert_eq!(reader.read_to_end().await.unwrap(), b"still there");
        until(|| server.connection_count() == 0).await;
        server.close();
    });
}

#[test]
fn tasks_have_names() {
    on_workers(1, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let (_reader, _writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        let names: Vec<_> = all_tasks().iter().map(|task| task.name().to_string()).collect();
        let accept = format!("accept {}", address(&server));
        assert!(names.contains(&accept) && names.contains(&"client".into()), "{names:?}");
        server.close();
    });
}

// ----- sockets ---------------------------------------------------------------------------------------

#[test]
fn several_addresses_and_listeners_are_one_server() {
    everywhere(|| async {
        let listener = bowerbird::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let start = start_server(echo, "127.0.0.1:0").address("127.0.0.2:0").listener(listener);
        let server = start.backlog(10).keep_alive(true).reuse_address(true).await.unwrap();
        assert_eq!((server.socket_count(), server.local_addrs().len()), (3, 3));
        for address in server.local_addrs() {
            assert_eq!(ask(address).await.unwrap(), b"hello");
        }
        server.close();
        assert_eq!((server.socket_count(), server.local_addrs()), (0, vec![]));
    });
}

#[test]
fn closed_server_refuses_at_once() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let address = address(&server);
        assert_eq!(ask(address).await.unwrap(), b"hello");
        server.close();
        // A poll of the accepting task may hold the listener for a moment, on another worker.
        until(|| OsStream::connect(address).is_err()).await;
        assert!(server.start_serving().is_err());
    });
}

#[cfg(unix)]
#[test]
fn port_is_shared_where_all_say_so() {
    everywhere(|| async {
        let first = start_server(echo, "127.0.0.1:0").reuse_port(true).await.unwrap();
        let address = address(&first);
        let second = start_server(echo, address).reuse_port(true).await.unwrap();
        let error = start_server(echo, address).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains(&address.to_string()), "{error}");
        for _ in 0..10 {
            assert_eq!(ask(address).await.unwrap(), b"hello");
        }
        first.close();
        second.close();
    });
}

#[test]
fn all_interfaces_are_an_empty_name() {
    on_workers(1, async {
        let start = start_server(echo, ("", 0));
        let server = start.only_v4().await.unwrap();
        let port = address(&server).port();
        assert_eq!(ask(([127, 0, 0, 1], port).into()).await.unwrap(), b"hello");
        server.close();
        let nothing: [SocketAddr; 0] = [];
        let error = start_server(echo, nothing).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn connection_limit_leaves_the_others_in_the_queue() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").max_connections(2).await.unwrap();
        let address = address(&server);
        let (first, second) = (open_connection(address).await, open_connection(address).await);
        let (first, second) = (first.unwrap(), second.unwrap());
        until(|| server.connection_count() == 2).await;
        let mut third = Box::pin(ask(address));
        assert!(timeout(Duration::from_millis(20), &mut third).await.is_err());
        assert_eq!(server.connection_count(), 2);
        first.1.close();
        assert_eq!(third.await.unwrap(), b"hello");
        second.1.close();
        server.close();
        server.wait_closed().await;
    });
}

// ----- the system has nothing left -------------------------------------------------------------------

#[cfg(unix)]
#[test]
fn server_survives_the_end_of_descriptors() {
    in_own_process("server_survives_the_end_of_descriptors", &[], || {
        for workers in WORKER_COUNTS {
            on_workers(workers, survive_without_descriptors());
        }
    });
}

#[cfg(unix)]
async fn survive_without_descriptors() {
    let heard = listen();
    let server = start_server(echo, "127.0.0.1:0").await.unwrap();
    let address = address(&server);
    assert_eq!(ask(address).await.unwrap(), b"hello");
    until(|| server.connection_count() == 0).await;
    // The sockets of the clients are made before there is nothing left.
    let (one, other) =
        (open_connection(address).await.unwrap(), OsStream::connect(address).unwrap());
    until(|| server.connection_count() == 2).await;
    let hoarded = hoard();
    // One for a client, none for the server.
    drop(other);
    until(|| server.connection_count() == 1).await;
    let hoarded_more = hoard();
    let waiting = hoarded_more.into_iter().chain(hoarded).skip(1).collect::<Vec<_>>();
    let mut client = OsStream::connect(address).unwrap();
    until(|| !heard.lock().unwrap().is_empty()).await;
    turns(50).await;
    let reports = take(&heard);
    assert!(reports.len() == 1 && reports[0].contains("cannot accept"), "{reports:?}");
    assert_eq!(server.connection_count(), 1);
    // A client that ends makes room, and the one that waited is served at once.
    drop(waiting);
    one.1.close();
    drop(one);
    client.set_nonblocking(true).unwrap();
    client.write_all(b"x").unwrap();
    until(|| matches!(client.read(&mut [0; 1]), Ok(1))).await;
    drop(client);
    assert_eq!(ask(address).await.unwrap(), b"hello");
    assert_eq!(take(&heard), [""; 0]);
    server.close();
    server.wait_closed().await;
}

/// Opens descriptors until there are no more.
#[cfg(unix)]
fn hoard() -> Vec<std::fs::File> {
    std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect()
}

// ----- the end ---------------------------------------------------------------------------------------

#[test]
fn server_closed_while_clients_are_busy_lets_them_finish() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let address = address(&server);
        let all_are_there = Arc::new(Event::new());
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let all_are_there = all_are_there.clone();
                spawn(async move {
                    let (mut reader, writer) = open_connection(address).await?;
                    // Or one would be gone before the last is counted.
                    all_are_there.wait().await;
                    for round in 0..50_u32 {
                        writer.write(round.to_be_bytes());
                        assert_eq!(reader.readexactly(4).await?, round.to_be_bytes());
                    }
                    writer.close();
                    io::Result::Ok(())
                })
            })
            .collect();
        until(|| server.connection_count() == 20).await;
        all_are_there.set();
        server.close();
        server.wait_closed().await;
        for client in clients {
            client.await.unwrap().unwrap();
        }
    });
}

#[test]
fn asked_to_end_the_server_accepts_no_more() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let mut serving = Box::pin(server.serve_forever());
        assert!(timeout(Duration::ZERO, &mut serving).await.is_err());
        let serving = spawn(serving);
        let (mut reader, writer) = open_connection(address(&server)).await.unwrap();
        until(|| server.connection_count() == 1).await;
        Handle::current().request_shutdown();
        until(|| server.socket_count() == 0).await;
        // Who is connected is served on.
        writer.write("hello");
        assert_eq!(reader.readexactly(5).await.unwrap(), b"hello");
        writer.close();
        serving.await.unwrap().unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn end_of_run_leaves_no_descriptor() {
    in_own_process("end_of_run_leaves_no_descriptor", &[], || {
        let before = descriptor_count();
        for workers in WORKER_COUNTS {
            on_workers(workers, async {
                let server = start_server(echo, "127.0.0.1:0").await.unwrap();
                let clients: Vec<_> = (0..10).map(|_| open_connection(address(&server))).collect();
                let mut open = Vec::new();
                for client in clients {
                    open.push(client.await.unwrap());
                }
                until(|| server.connection_count() == 10).await;
                // All of it is left to the end of the runtime.
                std::mem::drop(server);
            });
        }
        assert_eq!(descriptor_count(), before);
    });
}

#[test]
fn handles_that_are_dropped_leave_the_server_at_work() {
    everywhere(|| async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let address = address(&server);
        drop(server);
        assert_eq!(ask(address).await.unwrap(), b"hello");
    });
}

#[test]
fn cancelled_clients_close_their_connections() {
    let mut runner = Runner::builder().worker_threads(2).build().unwrap();
    let mut reader = runner
        .run(async {
            let server = start_server(echo, "127.0.0.1:0").await.unwrap();
            let stream = OsStream::connect(address(&server)).unwrap();
            until(|| server.connection_count() == 1).await;
            for task in all_tasks().iter().filter(|task| &*task.name() == "client") {
                task.cancel();
            }
            until(|| server.connection_count() == 0).await;
            stream
        })
        .unwrap();
    assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
}

// ----- socket activation -----------------------------------------------------------------------------

#[cfg(unix)]
mod activation {
    use std::os::fd::OwnedFd;
    use std::process::Command;

    use bowerbird::streams::start_server_on;
    use bowerbird_tests::{child_command, on_workers, text_of};

    use super::{address, ask, echo};

    #[test]
    fn sockets_of_a_service_manager_are_served() {
        const NAME: &str = "activation::sockets_of_a_service_manager_are_served";
        if std::env::var_os("LISTEN_FDS").is_some() {
            return on_workers(1, async {
                let sockets = bowerbird::streams::activated_sockets().unwrap();
                let [(name, bowerbird::streams::ActivatedSocket::Tcp(listener))] =
                    <[_; 1]>::try_from(sockets).unwrap()
                else {
                    panic!("another kind");
                };
                assert_eq!(name, "web");
                assert!(bowerbird::streams::activated_sockets().unwrap().is_empty(), "taken twice");
                let server = start_server_on(echo, [listener]).await.unwrap();
                assert_eq!(ask(address(&server)).await.unwrap(), b"hello");
                server.close();
            });
        }
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let child = child_command(NAME, &[]);
        // The shell puts the socket where the protocol wants it, and its own process id becomes the test's.
        let script = "exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=web; \
                      exec \"$0\" \"$@\"";
        let mut shell = Command::new("sh");
        shell.stdin(OwnedFd::from(listener));
        shell.arg("-c").arg(script).arg(child.get_program()).args(child.get_args());
        shell.envs(child.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = shell.output().unwrap();
        let text = text_of(&output);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}

#[test]
fn accepts_do_not_keep_others_waiting() {
    // One worker, and more connections in the queue than one poll may take.
    on_workers(1, async {
        let server = start_server(echo, "127.0.0.1:0").start_serving(false).await.unwrap();
        let address = address(&server);
        let clients: Vec<_> = (0..300).map(|_| OsStream::connect(address).unwrap()).collect();
        server.start_serving().unwrap();
        let mut seen = 0;
        let mut rounds = 0;
        while seen < clients.len() {
            yield_now().await;
            seen = server.connection_count();
            rounds += 1;
        }
        assert!(rounds > 2, "all were accepted in one poll");
        server.close();
        drop(clients);
        server.wait_closed().await;
    });
}
