//! Datagrams from and to socat and nc.

use std::time::Duration;

use bowerbird::net::UdpSocket;
use bowerbird_tests::on_workers;

use crate::support::{Serving, answered, free_udp_port, peer};

#[test]
fn socat_gets_its_datagram_back() {
    on_workers(2, async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let serving = bowerbird::spawn(async move {
            let mut buffer = [0; 2000];
            let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
            socket.send_to(&buffer[..count], from).await.unwrap();
        });
        let said = peer("socat", &["-t", "2", "-", &format!("UDP:{address}")], "datagram").await;
        assert_eq!(said, b"datagram");
        serving.await.unwrap();
    });
}

#[test]
fn socat_answers_our_datagrams() {
    on_workers(2, async {
        let port = free_udp_port();
        let listen = format!("UDP-RECVFROM:{port},bind=127.0.0.1,fork");
        let _server = Serving::start("socat", &[&listen, "EXEC:cat"]);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(("127.0.0.1", port)).await.unwrap();
        // It may not listen yet, and a datagram may be lost: ask again.
        let answer = answered(async || {
            socket.send(b"question").await?;
            let mut buffer = [0; 100];
            let answer =
                bowerbird::timeout(Duration::from_millis(500), socket.recv(&mut buffer)).await;
            let count = answer.map_err(std::io::Error::other)??;
            std::io::Result::Ok(buffer[..count].to_vec())
        })
        .await;
        assert_eq!(answer, b"question");
    });
}
