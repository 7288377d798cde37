//! openssl's client and server.

use std::io;
use std::sync::{Arc, Mutex};

use bowerbird::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::protocols::{Protocol, Transport, create_connection, create_server};
use bowerbird::sync::oneshot;
use bowerbird::tls::{TlsAcceptor, TlsStream};
use bowerbird_tests::{on_workers, until};

use crate::support::{Certificates, Serving, answered, free_port, outcome, peer};

/// Serves one client with what it sends; gives what was agreed.
async fn echo_once(
    listener: &TcpListener,
    acceptor: &TlsAcceptor,
) -> io::Result<TlsStream<TcpStream>> {
    let (tcp, _) = listener.accept().await?;
    let mut stream = acceptor.accept(tcp).await?;
    let mut buffer = vec![0; 10_000];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            stream.close().await?;
            return Ok(stream);
        }
        stream.write_all(&buffer[..count]).await?;
        stream.flush().await?;
    }
}

/// A client checks the certificate, says a line, and hears it again.
async fn client_says_hello(certificates: &Certificates, address: &str, version: &str) {
    let arguments = [
        "s_client",
        "-connect",
        address,
        "-CAfile",
        &certificates.authority,
        "-servername",
        "localhost",
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
        "-quiet",
        "-no_ign_eof",
        version,
    ];
    let said = peer("openssl", &arguments, "hello\n").await;
    // What arrives after the end of its input, openssl may not show.
    assert!(b"hello\n".starts_with(&said[..]), "{said:?}");
}

/// A server of one version that gives back each line reversed.
fn reversing_server(certificates: &Certificates, port: u16, version: &str) -> Serving {
    let port = port.to_string();
    let (chain, key) = (&certificates.chain, &certificates.key);
    let accept = ["s_server", "-accept", &port, "-cert", chain, "-key", key, "-rev", version];
    Serving::start("openssl", &accept)
}

#[test]
fn s_client_of_each_version_echoes() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates.server().build().unwrap();
        for (version, expected) in [("-tls1_2", "TLSv1_2"), ("-tls1_3", "TLSv1_3")] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let acceptor = acceptor.clone();
            let serving = bowerbird::spawn(async move { echo_once(&listener, &acceptor).await });
            client_says_hello(&certificates, &address, version).await;
            let stream = serving.await.unwrap().unwrap();
            assert_eq!(format!("{:?}", stream.info().protocol_version.unwrap()), expected);
        }
    });
}

#[test]
fn s_client_resumes_a_session() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates.server().build().unwrap();
        let session = format!("{}.session", certificates.chain);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = bowerbird::spawn(async move {
            let first = echo_once(&listener, &acceptor).await.unwrap().info().is_resumed;
            let second = echo_once(&listener, &acceptor).await.unwrap().info().is_resumed;
            (first, second)
        });
        for word in ["-sess_out", "-sess_in"] {
            // TLS 1.2 gives the ticket in the handshake, so that an early end loses none.
            let arguments = [
                "s_client",
                "-connect",
                &address,
                "-CAfile",
                &certificates.authority,
                "-tls1_2",
                "-servername",
                "localhost",
                "-quiet",
                "-no_ign_eof",
                word,
                &session,
            ];
            peer("openssl", &arguments, "hello\n").await;
        }
        assert_eq!(serving.await.unwrap(), (false, true));
    });
}

#[test]
fn s_client_without_a_certificate_is_refused() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates
            .server()
            .client_root_certificates_file(&certificates.authority)
            .unwrap()
            .require_client_certificates()
            .build()
            .unwrap();
        for (with, is_accepted) in [(false, false), (true, true)] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap().to_string();
            let acceptor = acceptor.clone();
            let serving = bowerbird::spawn(async move { echo_once(&listener, &acceptor).await });
            let mut arguments = vec![
                "s_client",
                "-connect",
                &address,
                "-CAfile",
                &certificates.authority,
                "-quiet",
                "-no_ign_eof",
            ];
            if with {
                arguments.extend(["-cert", &certificates.chain, "-key", &certificates.key]);
            }
            outcome("openssl", &arguments, "hello\n").await;
            let served = serving.await.unwrap();
            assert_eq!(served.is_ok(), is_accepted, "{served:?}");
        }
    });
}

#[test]
fn s_server_answers_our_client() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let connector = certificates.client().build().unwrap();
        for version in ["-tls1_2", "-tls1_3"] {
            let port = free_port();
            let _server = reversing_server(&certificates, port, version);
            let tcp = answered(async || TcpStream::connect(("127.0.0.1", port)).await).await;
            let mut stream = BufReader::new(connector.connect("localhost", tcp).await.unwrap());
            for text in ["abc", "reverse this"] {
                stream.get_mut().write_all(format!("{text}\n").as_bytes()).await.unwrap();
                stream.get_mut().flush().await.unwrap();
                let mut line = String::new();
                stream.read_line(&mut line).await.unwrap();
                assert_eq!(line.trim_end(), text.chars().rev().collect::<String>());
            }
            stream.get_mut().close().await.unwrap();
        }
    });
}

#[test]
fn certificate_of_s_server_for_another_name_is_refused() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let connector = certificates.client().build().unwrap();
        let port = free_port();
        let arguments = [
            "s_server",
            "-accept",
            &port.to_string(),
            "-cert",
            &certificates.chain,
            "-key",
            &certificates.key,
            "-quiet",
        ];
        let _server = Serving::start("openssl", &arguments);
        let tcp = answered(async || TcpStream::connect(("127.0.0.1", port)).await).await;
        let error = connector.connect("elsewhere.example", tcp).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    });
}

// ----- transports and protocols ----------------------------------------------------------------------

/// Gives back what comes.
#[derive(Default)]
struct Echo(Option<Transport>);

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Transport) {
        self.0 = Some(transport);
    }
    fn data_received(&mut self, data: &[u8]) {
        if let Some(transport) = &self.0 {
            transport.write(data);
        }
    }
}

#[test]
fn s_client_of_each_version_hears_a_protocol() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates.server().build().unwrap();
        let start = create_server(Echo::default, "127.0.0.1:0").tls(&acceptor);
        let server = start.await.unwrap();
        let address = server.local_addr().unwrap().to_string();
        for version in ["-tls1_2", "-tls1_3"] {
            client_says_hello(&certificates, &address, version).await;
            until(|| server.connection_count() == 0).await;
        }
        server.close();
    });
}

/// Keeps what comes, and tells of the end.
struct Keeps {
    heard: Arc<Mutex<Vec<u8>>>,
    lost: Option<oneshot::Sender<Option<io::Error>>>,
}

impl Protocol for Keeps {
    fn data_received(&mut self, data: &[u8]) {
        self.heard.lock().unwrap().extend_from_slice(data);
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        if let Some(lost) = self.lost.take() {
            let _nobody_asks = lost.send(error);
        }
    }
}

#[test]
fn s_server_answers_a_protocol() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let connector = certificates.client().build().unwrap();
        for version in ["-tls1_2", "-tls1_3"] {
            let port = free_port();
            let _server = reversing_server(&certificates, port, version);
            let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
            let (transport, lost) = answered(async || {
                let (lost, is_lost) = oneshot::channel();
                let protocol = Keeps { heard: heard.clone(), lost: Some(lost) };
                let connect = create_connection(|| protocol, ("127.0.0.1", port));
                let transport = connect.tls(&connector, "localhost").await?;
                io::Result::Ok((transport, is_lost))
            })
            .await;
            transport.write(b"reverse this\n");
            until(|| heard.lock().unwrap().ends_with(b"\n")).await;
            assert_eq!(*heard.lock().unwrap(), b"siht esrever\n");
            transport.close();
            assert!(lost.await.unwrap().is_none());
        }
    });
}
