//! Sockets under many tasks on several workers.

use std::collections::HashSet;

use bowerbird::net::UdpSocket;
use bowerbird::{Task, spawn};
use bowerbird_tests::everywhere;
use std::sync::Arc;

/// Each datagram is received once, by one of many tasks that wait for one socket.
#[test]
fn tasks_on_all_workers_share_a_udp_socket() {
    everywhere(|| async {
        const TASKS: u8 = 32;
        const ROUNDS: u8 = 20;
        let server = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let to = server.local_addr().unwrap();
        for round in 0..ROUNDS {
            let receivers: Vec<Task<u8>> = (0..TASKS)
                .map(|_| {
                    let server = server.clone();
                    spawn(async move {
                        let mut buffer = [0; 4];
                        let (count, from) = server.recv_from(&mut buffer).await.unwrap();
                        assert_eq!((count, buffer[1]), (2, round));
                        server.send_to(&buffer[..1], from).await.unwrap();
                        buffer[0]
                    })
                })
                .collect();
            let senders: Vec<Task<()>> = (0..TASKS)
                .map(|index| {
                    spawn(async move {
                        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                        client.connect(to).await.unwrap();
                        client.send(&[index, round]).await.unwrap();
                        let mut answer = [0; 4];
                        assert_eq!(client.recv(&mut answer).await.unwrap(), 1);
                        assert_eq!(answer[0], index);
                    })
                })
                .collect();
            let mut seen = HashSet::new();
            for receiver in receivers {
                assert!(seen.insert(receiver.await.unwrap()), "received twice");
            }
            for sender in senders {
                sender.await.unwrap();
            }
        }
    });
}

/// Receivers that are cancelled take no datagram with them.
#[test]
fn cancelled_receivers_leave_the_datagrams_to_the_others() {
    everywhere(|| async {
        let server = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        client.connect(server.local_addr().unwrap()).await.unwrap();
        for round in 0..50_u8 {
            let receive = |server: Arc<UdpSocket>| async move {
                let mut buffer = [0; 4];
                server.recv(&mut buffer).await.unwrap();
                buffer[0]
            };
            let (leaves, stays) = (spawn(receive(server.clone())), spawn(receive(server.clone())));
            bowerbird::yield_now().await;
            leaves.cancel();
            let left = leaves.await;
            client.send(&[round]).await.unwrap();
            // Cancelled while it waited: nothing was there yet.
            assert!(left.is_err());
            assert_eq!(stays.await.unwrap(), round);
        }
    });
}

/// Both ends of a stream in tasks of their own, the halves on whatever worker.
#[test]
#[cfg(unix)]
fn halves_of_unix_streams_work_on_different_workers() {
    use bowerbird::net::UnixStream;
    everywhere(|| async {
        const SIZE: usize = 2 << 20;
        let (one, other) = UnixStream::pair().unwrap();
        let tasks: Vec<Task<()>> = [one, other]
            .into_iter()
            .flat_map(|stream| {
                let (mut reader, mut writer) = stream.into_split();
                let write = spawn(async move {
                    let bytes: Vec<u8> = (0..SIZE).map(|index| (index % 251) as u8).collect();
                    writer.write_all(&bytes).await.unwrap();
                });
                let read = spawn(async move {
                    let mut bytes = Vec::new();
                    assert_eq!(reader.read_to_end(&mut bytes).await.unwrap(), SIZE);
                    let right = |(index, &byte): (usize, &u8)| byte == (index % 251) as u8;
                    assert!(bytes.iter().enumerate().all(right));
                });
                [write, read]
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}
