//! The foreign traits of a stream in a TLS session, each by one exchange.

#![cfg(all(feature = "tls", feature = "tokio-io", feature = "hyper"))]

use std::future::poll_fn;
use std::pin::Pin;

use bowerbird_net::tls::{TlsAcceptor, TlsConnector, TlsStream};
use bowerbird_net::{TcpListener, TcpStream};
use hyper::rt::{ReadBuf, Write};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

async fn session() -> (TlsStream<TcpStream>, TlsStream<TcpStream>) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (chain, key) = (own.cert.pem(), own.signing_key.serialize_pem());
    let builder = TlsAcceptor::builder().certificate(chain.as_bytes(), key.as_bytes()).unwrap();
    let acceptor = builder.build().unwrap();
    let builder = TlsConnector::builder().root_certificates(chain.as_bytes()).unwrap();
    let connector = builder.build().unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    let both = (connector.connect("localhost", client), acceptor.accept(server));
    let (client, server) = bowerbird::join(both).await;
    (client.unwrap(), server.unwrap())
}

#[test]
fn tokio_traits_move_bytes_and_the_end_through_a_session() {
    bowerbird::run(async {
        let (mut client, mut server) = session().await;
        client.write_all(b"hello, world").await.unwrap();
        AsyncWriteExt::flush(&mut client).await.unwrap();
        let mut received = [0; 12];
        server.read_exact(&mut received).await.unwrap();
        assert_eq!(&received, b"hello, world");
        client.shutdown().await.unwrap();
        assert_eq!(server.read(&mut received).await.unwrap(), 0);
    });
}

#[test]
fn hyper_traits_move_bytes_through_a_session() {
    bowerbird::run(async {
        let (mut client, mut server) = session().await;
        let written = poll_fn(|cx| Write::poll_write(Pin::new(&mut client), cx, b"hello")).await;
        assert_eq!(written.unwrap(), 5);
        poll_fn(|cx| Write::poll_flush(Pin::new(&mut client), cx)).await.unwrap();

        // Less room than there is to read, and then room that holds something already.
        let mut memory = [std::mem::MaybeUninit::uninit(); 8];
        let mut buffer = ReadBuf::uninit(&mut memory[..3]);
        let read = |cx: &mut std::task::Context<'_>,
                    server: &mut TlsStream<TcpStream>,
                    buffer: &mut ReadBuf<'_>| {
            hyper::rt::Read::poll_read(Pin::new(server), cx, buffer.unfilled())
        };
        poll_fn(|cx| read(cx, &mut server, &mut buffer)).await.unwrap();
        assert_eq!(buffer.filled(), b"hel");
        let mut buffer = ReadBuf::uninit(&mut memory);
        buffer.unfilled().put_slice(b"hel");
        poll_fn(|cx| read(cx, &mut server, &mut buffer)).await.unwrap();
        assert_eq!(buffer.filled(), b"hello");
    });
}
