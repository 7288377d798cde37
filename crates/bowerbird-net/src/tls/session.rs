//! A session apart from any stream: for those who move the bytes themselves, and keep no future.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use futures_rustls::pki_types::ServerName;
use futures_rustls::rustls::{
    self, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection,
};

use super::handshake::{failure, took_longer_than};
use super::info::info_of;
use super::{Limits, TlsError, TlsInfo};

/// A session: what is encrypted goes through the socket that each call is given. For the crates above.
#[doc(hidden)]
pub struct Session {
    connection: Connection,
    limits: Limits,
    /// Whom the errors name.
    peer: String,
    /// What a read met after it had got something.
    deferred: Option<io::Error>,
    /// The last read took all that there was.
    is_drained: bool,
}

impl Session {
    pub(super) fn client(
        config: &Arc<ClientConfig>,
        limits: Limits,
        peer: &str,
        name: Result<ServerName<'static>, TlsError>,
    ) -> io::Result<Self> {
        let connection = ClientConnection::new(config.clone(), name?).map_err(unusable)?;
        Ok(Self::new(connection.into(), limits, format!("`{peer}`")))
    }

    pub(super) fn server(config: &Arc<ServerConfig>, limits: Limits) -> io::Result<Self> {
        let connection = ServerConnection::new(config.clone()).map_err(unusable)?;
        Ok(Self::new(connection.into(), limits, "a client".to_owned()))
    }

    fn new(connection: Connection, limits: Limits, peer: String) -> Self {
        Self { connection, limits, peer, deferred: None, is_drained: false }
    }

    /// How long the handshake may take.
    pub fn handshake_timeout(&self) -> Duration {
        self.limits.handshake
    }

    /// How long the end may take.
    pub fn shutdown_timeout(&self) -> Duration {
        self.limits.shutdown
    }

    /// The error of a handshake that took longer than it may.
    pub fn took_too_long(&self) -> io::Error {
        failure(&self.peer, took_longer_than(self.limits.handshake)).into()
    }

    /// What the two sides agreed on.
    pub fn info(&self) -> TlsInfo {
        let server_name = match &self.connection {
            Connection::Server(connection) => connection.server_name(),
            Connection::Client(_) => None,
        };
        info_of(&self.connection, server_name)
    }

    /// Goes on with the handshake until it is done.
    ///
    /// # Errors
    /// `WouldBlock`: to be called again when the socket can be written to, if
    /// [`wants_write`](Self::wants_write), or else read. Any other error is the end.
    pub fn handshake(&mut self, socket: &mut (impl Read + Write)) -> io::Result<()> {
        self.try_handshake(socket).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => error,
            _ => failure(&self.peer, error).into(),
        })
    }

    fn try_handshake(&mut self, socket: &mut (impl Read + Write)) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.send(socket)?;
            if self.connection.is_handshaking() && self.fetch(socket)? == 0 {
                let text = "the peer closed the connection during the handshake";
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
        }
        Ok(())
    }

    /// Whether something encrypted is not sent yet.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Sends all that is encrypted.
    ///
    /// # Errors
    /// `WouldBlock`, with a part of it left; what the socket says.
    pub fn send(&mut self, socket: &mut impl Write) -> io::Result<()> {
        while self.connection.wants_write() {
            if self.connection.write_tls(socket)? == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
        Ok(())
    }

    /// Encrypts the first of these bytes, and gives their number: some at least, if nothing waits to be sent.
    ///
    /// # Errors
    /// The session has failed.
    pub fn encrypt(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.connection.writer().write_vectored(pieces)
    }

    /// Whether [`receive`](Self::receive) may have something without the socket.
    pub fn has_news(&self) -> bool {
        !self.is_drained
    }

    /// Receives as much as there is and as there is room for; 0 when the peer has said that this is the end.
    ///
    /// # Errors
    /// `WouldBlock`; `UnexpectedEof` if the stream ended otherwise; what the socket says; what came is no part of
    /// this session, and the peer was told so if possible.
    pub fn receive(
        &mut self,
        socket: &mut (impl Read + Write),
        room: &mut [u8],
    ) -> io::Result<usize> {
        self.is_drained = false;
        if let Some(error) = self.deferred.take() {
            return Err(error);
        }
        let mut count = 0;
        while count < room.len() {
            let step = match self.connection.reader().read(&mut room[count..]) {
                Ok(0) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.fetch(socket).map(|_| 0)
                }
                step => step,
            };
            match step {
                Ok(step) => count += step,
                Err(error) => {
                    self.is_drained = is_retry(&error);
                    if count == 0 {
                        return Err(error);
                    }
                    self.deferred = if self.is_drained { None } else { Some(error) };
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Reads from the socket once, and decrypts; 0 at the end of the stream.
    fn fetch(&mut self, socket: &mut (impl Read + Write)) -> io::Result<usize> {
        let count = self.connection.read_tls(socket)?;
        if let Err(error) = self.connection.process_new_packets() {
            // The peer is told why, if it can be told at once.
            let _ = self.send(socket);
            return Err(io::Error::new(io::ErrorKind::InvalidData, error));
        }
        Ok(count)
    }

    /// Encrypts the note that this is the end.
    pub fn end(&mut self) {
        self.connection.send_close_notify();
    }
}

fn is_retry(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

fn unusable(error: rustls::Error) -> TlsError {
    TlsError::new("cannot begin a TLS session", error)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("peer", &self.peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
