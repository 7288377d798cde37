//! A small HTTP/1.1 client, made to load a server: one connection, kept alive, one request at a time.

use std::io::{self, Write};
use std::net::SocketAddr;

use bowerbird::net::TcpStream;

/// One connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    /// The request, then what has come of the reply.
    bytes: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// If nobody listens there.
    pub async fn connect(address: SocketAddr) -> io::Result<Self> {
        Ok(Self { stream: TcpStream::connect(address).await?, bytes: Vec::new() })
    }

    /// Gets a path, and returns the body of the reply.
    ///
    /// # Errors
    /// If the connection ends, the reply is not understood, or its status is not 200.
    pub async fn get(&mut self, path: &str) -> io::Result<&[u8]> {
        self.bytes.clear();
        write!(self.bytes, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")?;
        self.stream.write_all(&self.bytes).await?;
        self.bytes.clear();
        let body = loop {
            self.read().await?;
            if let Some(end) = self.bytes.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let end = body + content_length(&self.bytes[..body])?;
        while self.bytes.len() < end {
            self.read().await?;
        }
        if self.bytes.len() > end {
            return Err(not_understood("more than one reply"));
        }
        Ok(&self.bytes[body..])
    }

    async fn read(&mut self) -> io::Result<()> {
        let mut bytes = [0; 1024];
        match self.stream.read(&mut bytes).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.bytes.extend_from_slice(&bytes[..count]);
                Ok(())
            }
        }
    }
}

/// The length of the body, from the head of a reply.
fn content_length(head: &[u8]) -> io::Result<usize> {
    let head = str::from_utf8(head).map_err(|_| not_understood("a head that is not text"))?;
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    if !status.starts_with("HTTP/1.1 200 ") {
        return Err(not_understood(status));
    }
    lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| not_understood("no content-length"))
}

fn not_understood(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a reply that is not understood: {what}"))
}
