//! asyncio's streams and servers over TLS.

use std::io::ErrorKind;
use std::time::Duration;

use bowerbird::net::TcpStream;
use bowerbird::streams::{Server, StreamReader, StreamWriter};
use bowerbird::tls::{TlsConnector, TlsInfo};
use bowerbird::{open_connection, start_server};
use bowerbird_tests::{everywhere, paused};

use crate::support::{Authority, NAME};

async fn echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
    loop {
        let data = reader.read(10_000).await?;
        if data.is_empty() {
            writer.close();
            return writer.wait_closed().await;
        }
        writer.write(&data);
        writer.drain().await?;
    }
}

/// A server that echoes, and who can speak to it.
async fn echo_server() -> (Server, TlsConnector) {
    let authority = Authority::new();
    let acceptor = authority.server().build().unwrap();
    let server = start_server(echo, "127.0.0.1:0").tls(&acceptor).await.unwrap();
    (server, authority.client().build().unwrap())
}

#[test]
fn connection_and_server_speak_tls() {
    everywhere(|| async {
        let (server, connector) = echo_server().await;
        let opening = open_connection(server.local_addr().unwrap()).tls(&connector, NAME);
        let (mut reader, writer) = opening.await.unwrap();
        for size in [1, 100, 10_000, 300_000] {
            let sent = vec![size as u8; size];
            writer.write(&sent);
            assert!(reader.readexactly(size).await.unwrap() == sent);
        }
        let info = writer.get_extra_info::<TlsInfo>().unwrap();
        assert_eq!(info.peer_certificates.len(), 1);
        assert!(writer.get_extra_info::<TcpStream>().unwrap().nodelay().unwrap());
        assert_eq!(writer.peer_addr(), server.local_addr());
        assert!(!writer.can_write_eof());
        writer.close();
        writer.wait_closed().await.unwrap();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn end_of_one_side_is_the_end_for_the_other() {
    everywhere(|| async {
        let (server, connector) = echo_server().await;
        let opening = open_connection(server.local_addr().unwrap()).tls(&connector, NAME);
        let (mut reader, writer) = opening.await.unwrap();
        writer.write("x");
        reader.readexactly(1).await.unwrap();
        // The server says that it ends, so this is an end and no error.
        server.close();
        server.close_clients();
        assert_eq!(reader.read(10).await.unwrap(), b"");
        writer.close();
        // The server was first, and may have closed already what this end is to be sent on.
        let _ = writer.wait_closed().await;
        server.wait_closed().await;
    });
}

#[test]
fn live_streams_are_upgraded_in_the_middle() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        let handler = move |mut reader: StreamReader, writer: StreamWriter| {
            let acceptor = acceptor.clone();
            async move {
                assert_eq!(reader.readline().await.unwrap(), b"STARTTLS\n");
                writer.write("go\n");
                let (reader, writer) = acceptor.start_tls(reader, writer).await?;
                echo(reader, writer).await
            }
        };
        let server = start_server(handler, "127.0.0.1:0").limit(100).await.unwrap();
        let opening = open_connection(server.local_addr().unwrap()).limit(50);
        let (mut reader, writer) = opening.await.unwrap();
        writer.set_write_buffer_limits(1000, 500);
        writer.write("STARTTLS\n");
        assert_eq!(reader.readline().await.unwrap(), b"go\n");
        let (mut reader, writer) = connector.start_tls(NAME, reader, writer).await.unwrap();
        assert_eq!(reader.limit(), 50);
        assert_eq!(writer.get_write_buffer_limits(), (500, 1000));
        writer.write("secret\n");
        assert_eq!(reader.readline().await.unwrap(), b"secret\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn plain_text_ahead_of_the_handshake_is_no_part_of_the_session() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let handler = move |mut reader: StreamReader, writer: StreamWriter| {
            let acceptor = acceptor.clone();
            async move {
                reader.readline().await.unwrap();
                // What came with the line would be taken for a command of the session (CVE-2011-0411).
                let error = acceptor.start_tls(reader, writer).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidData);
            }
        };
        let server = start_server(handler, "127.0.0.1:0").await.unwrap();
        let (mut reader, writer) = open_connection(server.local_addr().unwrap()).await.unwrap();
        writer.write("STARTTLS\nDELETE everything\n");
        // An alert of TLS's, and the end.
        let alert = reader.read_to_end().await.unwrap_or_default();
        assert!(alert.len() < 20, "{alert:?}");
        writer.abort();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn slow_reader_holds_up_who_drains() {
    everywhere(|| async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector = authority.client().build().unwrap();
        let handler = async |mut reader: StreamReader, writer: StreamWriter| {
            let block = vec![5; 100_000];
            let mut most = 0;
            for _ in 0..100 {
                writer.write(&block);
                writer.drain().await.unwrap();
                most = most.max(writer.get_write_buffer_size());
            }
            assert!(most <= 64 * 1024, "{most}");
            writer.close();
            writer.wait_closed().await.unwrap();
            let _ = reader.read(1).await;
        };
        let server = start_server(handler, "127.0.0.1:0").tls(&acceptor).await.unwrap();
        let opening = open_connection(server.local_addr().unwrap()).tls(&connector, NAME);
        let (mut reader, writer) = opening.await.unwrap();
        let mut total = 0;
        loop {
            let data = reader.read(30_000).await.unwrap();
            if data.is_empty() {
                break;
            }
            assert!(data.iter().all(|&byte| byte == 5));
            total += data.len();
            bowerbird::yield_now().await;
        }
        assert_eq!(total, 10_000_000);
        writer.close();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn server_lives_through_clients_that_are_no_tls() {
    everywhere(|| async {
        let (server, connector) = echo_server().await;
        let address = server.local_addr().unwrap();
        for garbage in ["GET / HTTP/1.1\r\n\r\n", "", "\0\0\0\0\0\0\0\0\0\0"] {
            let (mut reader, writer) = open_connection(address).await.unwrap();
            writer.write(garbage);
            writer.write_eof();
            let _alert = reader.read_to_end().await;
            writer.close();
        }
        let (mut reader, writer) = open_connection(address).tls(&connector, NAME).await.unwrap();
        writer.write("still there\n");
        assert_eq!(reader.readline().await.unwrap(), b"still there\n");
        writer.close();
        writer.wait_closed().await.unwrap();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn client_that_never_begins_is_given_up() {
    paused(async {
        let acceptor =
            Authority::new().server().handshake_timeout(Duration::from_secs(5)).build().unwrap();
        let server = start_server(echo, "127.0.0.1:0").tls(&acceptor).await.unwrap();
        let (mut reader, writer) = open_connection(server.local_addr().unwrap()).await.unwrap();
        let start = bowerbird::time::now();
        assert_eq!(reader.read(1).await.unwrap(), b"");
        assert_eq!((bowerbird::time::now() - start).as_secs(), 5);
        writer.close();
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn peer_that_takes_nothing_does_not_hold_up_the_end() {
    paused(async {
        let authority = Authority::new();
        let acceptor = authority.server().build().unwrap();
        let connector =
            authority.client().shutdown_timeout(Duration::from_secs(3)).build().unwrap();
        let handler = async |_reader: StreamReader, _writer: StreamWriter| {
            std::future::pending::<()>().await;
        };
        let server = start_server(handler, "127.0.0.1:0").tls(&acceptor).await.unwrap();
        let opening = open_connection(server.local_addr().unwrap()).tls(&connector, NAME);
        let (_reader, writer) = opening.await.unwrap();
        // More than the buffers of both ends hold.
        let block = vec![0; 1 << 20];
        writer.set_write_buffer_limits(0, None);
        while bowerbird::timeout(Duration::from_secs(1), async {
            writer.write(&block);
            writer.drain().await
        })
        .await
        .is_ok()
        {}
        let start = bowerbird::time::now();
        writer.close();
        let error = writer.wait_closed().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!((bowerbird::time::now() - start).as_secs(), 3);
        server.abort_clients();
        server.close();
    });
}
