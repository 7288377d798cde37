//! curl against servers of ours.

use bowerbird::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use bowerbird::net::TcpListener;
use bowerbird::start_server;
use bowerbird::streams::{StreamReader, StreamWriter};
use bowerbird_tests::on_workers;

use crate::support::{Certificates, peer};

/// HTTP/1.1 as far as curl needs it: gives back each body, and keeps the connection.
async fn http(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
    loop {
        let mut length = 0;
        loop {
            let line = reader.readline().await?;
            let line = String::from_utf8_lossy(&line).trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = value.parse().unwrap(),
                Some(("expect", "100-continue")) => writer.write("HTTP/1.1 100 Continue\r\n\r\n"),
                Some(_) => {}
                None if line.is_empty() => break,
                None => {}
            }
            if reader.at_eof() {
                return Ok(());
            }
        }
        if reader.at_eof() {
            return Ok(());
        }
        let body = reader.readexactly(length).await?;
        writer.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n"));
        writer.write(&body);
        writer.drain().await?;
    }
}

#[test]
fn curl_keeps_a_connection_for_several_requests() {
    on_workers(2, async {
        let server = start_server(http, "127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        let said =
            peer("curl", &["-sS", "-v", "-d", "one", &url, "--next", "-sS", "-d", "two", &url], "")
                .await;
        assert_eq!(said, b"onetwo");
        server.close();
    });
}

#[test]
fn curl_sends_and_gets_megabytes() {
    on_workers(2, async {
        let server = start_server(http, "127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        let body: Vec<u8> = (0..3_000_000_u32).map(|i| (i * 31) as u8).collect();
        let said = peer("curl", &["-sS", "--data-binary", "@-", &url], body.clone()).await;
        assert!(said == body);
        server.close();
    });
}

#[test]
fn curl_trusts_our_tls() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates.server().alpn(["http/1.1"]).build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = bowerbird::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(tcp).await.unwrap();
            assert_eq!(stream.info().server_name.as_deref(), Some("localhost"));
            assert_eq!(stream.info().alpn_protocol.unwrap(), b"http/1.1");
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap() > 2 {
                line.clear();
            }
            let answer = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nsecret";
            stream.get_mut().write_all(answer).await.unwrap();
            stream.get_mut().close().await.unwrap();
        });
        let url = format!("https://localhost:{port}/");
        let said =
            peer("curl", &["-sS", "-4", "--cacert", &certificates.authority, &url], "").await;
        assert_eq!(said, b"secret");
        serving.await.unwrap();
    });
}
