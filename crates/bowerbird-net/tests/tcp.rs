//! The contract of `TcpListener` and `TcpStream`, over the loopback.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::pin::Pin;
use std::time::Duration;

use bowerbird_net::{TcpListener, TcpStream};
use futures_core::Stream;
use support::{join, join_all, poll_once_and_drop, run};

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (client, server) =
        join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
    (client.unwrap(), server.unwrap().0)
}

/// An address where nobody listens.
fn closed_port() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn echo_gives_back_what_it_got() {
    run(async {
        for size in [1, 100, 1 << 20] {
            let (mut client, mut server) = pair().await;
            let sent: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let echo = async {
                let mut buffer = vec![0; 16 * 1024];
                loop {
                    let count = server.read(&mut buffer).await.unwrap();
                    if count == 0 {
                        return server.shutdown().await.unwrap();
                    }
                    server.write_all(&buffer[..count]).await.unwrap();
                }
            };
            let (mut reader, mut writer) = client.split();
            let write = async {
                writer.write_all(&sent).await.unwrap();
                writer.shutdown().await.unwrap();
            };
            let read = async {
                let mut received = Vec::new();
                assert_eq!(reader.read_to_end(&mut received).await.unwrap(), size);
                received
            };
            let (received, _) = join(read, join(write, echo)).await;
            assert!(received == sent);
        }
    });
}

#[test]
fn many_connections_at_once() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for _ in 0..100 {
            tasks.push(Box::pin(async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut buffer = [0; 4];
                stream.read_exact(&mut buffer).await.unwrap();
                stream.write_all(&buffer).await.unwrap();
            }));
            tasks.push(Box::pin(async move {
                let mut stream = TcpStream::connect_addr(address).await.unwrap();
                stream.write_all(b"ping").await.unwrap();
                let mut answer = Vec::new();
                stream.read_to_end(&mut answer).await.unwrap();
                assert_eq!(answer, b"ping");
            }));
        }
        join_all(tasks).await;
    });
}

/// Row 47: the peer reads the end, and the other direction goes on.
#[test]
fn half_close_ends_one_direction() {
    run(async {
        let (client, mut server) = pair().await;
        let (mut reader, mut writer) = client.into_split();
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

#[test]
fn halves_reunite_without_ending_anything() {
    run(async {
        let (client, mut server) = pair().await;
        let (other, mut other_peer) = pair().await;
        let (reader, writer) = client.into_split();
        let (other_reader, other_writer) = other.into_split();
        let error = reader.reunite(other_writer).unwrap_err();
        let mut client = error.0.reunite(writer).unwrap();
        client.write_all(b"still open").await.unwrap();
        server.read_exact(&mut [0; 10]).await.unwrap();
        drop(error.1);
        assert_eq!(other_peer.read(&mut [0; 1]).await.unwrap(), 0);
        drop(other_reader);
    });
}

#[test]
fn both_directions_through_a_shared_reference() {
    use futures_io::{AsyncRead, AsyncWrite};
    run(async {
        let (client, mut server) = pair().await;
        const SIZE: usize = 4 << 20;
        let write = async {
            let bytes = vec![7; 64 * 1024];
            let mut written = 0;
            while written < SIZE {
                let mut stream = &client;
                written += std::future::poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, &bytes))
                    .await
                    .unwrap();
            }
            let mut stream = &client;
            std::future::poll_fn(|cx| Pin::new(&mut stream).poll_close(cx)).await.unwrap();
            written
        };
        let read = async {
            let mut buffer = vec![0; 64 * 1024];
            let mut total = 0;
            loop {
                let mut stream = &client;
                let count =
                    std::future::poll_fn(|cx| Pin::new(&mut stream).poll_read(cx, &mut buffer))
                        .await
                        .unwrap();
                if count == 0 {
                    return total;
                }
                total += count;
            }
        };
        let echo = async {
            let mut buffer = vec![0; 64 * 1024];
            loop {
                let count = server.read(&mut buffer).await.unwrap();
                if count == 0 {
                    return server.shutdown().await.unwrap();
                }
                server.write_all(&buffer[..count]).await.unwrap();
            }
        };
        let (total, (written, ())) = join(read, join(write, echo)).await;
        assert_eq!(total, written);
    });
}

/// Row 43.
#[test]
fn refused_connection_is_an_error() {
    run(async {
        let error = TcpStream::connect(closed_port()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert!(error.raw_os_error().is_some(), "one attempt's error stays itself");
    });
}

#[test]
fn next_address_is_tried_when_one_refuses() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let addrs = vec![closed_port(), closed_port(), good];
        let (stream, _) = join(TcpStream::connect(addrs), listener.accept()).await;
        assert_eq!(stream.unwrap().peer_addr().unwrap(), good);
    });
}

#[test]
fn next_address_is_tried_when_one_does_not_answer() {
    run(async {
        // A listener whose queue is full does not answer a SYN.
        let deaf =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        deaf.bind(&"127.0.0.1:0".parse::<SocketAddr>().unwrap().into()).unwrap();
        deaf.listen(0).unwrap();
        let deaf_addr = deaf.local_addr().unwrap().as_socket().unwrap();
        let _filler = StdStream::connect(deaf_addr).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let good = listener.local_addr().unwrap();
        let (stream, _) = join(TcpStream::connect([deaf_addr, good]), listener.accept()).await;
        assert_eq!(stream.unwrap().peer_addr().unwrap(), good);
    });
}

#[test]
fn failure_of_every_address_lists_them() {
    run(async {
        let addrs = [closed_port(), closed_port()];
        let error = TcpStream::connect(addrs).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let text = error.to_string();
        assert!(addrs.iter().all(|address| text.contains(&address.to_string())), "{text}");
        let empty: Vec<SocketAddr> = Vec::new();
        assert_eq!(TcpStream::connect(empty).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

#[test]
fn name_is_looked_up_off_this_thread() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (stream, _) = join(TcpStream::connect(("localhost", port)), listener.accept()).await;
        assert_eq!(stream.unwrap().peer_addr().unwrap().port(), port);
        bowerbird_base::poll_context::set_offloader(None);
        let error = TcpStream::connect("localhost:1").await.unwrap_err();
        assert!(error.to_string().contains("await it in a runtime"), "{error}");
        assert_eq!(
            TcpStream::connect("no port").await.unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    });
}

#[test]
fn dropped_futures_lose_nothing() {
    run(async {
        let (mut client, mut server) = pair().await;
        let mut buffer = [0; 16];
        poll_once_and_drop(server.read(&mut buffer)).await;
        poll_once_and_drop(server.peek(&mut buffer)).await;
        poll_once_and_drop(server.readable()).await;
        client.write_all(b"data").await.unwrap();
        server.readable().await.unwrap();
        assert_eq!(server.peek(&mut buffer).await.unwrap(), 4);
        assert_eq!(server.read(&mut buffer).await.unwrap(), 4);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        poll_once_and_drop(listener.accept()).await;
        let (stream, accepted) =
            join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
        assert_eq!(stream.unwrap().local_addr().unwrap(), accepted.unwrap().1);
        drop(TcpStream::connect(listener.local_addr().unwrap()));
    });
}

#[test]
fn reset_by_the_peer_is_an_error() {
    run(async {
        let (client, mut server) = pair().await;
        client.set_linger(Some(Duration::ZERO)).unwrap();
        assert_eq!(client.linger().unwrap(), Some(Duration::ZERO));
        let mut buffer = [0];
        poll_once_and_drop(server.read(&mut buffer)).await;
        drop(client);
        assert_eq!(server.read(&mut buffer).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        // And no signal for who writes on.
        assert_eq!(server.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        let vectored = server.try_write_vectored(&[IoSlice::new(b"x")]);
        assert_eq!(vectored.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

#[test]
fn end_that_comes_with_the_data_is_seen() {
    run(async {
        for _ in 0..50 {
            let (mut client, mut server) = pair().await;
            client.write_all(b"last words").await.unwrap();
            drop(client);
            let mut buffer = [0; 64];
            let mut total = 0;
            loop {
                match server.read(&mut buffer).await.unwrap() {
                    0 => break,
                    count => total += count,
                }
            }
            assert_eq!(total, 10);
        }
    });
}

#[test]
fn data_behind_urgent_data_is_read() {
    run(async {
        let (client, mut server) = pair().await;
        let client = client.into_std();
        use std::io::Write;
        (&client).write_all(b"before").unwrap();
        socket2::SockRef::from(&client).send_out_of_band(b"!").unwrap();
        (&client).write_all(b"behind").unwrap();
        let mut text = [0; 12];
        server.read_exact(&mut text).await.unwrap();
        assert_eq!(&text, b"beforebehind");
    });
}

#[test]
fn nodelay_is_on_at_both_ends() {
    run(async {
        let (client, server) = pair().await;
        assert!(client.nodelay().unwrap());
        assert!(server.nodelay().unwrap());
        client.set_nodelay(false).unwrap();
        assert!(!client.nodelay().unwrap());
        let std_listener = StdListener::bind("127.0.0.1:0").unwrap();
        let listener = TcpListener::from_std(std_listener).unwrap();
        let (_client, server) =
            join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
        assert!(server.unwrap().0.nodelay().unwrap());
    });
}

#[cfg(unix)]
#[test]
fn accepted_socket_is_closed_in_children_and_does_not_block() {
    run(async {
        let (_client, server) = pair().await;
        let server = server.into_std();
        assert!(
            rustix::io::fcntl_getfd(&server).unwrap().contains(rustix::io::FdFlags::CLOEXEC),
            "a child would inherit it"
        );
        let error = std::io::Read::read(&mut &server, &mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn vectored_and_try_forms_move_bytes() {
    run(async {
        let (client, server) = pair().await;
        assert_eq!(server.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(
            client.try_write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cd")]).unwrap(),
            4
        );
        client.writable().await.unwrap();
        assert_eq!(client.try_write(b"ef").unwrap(), 2);
        let (mut first, mut second) = ([0; 3], [0; 3]);
        let mut count = 0;
        while count < 6 {
            server.readable().await.unwrap();
            assert_eq!(count, 0, "six bytes in two writes came apart");
            let mut peeked = [0; 6];
            while server.peek(&mut peeked).await.unwrap() < 6 {}
            let mut buffers = [IoSliceMut::new(&mut first), IoSliceMut::new(&mut second)];
            count += server.try_read_vectored(&mut buffers).unwrap();
        }
        assert_eq!((&first, &second), (b"abc", b"def"));
    });
}

#[test]
fn incoming_gives_connections() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let _clients = [StdStream::connect(address).unwrap(), StdStream::connect(address).unwrap()];
        let mut incoming = listener.incoming();
        for _ in 0..2 {
            let next = std::future::poll_fn(|cx| Pin::new(&mut incoming).poll_next(cx)).await;
            assert_eq!(next.unwrap().unwrap().local_addr().unwrap(), address);
        }
    });
}

#[test]
fn read_exact_says_that_the_stream_was_short() {
    run(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"abc").await.unwrap();
        client.flush().await.unwrap();
        drop(client);
        let error: io::Error = server.read_exact(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn restarted_listener_gets_its_port_back() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = join(TcpStream::connect(address), listener.accept()).await;
        // The server's end closes first, and so has the TIME_WAIT.
        drop((server, listener));
        let mut rest = Vec::new();
        client.unwrap().read_to_end(&mut rest).await.unwrap();
        TcpListener::bind(address).await.unwrap();
    });
}

#[test]
fn outside_a_runtime_the_panic_names_the_call() {
    let calls: [(&str, fn()); 3] = [
        ("TcpStream::connect", || drop(TcpStream::connect("127.0.0.1:1"))),
        ("TcpListener::bind", || drop(TcpListener::bind("127.0.0.1:0"))),
        ("TcpListener::from_std", || {
            drop(TcpListener::from_std(StdListener::bind("127.0.0.1:0").unwrap()));
        }),
    ];
    for (name, call) in calls {
        let panic = std::panic::catch_unwind(call).unwrap_err();
        let message = panic.downcast_ref::<String>().unwrap();
        assert!(message.contains(name) && message.contains("bowerbird::run"), "{message}");
    }
}
