//! The foreign traits, each by one exchange.

#[allow(dead_code, reason = "each test file uses a part of it")]
mod support;

#[cfg(any(feature = "tokio-io", feature = "hyper"))]
mod exchange {
    #[cfg(unix)]
    pub(crate) use bowerbird_net::UnixStream;
    use bowerbird_net::{TcpListener, TcpStream};

    use crate::support::join;

    pub(crate) async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, server) =
            join(TcpStream::connect(listener.local_addr().unwrap()), listener.accept()).await;
        (client.unwrap(), server.unwrap().0)
    }
}

#[cfg(feature = "tokio-io")]
mod tokio_io {
    use std::io::IoSlice;

    use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

    use crate::exchange::pair;
    use crate::support::{join, run};

    #[test]
    fn tokio_extension_methods_work_on_stream_and_reference() {
        run(async {
            let (client, mut server) = pair().await;
            both_ways((&client, &client), &mut server).await;
        });
    }

    #[cfg(unix)]
    #[test]
    fn tokio_extension_methods_work_on_unix_streams_and_halves() {
        run(async {
            let (client, mut server) = crate::exchange::UnixStream::pair().unwrap();
            both_ways((&client, &client), &mut server).await;
            let (client, mut server) = crate::exchange::UnixStream::pair().unwrap();
            both_ways(client.into_split(), &mut server).await;
        });
    }

    async fn both_ways<R, W, S>((mut reader, mut writer): (R, W), server: &mut S)
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
        S: AsyncRead + AsyncWrite + Unpin,
    {
        {
            assert!(AsyncWrite::is_write_vectored(&writer));
            let write = async {
                let parts = [IoSlice::new(b"hello, "), IoSlice::new(b"world")];
                assert_eq!(AsyncWriteExt::write_vectored(&mut writer, &parts).await.unwrap(), 12);
                AsyncWriteExt::shutdown(&mut writer).await.unwrap();
            };
            let echo = async {
                let mut bytes = Vec::with_capacity(4);
                AsyncReadExt::read_to_end(server, &mut bytes).await.unwrap();
                AsyncWriteExt::write_all(server, &bytes).await.unwrap();
                AsyncWriteExt::shutdown(server).await.unwrap();
            };
            let read = async {
                let mut text = String::new();
                AsyncReadExt::read_to_string(&mut reader, &mut text).await.unwrap();
                text
            };
            let (text, _) = join(read, join(write, echo)).await;
            assert_eq!(text, "hello, world");
        }
    }
}

#[cfg(feature = "hyper")]
mod hyper_io {
    use std::future::poll_fn;
    use std::mem::MaybeUninit;
    use std::pin::Pin;

    use hyper::rt::{Read, ReadBuf, Write};

    use crate::exchange::pair;
    use crate::support::run;

    #[test]
    fn hyper_traits_move_bytes() {
        run(async {
            let (client, server) = pair().await;
            one_way(client, server).await;
        });
    }

    #[cfg(unix)]
    #[test]
    fn hyper_traits_move_bytes_over_unix_streams() {
        run(async {
            let (client, server) = crate::exchange::UnixStream::pair().unwrap();
            one_way(client, server).await;
        });
    }

    async fn one_way<S: Read + Write + Unpin>(mut client: S, mut server: S) {
        {
            assert!(Write::is_write_vectored(&client));
            assert_eq!(
                poll_fn(|cx| Pin::new(&mut client).poll_write(cx, b"hello")).await.unwrap(),
                5
            );
            poll_fn(|cx| Pin::new(&mut client).poll_flush(cx)).await.unwrap();
            poll_fn(|cx| Pin::new(&mut client).poll_shutdown(cx)).await.unwrap();
            let mut memory = [MaybeUninit::uninit(); 16];
            let mut buffer = ReadBuf::uninit(&mut memory);
            for expected in [5, 5] {
                poll_fn(|cx| Read::poll_read(Pin::new(&mut server), cx, buffer.unfilled()))
                    .await
                    .unwrap();
                assert_eq!(buffer.filled().len(), expected);
            }
            assert_eq!(buffer.filled(), b"hello");
        }
    }
}
