//! Starting peers, and the servers they talk to.

use std::fs;
use std::io::Write;
use std::net::{TcpListener as StdListener, UdpSocket as StdUdp};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bowerbird::net::TcpStream;
use bowerbird::streams::{StreamReader, StreamWriter};
use bowerbird::tls::{TlsAcceptor, TlsAcceptorBuilder, TlsConnector, TlsConnectorBuilder};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

/// What a peer may take at most; a test that waits longer has failed.
const LIMIT: Duration = Duration::from_secs(60);

/// Gives back what comes until the end.
pub(crate) async fn echo(mut reader: StreamReader, writer: StreamWriter) -> std::io::Result<()> {
    loop {
        let data = reader.read(16 * 1024).await?;
        if data.is_empty() {
            writer.close();
            return writer.wait_closed().await;
        }
        writer.write(&data);
        writer.drain().await?;
    }
}

/// Runs a peer to its end with this input, and gives what it wrote. Its exit code must be 0.
pub(crate) async fn peer(program: &str, arguments: &[&str], input: impl Into<Vec<u8>>) -> Vec<u8> {
    let output = outcome(program, arguments, input).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", output.status);
    output.stdout
}

/// Runs a peer to its end with this input.
pub(crate) async fn outcome(
    program: &str,
    arguments: &[&str],
    input: impl Into<Vec<u8>>,
) -> Output {
    let mut command = Command::new("timeout");
    command.args([&LIMIT.as_secs().to_string(), program]).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.into();
    bowerbird::to_thread(move || {
        let mut child = command.spawn().expect("the peer starts");
        let mut stdin = child.stdin.take().expect("it is piped");
        let writing = std::thread::spawn(move || {
            // A peer may end without reading everything.
            let _ = stdin.write_all(&input);
        });
        let output = child.wait_with_output().expect("it was started");
        writing.join().expect("the writer does not panic");
        output
    })
    .await
}

/// A peer that serves until it is dropped.
pub(crate) struct Serving(std::process::Child);

impl Serving {
    pub(crate) fn start(program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().unwrap_or_else(|error| panic!("{program}: {error}")))
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        self.0.wait().expect("it was started");
    }
}

/// A TCP port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A UDP port that nobody uses at the moment.
pub(crate) fn free_udp_port() -> u16 {
    StdUdp::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Tries until something answers.
pub(crate) async fn answered<T, E: std::fmt::Display>(
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> T {
    let end = bowerbird::time::now() + LIMIT;
    loop {
        match attempt().await {
            Ok(answer) => return answer,
            Err(error) if bowerbird::time::now() >= end => panic!("the peer never served: {error}"),
            Err(_) => bowerbird::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Connects to a peer that is just starting.
pub(crate) async fn connect(port: u16) -> TcpStream {
    answered(async || TcpStream::connect(("127.0.0.1", port)).await).await
}

/// Lines of all lengths, which are easily told apart.
pub(crate) fn lines(count: usize) -> String {
    (0..count).map(|i| format!("line {i} {}\n", "x".repeat(i * 37 % 5000))).collect()
}

/// A directory of this test, removed at its end.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("bowerbird-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        text(&path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        text(&self.0.join(name))
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the directory is this test's own");
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("a temporary path is text").to_owned()
}

/// An authority and a certificate for `localhost`, in files.
pub(crate) struct Certificates {
    pub(crate) authority: String,
    pub(crate) chain: String,
    pub(crate) key: String,
    _directory: Directory,
}

impl Certificates {
    pub(crate) fn new() -> Self {
        let directory = Directory::new();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        // Not the default name, which the others have: they would look signed by themselves.
        params.distinguished_name.push(DnType::CommonName, "an authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = directory.file("ca.pem", &params.self_signed(&key).unwrap().pem());
        let issuer = Issuer::new(params, key);

        let key = KeyPair::generate().unwrap();
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        Self {
            authority,
            chain: directory.file("own.pem", &certificate.pem()),
            key: directory.file("own.key", &key.serialize_pem()),
            _directory: directory,
        }
    }

    pub(crate) fn server(&self) -> TlsAcceptorBuilder {
        TlsAcceptor::builder().certificate_files(&self.chain, &self.key).unwrap()
    }

    pub(crate) fn client(&self) -> TlsConnectorBuilder {
        TlsConnector::builder().root_certificates_file(&self.authority).unwrap()
    }
}
