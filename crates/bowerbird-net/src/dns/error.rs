//! What the resolver says when it has no answer.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a name was not found.
///
/// asyncio: `socket.gaierror`, an `OSError`; here it is inside of an [`io::Error`]. The text is the system's
/// (`gai_strerror`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaiError {
    kind: GaiErrorKind,
    code: i32,
    host: String,
    text: String,
}

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GaiErrorKind {
    /// There is no such host, no such service, or the host has no address of that family.
    NoName,
    /// No answer for now; a later try may succeed.
    Temporary,
    /// The name server has failed, and will again.
    Permanent,
    /// The host has no such family, or the system no such type of sockets, or no such flags.
    Unsupported,
    /// The service is not known for that type of sockets.
    Service,
    /// There is no memory for the answer.
    Memory,
    /// A system call has failed: the text is its error.
    System,
    /// What this crate has no name for: see [`GaiError::code`].
    Other,
}

impl GaiError {
    pub(super) fn new(kind: GaiErrorKind, code: i32, host: &str, text: String) -> Self {
        Self { kind, code, host: host.to_owned(), text }
    }

    /// Returns what kind of failure it was.
    pub fn kind(&self) -> GaiErrorKind {
        self.kind
    }

    /// Returns the system's number: one of `EAI_*`, on Windows of `WSA*`.
    pub fn code(&self) -> i32 {
        self.code
    }

    /// Returns what was looked up: a host, or an address; empty if none was given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The kind that the [`io::Error`] around it has.
    fn io_kind(&self) -> io::ErrorKind {
        match self.kind {
            GaiErrorKind::NoName => io::ErrorKind::NotFound,
            GaiErrorKind::Unsupported | GaiErrorKind::Service => io::ErrorKind::InvalidInput,
            GaiErrorKind::Memory => io::ErrorKind::OutOfMemory,
            _ => io::ErrorKind::Other,
        }
    }
}

impl fmt::Display for GaiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.is_empty() {
            write!(f, "cannot look up this machine: {}", self.text)
        } else {
            write!(f, "cannot look up `{}`: {}", self.host, self.text)
        }
    }
}

impl Error for GaiError {}

impl From<GaiError> for io::Error {
    fn from(error: GaiError) -> Self {
        Self::new(error.io_kind(), error)
    }
}
