//! The contract of `UdpSocket` and `UnixDatagram`.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::Poll;

use bowerbird_io::Interest;
use bowerbird_net::{Datagrams, UdpSocket};
use support::{join, join_all, poll_once_and_drop, run};

async fn bound() -> UdpSocket {
    UdpSocket::bind("127.0.0.1:0").await.unwrap()
}

async fn pair() -> (UdpSocket, UdpSocket) {
    let (one, other) = (bound().await, bound().await);
    one.connect(other.local_addr().unwrap()).await.unwrap();
    other.connect(one.local_addr().unwrap()).await.unwrap();
    (one, other)
}

#[test]
fn peek_that_is_polled_takes_nothing() {
    run(async {
        let (one, other) = pair().await;
        let mut room = [0; 8];
        let peek = join(poll_fn(|cx| other.poll_peek(cx, &mut room)), one.send(b"hello"));
        assert_eq!(peek.await.0.unwrap(), 5);
        let count = other.recv(&mut room).await.unwrap();
        assert_eq!(&room[..count], b"hello");
    });
}

#[test]
fn datagrams_go_both_ways() {
    run(async {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(server) = UdpSocket::bind(address).await else { continue };
            let client = UdpSocket::bind(address).await.unwrap();
            let to = server.local_addr().unwrap();
            let mut buffer = [0; 16];
            let (sent, received) =
                join(client.send_to(b"question", to), server.recv_from(&mut buffer)).await;
            assert_eq!((sent.unwrap(), received.unwrap()), (8, (8, client.local_addr().unwrap())));
            client.connect(to).await.unwrap();
            assert_eq!(client.peer_addr().unwrap(), to);
            server.send_to(b"answer", client.local_addr().unwrap()).await.unwrap();
            assert_eq!(client.recv(&mut buffer).await.unwrap(), 6);
            assert_eq!(&buffer[..6], b"answer");
        }
    });
}

/// A receive that gave something says nothing about the next: each datagram is received without a new event.
#[test]
fn datagrams_in_a_row_are_all_received() {
    run(async {
        let (one, other) = pair().await;
        for count in 1..=3_u8 {
            for index in 0..count {
                one.send(&[index]).await.unwrap();
            }
            let mut buffer = [0; 16];
            for index in 0..count {
                assert_eq!(other.recv(&mut buffer).await.unwrap(), 1);
                assert_eq!(buffer[0], index);
            }
            assert_eq!(other.try_recv(&mut buffer).unwrap_err().kind(), ErrorKind::WouldBlock);
        }
    });
}

#[test]
fn empty_datagram_is_one() {
    run(async {
        let (one, other) = pair().await;
        assert_eq!(one.send(b"").await.unwrap(), 0);
        let message = other.recv_message(&mut [0; 4]).await.unwrap();
        assert_eq!((message.len, message.is_truncated), (0, false));
    });
}

#[test]
fn datagram_that_is_too_long_is_told_of() {
    run(async {
        let (one, other) = pair().await;
        let mut buffer = [0; 4];
        for (sent, expected) in [(&b"four"[..], false), (b"five.", true)] {
            one.send(sent).await.unwrap();
            let message = other.recv_message(&mut buffer).await.unwrap();
            assert_eq!((message.len, message.is_truncated), (4, expected));
            assert_eq!(message.from, one.local_addr().unwrap());
            assert_eq!(buffer, sent[..4]);
        }
        one.send(b"longer than that").await.unwrap();
        other.readable().await.unwrap();
        assert!(other.try_recv_message(&mut buffer).unwrap().is_truncated);
        // What was cut off is gone, and the next is whole.
        one.send(b"next").await.unwrap();
        assert_eq!(other.recv(&mut buffer).await.unwrap(), 4);
        assert_eq!(&buffer, b"next");
    });
}

#[test]
fn datagram_that_cannot_be_sent_is_an_error() {
    run(async {
        let (one, other) = pair().await;
        let error = one.send(&vec![0; 70_000]).await.unwrap_err();
        assert!(error.raw_os_error().is_some(), "{error}");
        one.send(b"fits").await.unwrap();
        assert_eq!(other.recv(&mut [0; 16]).await.unwrap(), 4);
    });
}

/// The answer of a machine where nobody listens.
#[test]
#[cfg(target_os = "linux")]
fn nobody_there_is_an_error_of_the_next_call() {
    run(async {
        let (one, other) = pair().await;
        drop(other);
        one.send(b"hello").await.unwrap();
        let error = one.recv(&mut [0; 16]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn many_tasks_wait_for_one_socket_and_none_is_forgotten() {
    run(async {
        const COUNT: usize = 64;
        let (one, other) = pair().await;
        let mut tasks: Vec<Pin<Box<dyn Future<Output = u8>>>> = Vec::new();
        for _ in 0..COUNT {
            tasks.push(Box::pin(async {
                let mut buffer = [0];
                assert_eq!(other.recv(&mut buffer).await.unwrap(), 1);
                buffer[0]
            }));
        }
        let send = async {
            for index in 0..COUNT {
                one.send(&[index as u8]).await.unwrap();
            }
        };
        let (mut seen, ()) = join(join_all(tasks), send).await;
        seen.sort_unstable();
        assert!(seen.iter().map(|&index| usize::from(index)).eq(0..COUNT));
    });
}

#[test]
fn waiters_that_go_leave_the_datagram_to_the_others() {
    run(async {
        let (one, other) = pair().await;
        let mut first = [0; 4];
        let (mut gone, mut buffer) = ([0; 4], [0; 4]);
        let mut leaving = Box::pin(other.recv(&mut gone));
        poll_fn(|cx| {
            assert!(leaving.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        let staying = other.recv(&mut first);
        let send = async {
            drop(leaving);
            one.send(b"data").await.unwrap();
        };
        let (received, ()) = join(staying, send).await;
        assert_eq!((received.unwrap(), &first), (4, b"data"));
        for _ in 0..3 {
            poll_once_and_drop(other.recv(&mut buffer)).await;
            poll_once_and_drop(other.recv_from(&mut buffer)).await;
            poll_once_and_drop(other.peek(&mut buffer)).await;
            poll_once_and_drop(other.readable()).await;
        }
        one.send(b"more").await.unwrap();
        assert_eq!(other.recv(&mut buffer).await.unwrap(), 4);
    });
}

#[test]
fn peek_leaves_the_datagram() {
    run(async {
        let (one, other) = pair().await;
        one.send(b"hello").await.unwrap();
        let (mut short, mut long) = ([0; 2], [0; 16]);
        assert_eq!(other.peek_from(&mut long).await.unwrap(), (5, one.local_addr().unwrap()));
        if cfg!(unix) {
            assert_eq!(other.peek(&mut short).await.unwrap(), 2);
        }
        assert_eq!(other.try_peek(&mut long).unwrap(), 5);
        assert_eq!(other.try_peek_from(&mut long).unwrap().0, 5);
        assert_eq!(other.recv(&mut long).await.unwrap(), 5);
    });
}

#[test]
fn poll_forms_and_operations_of_the_callers() {
    run(async {
        let (one, other) = pair().await;
        let mut buffer = [0; 16];
        let to = other.local_addr().unwrap();
        poll_fn(|cx| one.poll_send_ready(cx)).await.unwrap();
        assert_eq!(poll_fn(|cx| one.poll_send(cx, b"a")).await.unwrap(), 1);
        poll_fn(|cx| other.poll_recv_ready(cx)).await.unwrap();
        assert_eq!(poll_fn(|cx| other.poll_peek_from(cx, &mut buffer)).await.unwrap().0, 1);
        assert_eq!(poll_fn(|cx| other.poll_recv(cx, &mut buffer)).await.unwrap(), 1);
        let unconnected = bound().await;
        let other = bound().await;
        let to = (to.ip(), other.local_addr().unwrap().port()).into();
        assert_eq!(poll_fn(|cx| unconnected.poll_send_to(cx, b"ab", to)).await.unwrap(), 2);
        assert_eq!(poll_fn(|cx| other.poll_recv_from(cx, &mut buffer)).await.unwrap().0, 2);
        assert_eq!(unconnected.try_send_to(b"abc", to).unwrap(), 3);
        assert!(other.ready(Interest::READABLE).await.unwrap().is_readable());
        let received = other.async_io(Interest::READABLE, |os| os.recv(&mut buffer)).await;
        assert_eq!(received.unwrap(), 3);
        let nothing = other.try_io(Interest::READABLE, |os| os.recv(&mut buffer));
        assert_eq!(nothing.unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

#[test]
fn batches_move_many_datagrams() {
    run(async {
        let (one, other) = (bound().await, bound().await);
        let to = other.local_addr().unwrap();
        let texts: Vec<Vec<u8>> = (0..100_u8).map(|index| vec![index; index.into()]).collect();
        let messages: Vec<(&[u8], SocketAddr)> =
            texts.iter().map(|text| (text.as_slice(), to)).collect();
        let mut datagrams = Datagrams::new(40, 64);
        assert!(datagrams.is_empty());
        poll_once_and_drop(other.recv_many(&mut datagrams)).await;
        let (mut sent, mut seen) = (0, 0);
        while seen < messages.len() {
            if sent < messages.len() {
                let count = one.send_many(&messages[sent..]).await.unwrap();
                assert!((1..=32).contains(&count));
                sent += count;
            }
            let count = other.recv_many(&mut datagrams).await.unwrap();
            assert_eq!(count, datagrams.len());
            for (bytes, message) in datagrams.iter() {
                let text = &texts[seen];
                assert_eq!(bytes, &text[..text.len().min(64)]);
                assert_eq!(message.is_truncated, text.len() > 64);
                assert_eq!((message.len, message.from), (bytes.len(), one.local_addr().unwrap()));
                seen += 1;
            }
        }
        assert_eq!(other.try_recv_many(&mut datagrams).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(datagrams.is_empty(), "the last receive brought nothing");
        assert_eq!(one.send_many(&[]).await.unwrap(), 0);
        assert_eq!(one.try_send_many(&messages[..3]).unwrap(), 3);
    });
}

#[test]
fn batches_over_ipv6() {
    run(async {
        let Ok(one) = UdpSocket::bind("[::1]:0").await else { return };
        let other = UdpSocket::bind("[::1]:0").await.unwrap();
        let to = other.local_addr().unwrap();
        assert_eq!(one.send_many(&[(b"six", to)]).await.unwrap(), 1);
        let mut datagrams = Datagrams::new(1, 16);
        other.recv_many(&mut datagrams).await.unwrap();
        let (bytes, message) = datagrams.iter().next().unwrap();
        assert_eq!((bytes, message.from), (&b"six"[..], one.local_addr().unwrap()));
    });
}

#[test]
fn options_are_set_and_told() {
    run(async {
        let socket = bound().await;
        socket.set_broadcast(true).unwrap();
        assert!(socket.broadcast().unwrap());
        socket.set_ttl(7).unwrap();
        assert_eq!(socket.ttl().unwrap(), 7);
        socket.set_multicast_ttl_v4(3).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 3);
        socket.set_multicast_loop_v4(false).unwrap();
        assert!(!socket.multicast_loop_v4().unwrap());
        socket.set_multicast_if_v4(Ipv4Addr::LOCALHOST).unwrap();
        assert_eq!(socket.multicast_if_v4().unwrap(), Ipv4Addr::LOCALHOST);
        socket.set_recv_buffer_size(65_536).unwrap();
        assert!(socket.recv_buffer_size().unwrap() >= 65_536);
        socket.set_tos_v4(0x10).unwrap();
        assert_eq!(socket.tos_v4().unwrap(), 0x10);
        let error = socket.join_multicast_v4(Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED);
        assert!(error.is_err(), "this is no group");
    });
}

#[test]
fn group_hears_what_is_sent_to_it() {
    run(async {
        let group = Ipv4Addr::new(239, 255, 77, 77);
        let member = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        if member.join_multicast_v4(group, Ipv4Addr::LOCALHOST).is_err() {
            eprintln!("not tested: this machine has no IPv4 groups on its loopback");
            return;
        }
        let sender = bound().await;
        sender.set_multicast_if_v4(Ipv4Addr::LOCALHOST).unwrap();
        let to = (group, member.local_addr().unwrap().port());
        sender.send_to(b"all", to).await.unwrap();
        assert_eq!(member.recv(&mut [0; 16]).await.unwrap(), 3);
        member.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
        let six = UdpSocket::bind("[::]:0").await;
        let group: Ipv6Addr = "ff01::4d4d".parse().unwrap();
        if six.is_ok_and(|six| {
            six.join_multicast_v6(group, 1).is_err() || six.leave_multicast_v6(group, 1).is_err()
        }) {
            eprintln!("not tested: this machine has no IPv6 groups on its loopback");
        }
    });
}

#[test]
fn outside_a_runtime_the_panic_names_the_call() {
    let panic = std::panic::catch_unwind(|| drop(UdpSocket::bind("127.0.0.1:0"))).unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert!(message.contains("UdpSocket::bind") && message.contains("bowerbird::run"), "{message}");
}

#[cfg(unix)]
mod unix {
    use std::io::ErrorKind;
    use std::task::Poll;

    use bowerbird_net::UnixDatagram;

    use crate::support::{fresh_directory, join, poll_once_and_drop, run};

    #[test]
    fn datagrams_go_by_path_and_by_address() {
        let directory = fresh_directory("datagram-path");
        let (here, there) = (directory.join("here"), directory.join("there"));
        run(async {
            let (one, other) =
                (UnixDatagram::bind(&here).unwrap(), UnixDatagram::bind(&there).unwrap());
            let mut buffer = [0; 16];
            poll_once_and_drop(other.recv_from(&mut buffer)).await;
            assert_eq!(one.send_to(b"hello", &there).await.unwrap(), 5);
            let (count, from) = other.peek_from(&mut buffer).await.unwrap();
            assert_eq!((count, from.as_pathname()), (5, Some(&*here)));
            let message = other.recv_message(&mut buffer[..2]).await.unwrap();
            assert_eq!((message.len, message.is_truncated), (2, true));
            assert_eq!(message.from.as_pathname(), Some(&*here));
            other.send_to_addr(b"answer", &message.from).await.unwrap();
            assert_eq!(one.recv_from(&mut buffer).await.unwrap().0, 6);
            let unbound = UnixDatagram::unbound().unwrap();
            unbound.connect(&here).unwrap();
            unbound.send(b"x").await.unwrap();
            assert!(one.recv_from(&mut buffer).await.unwrap().1.is_unnamed());
            unbound.connect_addr(&other.local_addr().unwrap()).unwrap();
            assert_eq!(unbound.peer_addr().unwrap().as_pathname(), Some(&*there));
        });
        assert!(!here.exists() && !there.exists(), "they remove their files");
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let directory = fresh_directory("datagram-errors");
        run(async {
            let socket = UnixDatagram::unbound().unwrap();
            let error = socket.send_to(b"x", "y".repeat(200)).await.unwrap_err();
            assert!(error.to_string().contains("200 bytes"), "{error}");
            let error = socket.send_to(b"x", directory.join("none")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::NotFound);
            assert_eq!(socket.try_send(b"x").unwrap_err().kind(), ErrorKind::NotConnected);
            let path = directory.join("file");
            std::fs::write(&path, "not a socket").unwrap();
            assert_eq!(UnixDatagram::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
            assert!(path.exists());
        });
    }

    /// A connected sender is told by the system when the receiver has room again.
    #[test]
    fn sender_waits_for_a_slow_receiver() {
        run(async {
            let (one, other) = UnixDatagram::pair().unwrap();
            let mut sent = 0;
            while one.try_send(&[0; 64]).is_ok() {
                sent += 1;
            }
            assert!(sent > 0);
            let receive = async {
                for _ in 0..=sent {
                    assert_eq!(other.recv(&mut [0; 64]).await.unwrap(), 64);
                }
            };
            let (last, ()) = join(one.send(&[1; 64]), receive).await;
            assert_eq!(last.unwrap(), 64);
        });
    }

    /// One that is not connected is told of nothing: it tries again.
    #[test]
    fn sender_to_a_path_waits_for_a_slow_receiver() {
        let directory = fresh_directory("datagram-slow");
        let path = directory.join("socket");
        run(async {
            let (one, other) =
                (UnixDatagram::unbound().unwrap(), UnixDatagram::bind(&path).unwrap());
            let mut sent = 0;
            while one.try_send_to(&[0; 64], &path).is_ok() {
                sent += 1;
            }
            poll_once_and_drop(one.send_to(b"lost", &path)).await;
            let mut send = Box::pin(one.send_to(&[1; 64], &path));
            std::future::poll_fn(|cx| {
                assert!(send.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            })
            .await;
            for _ in 0..sent {
                other.recv(&mut [0; 64]).await.unwrap();
            }
            assert_eq!(send.await.unwrap(), 64);
            assert_eq!(other.recv(&mut [0; 64]).await.unwrap(), 64);
        });
    }
}
