//! Python's asyncio at the other end, by the scripts beside this file.

use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
use bowerbird::net::{TcpListener, UdpSocket, UnixDatagram};
use bowerbird::protocols::{DatagramProtocol, DatagramTransport, create_datagram_endpoint};
use bowerbird::sync::mpsc;
use bowerbird::{open_connection, open_unix_connection, start_server, start_unix_server};
use bowerbird_tests::{Program, on_workers};

use crate::support::{Certificates, Directory, echo, lines, peer};

const CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/client.py");
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/server.py");

/// A server of asyncio's, and the port or path that it says it has.
struct PythonServer {
    program: Option<Program>,
}

impl PythonServer {
    fn start(arguments: &[&str]) -> Self {
        let mut command = std::process::Command::new("python3");
        command.arg(SERVER).args(arguments);
        let mut program = Program::start(&mut command);
        program.wait_for("ready");
        Self { program: Some(program) }
    }

    fn port(&self) -> u16 {
        let program = self.program.as_ref().expect("it runs");
        let line = program.lines().iter().find_map(|line| line.strip_prefix("port "));
        line.expect("it says its port first").parse().expect("a number")
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let program = self.program.take().expect("it is dropped once");
        program.send("TERM");
        let ended = program.end();
        if !std::thread::panicking() {
            assert_eq!(ended.errors, "");
        }
    }
}

async fn client(arguments: &[&str], server: &str) {
    let said = peer("python3", &[&[CLIENT], arguments].concat(), "").await;
    assert_eq!(String::from_utf8_lossy(&said).trim_end(), "ok", "{server}");
}

#[test]
fn streams_with_asyncio_as_client() {
    on_workers(2, async {
        let server = start_server(echo, "127.0.0.1:0").await.unwrap();
        let port = server.local_addr().unwrap().port().to_string();
        client(&["tcp", &port], "TCP").await;
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn streams_with_asyncio_as_server() {
    on_workers(2, async {
        let server = PythonServer::start(&["tcp"]);
        let text = lines(300);
        let (mut reader, writer) = open_connection(("127.0.0.1", server.port())).await.unwrap();
        for line in text.split_inclusive('\n') {
            writer.write(line);
            writer.drain().await.unwrap();
            assert!(reader.readline().await.unwrap() == line.as_bytes());
        }
        writer.write_eof();
        assert_eq!(reader.read_to_end().await.unwrap(), b"");
        writer.close();
        writer.wait_closed().await.unwrap();
    });
}

#[test]
fn unix_streams_both_ways() {
    on_workers(2, async {
        let directory = Directory::new();
        let path = directory.path("ours");
        let server = start_unix_server(echo, &path).await.unwrap();
        client(&["unix", &path], "Unix").await;
        server.close();

        let path = directory.path("theirs");
        let _server = PythonServer::start(&["unix", &path]);
        let (mut reader, writer) = open_unix_connection(&path).await.unwrap();
        writer.write("through the file system\n");
        assert_eq!(reader.readline().await.unwrap(), b"through the file system\n");
        writer.close();
        writer.wait_closed().await.unwrap();
    });
}

#[test]
fn datagrams_both_ways() {
    on_workers(2, async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port().to_string();
        let serving = bowerbird::spawn(async move {
            let mut buffer = [0; 2000];
            loop {
                let (count, from) = socket.recv_from(&mut buffer).await.unwrap();
                socket.send_to(&buffer[..count], from).await.unwrap();
            }
        });
        client(&["udp", &port], "UDP").await;
        serving.cancel();

        let server = PythonServer::start(&["udp"]);
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(("127.0.0.1", server.port())).await.unwrap();
        for size in [1, 1000, 9000] {
            let sent = vec![7; size];
            socket.send(&sent).await.unwrap();
            let mut buffer = vec![0; 10_000];
            let count = socket.recv(&mut buffer).await.unwrap();
            assert!(buffer[..count] == sent);
        }
    });
}

/// Answers, or passes on what it hears.
struct Datagrams(Option<DatagramTransport<UnixDatagram>>, Option<mpsc::UnboundedSender<Vec<u8>>>);

impl DatagramProtocol<UnixDatagram> for Datagrams {
    fn connection_made(&mut self, transport: DatagramTransport<UnixDatagram>) {
        self.0 = Some(transport);
    }
    fn datagram_received(&mut self, data: &[u8], from: std::os::unix::net::SocketAddr) {
        match (&self.1, &self.0) {
            (Some(heard), _) => heard.send(data.to_vec()).unwrap(),
            (None, Some(transport)) => transport.sendto(data, from),
            (None, None) => unreachable!("made first"),
        }
    }
}

#[test]
fn unix_datagrams_both_ways() {
    on_workers(2, async {
        let directory = Directory::new();
        let (path, own) = (directory.path("ours"), directory.path("client"));
        let create = create_datagram_endpoint(|| Datagrams(None, None));
        let server = create.local_addr(&path).await.unwrap();
        client(&["unix-datagrams", &path, &own], "Unix datagrams").await;
        server.close();

        let path = directory.path("theirs");
        let _server = PythonServer::start(&["unix-datagrams", &path]);
        let (heard, mut answers) = mpsc::unbounded_channel();
        let create = create_datagram_endpoint(|| Datagrams(None, Some(heard)));
        let own = directory.path("own");
        let transport = create.local_addr(own).remote_addr(&path).await.unwrap();
        for size in [1, 1000, 9000] {
            transport.sendto(&vec![7; size], None);
            assert!(answers.recv().await.unwrap() == vec![7; size]);
        }
        transport.close();
    });
}

#[test]
fn tls_with_asyncio_as_client() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let acceptor = certificates.server().build().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let serving = bowerbird::spawn(async move {
            let (tcp, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(tcp).await.unwrap();
            let mut buffer = vec![0; 10_000];
            loop {
                let count = stream.read(&mut buffer).await.unwrap();
                if count == 0 {
                    return stream.close().await;
                }
                stream.write_all(&buffer[..count]).await.unwrap();
                stream.flush().await.unwrap();
            }
        });
        client(&["tls", &port, &certificates.authority], "TLS").await;
        serving.await.unwrap().unwrap();
    });
}

#[test]
fn tls_with_asyncio_as_server() {
    on_workers(2, async {
        let certificates = Certificates::new();
        let server = PythonServer::start(&["tls", &certificates.chain, &certificates.key]);
        let connector = certificates.client().build().unwrap();
        let tcp = bowerbird::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        let mut stream = connector.connect("localhost", tcp).await.unwrap();
        for line in lines(100).split_inclusive('\n') {
            stream.write_all(line.as_bytes()).await.unwrap();
            stream.flush().await.unwrap();
            let mut back = vec![0; line.len()];
            stream.read_exact(&mut back).await.unwrap();
            assert!(back == line.as_bytes());
        }
        stream.close().await.unwrap();
        // asyncio answers the end with its own.
        assert_eq!(stream.read(&mut [0; 10]).await.unwrap(), 0);
    });
}
