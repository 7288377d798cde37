//! A protocol that writes down what it hears, and its peer.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bowerbird::net::{TcpListener, TcpStream};
use bowerbird::protocols::{
    BufferedProtocol, Protocol, StreamProtocol, Transport, connect_accepted_socket,
};
use bowerbird_tests::Journal;

/// What a protocol does in its calls, besides writing them down.
pub(crate) type Act = Box<dyn FnMut(&str, &Transport) + Send>;

/// Writes its calls down: `made`, `data 5`, `eof`, `pause`, `resume`, `lost`, `lost <kind>`.
pub(crate) struct Noted {
    journal: Journal,
    act: Act,
    keeps_open: bool,
    transport: Option<Transport>,
    data: Arc<Mutex<Vec<u8>>>,
}

impl Noted {
    pub(crate) fn new(journal: &Journal) -> Self {
        Self {
            journal: journal.clone(),
            act: Box::new(|_, _| {}),
            keeps_open: false,
            transport: None,
            data: Arc::default(),
        }
    }

    /// Does something in each call.
    pub(crate) fn acting(mut self, act: impl FnMut(&str, &Transport) + Send + 'static) -> Self {
        self.act = Box::new(act);
        self
    }

    pub(crate) fn keeping_open(mut self) -> Self {
        self.keeps_open = true;
        self
    }

    /// What it has received.
    pub(crate) fn data(&self) -> Arc<Mutex<Vec<u8>>> {
        self.data.clone()
    }

    fn hear(&mut self, call: &str, line: String) {
        self.journal.note(line);
        if let Some(transport) = &self.transport {
            (self.act)(call, transport);
        }
    }
}

pub(crate) fn lost(error: Option<io::Error>) -> String {
    match error {
        None => "lost".to_owned(),
        Some(error) => format!("lost {:?}", error.kind()),
    }
}

impl Protocol for Noted {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
        self.hear("made", "made".into());
    }
    fn data_received(&mut self, data: &[u8]) {
        self.data.lock().unwrap().extend_from_slice(data);
        self.hear("data", format!("data {}", data.len()));
    }
    fn eof_received(&mut self) -> bool {
        self.hear("eof", "eof".into());
        self.keeps_open
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.hear("lost", lost(error));
    }
    fn pause_writing(&mut self) {
        self.hear("pause", "pause".into());
    }
    fn resume_writing(&mut self) {
        self.hear("resume", "resume".into());
    }
}

/// The same with a buffer of its own, of so many bytes.
pub(crate) struct NotedBuffer(pub(crate) Noted, pub(crate) Vec<u8>);

impl BufferedProtocol for NotedBuffer {
    fn connection_made(&mut self, transport: Transport) {
        self.0.connection_made(transport);
    }
    fn get_buffer(&mut self, _size_hint: usize) -> &mut [u8] {
        if let Some(transport) = self.0.transport.clone() {
            (self.0.act)("get_buffer", &transport);
        }
        &mut self.1
    }
    fn buffer_updated(&mut self, count: usize) {
        self.0.data.lock().unwrap().extend_from_slice(&self.1[..count]);
        self.0.hear("updated", format!("updated {count}"));
    }
    fn eof_received(&mut self) -> bool {
        self.0.eof_received()
    }
    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.0.connection_lost(error);
    }
    fn pause_writing(&mut self) {
        self.0.pause_writing();
    }
    fn resume_writing(&mut self) {
        self.0.resume_writing();
    }
}

/// Two ends of a connection.
pub(crate) async fn sockets() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connect = TcpStream::connect(listener.local_addr().unwrap());
    let (client, (server, _)) = bowerbird::try_join((connect, listener.accept())).await.unwrap();
    (client, server)
}

/// A transport with this protocol, and its peer.
pub(crate) async fn pair<P, K>(protocol: P) -> (Transport, TcpStream)
where
    P: StreamProtocol<K>,
{
    let (peer, socket) = sockets().await;
    (connect_accepted_socket(move || protocol, socket).await.unwrap(), peer)
}

/// Waits until the protocol has heard of the end.
pub(crate) async fn end(journal: &Journal) {
    bowerbird_tests::until(|| journal.lines().iter().any(|line| line.starts_with("lost"))).await;
}

/// Writes until the system takes no more and over `high` bytes wait; gives how much that was in all.
pub(crate) fn fill(transport: &Transport) -> usize {
    let (_, high) = transport.get_write_buffer_limits();
    let piece = vec![7; 256 * 1024];
    let mut count = 0;
    while transport.get_write_buffer_size() <= high {
        transport.write(&piece);
        count += piece.len();
    }
    count
}

/// Reads so many bytes.
pub(crate) async fn drain(peer: &mut TcpStream, count: usize) {
    let mut room = vec![0; 256 * 1024];
    let mut left = count;
    while left > 0 {
        let limit = room.len().min(left);
        let read = peer.read(&mut room[..limit]).await.unwrap();
        assert_ne!(read, 0, "the stream ended {left} bytes early");
        left -= read;
    }
}

/// Ends a connection with a reset.
pub(crate) fn reset(peer: TcpStream) {
    peer.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    drop(peer);
}

/// A file that is removed again.
pub(crate) struct Temporary {
    directory: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Temporary {
    pub(crate) fn new(length: usize) -> Self {
        let id = format!("{}-{:?}", std::process::id(), std::time::Instant::now());
        let name: String = id.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
        let directory = std::env::temp_dir().join(format!("bowerbird-sendfile-{name}"));
        std::fs::create_dir(&directory).unwrap();
        let bytes: Vec<u8> = (0..length).map(|number| (number % 251) as u8).collect();
        let this = Self { directory, bytes };
        File::create(this.path()).unwrap().write_all(&this.bytes).unwrap();
        this
    }

    fn path(&self) -> PathBuf {
        self.directory.join("file")
    }

    pub(crate) fn open(&self) -> File {
        File::open(self.path()).unwrap()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}
