//! socat, which joins anything with anything.

use bowerbird::net::UnixStream;
use bowerbird::{open_connection, start_server, start_unix_server};
use bowerbird_tests::on_workers;

use crate::support::{Directory, Serving, answered, connect, echo, free_port, lines, peer};

#[test]
fn socat_client_gets_back_what_it_sends() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let address = format!("TCP:{}", server.local_addr().unwrap());
        let text = lines(300);
        // It ends its half when its input ends, and waits for ours.
        let said = peer("socat", &["-t", "30", "-", &address], text.clone()).await;
        assert!(said == text.as_bytes());
        server.close();
    });
}

#[test]
fn socat_server_gives_back_what_our_client_sends() {
    on_workers(2, async {
        let port = free_port();
        let listen = format!("TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork");
        let _server = Serving::start("socat", &[&listen, "EXEC:cat"]);
        drop(connect(port).await);
        let (mut reader, writer) = open_connection(("127.0.0.1", port)).await.unwrap();
        let text = lines(300);
        let sending = text.clone();
        let (sent, received) = bowerbird::join((
            async {
                for line in sending.split_inclusive('\n') {
                    writer.write(line);
                    writer.drain().await?;
                }
                writer.write_eof();
                std::io::Result::Ok(())
            },
            reader.read_to_end(),
        ))
        .await;
        sent.unwrap();
        assert!(received.unwrap() == text.as_bytes());
    });
}

#[test]
fn unix_sockets_both_ways() {
    on_workers(2, async {
        let directory = Directory::new();
        let ours = directory.path("ours");
        let server = start_unix_server(echo, &ours).await.unwrap();
        let text = lines(100);
        let said =
            peer("socat", &["-t", "30", "-", &format!("UNIX-CONNECT:{ours}")], text.clone()).await;
        assert!(said == text.as_bytes());
        server.close();
        server.wait_closed().await;

        let theirs = directory.path("theirs");
        let _server = Serving::start("socat", &[&format!("UNIX-LISTEN:{theirs},fork"), "EXEC:cat"]);
        let mut stream = answered(async || UnixStream::connect(&theirs).await).await;
        stream.write_all(b"through the file system\n").await.unwrap();
        let mut back = [0; 24];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(&back, b"through the file system\n");
    });
}

#[test]
fn abstract_names_reach_socat() {
    on_workers(2, async {
        let name = format!("bowerbird-{}", std::process::id());
        let _server =
            Serving::start("socat", &[&format!("ABSTRACT-LISTEN:{name},fork"), "EXEC:cat"]);
        let path = format!("\0{name}");
        let mut stream = answered(async || UnixStream::connect(&path).await).await;
        stream.write_all(b"x").await.unwrap();
        stream.read_exact(&mut [0]).await.unwrap();
    });
}
