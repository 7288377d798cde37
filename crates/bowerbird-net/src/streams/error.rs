//! What can go wrong with a [`StreamReader`](super::StreamReader).

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

/// The stream ended before all that was asked for had come.
///
/// asyncio: `IncompleteReadError`.
///
/// # Examples
/// ```
/// use bowerbird::streams::{ReadError, StreamReader};
///
/// bowerbird::run(async {
///     let mut reader = StreamReader::new(&b"end"[..]);
///     let Err(ReadError::Incomplete(error)) = reader.readexactly(10).await else { panic!() };
///     assert_eq!((&*error.partial, error.expected), (&b"end"[..], Some(10)));
///     assert_eq!(error.to_string(), "3 bytes read on a total of 10 expected bytes");
/// });
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncompleteReadError {
    /// What came before the end. It is not in the reader any more.
    pub partial: Vec<u8>,
    /// How many bytes were asked for; `None` where it was a separator.
    pub expected: Option<usize>,
}

impl fmt::Display for IncompleteReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes read on a total of ", self.partial.len())?;
        match self.expected {
            Some(expected) => write!(f, "{expected} expected bytes"),
            None => f.write_str("undefined expected bytes"),
        }
    }
}

impl Error for IncompleteReadError {}

/// What was looked for is not within the reader's limit.
///
/// asyncio: `LimitOverrunError`; for `readline`, which raises a `ValueError` there, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LimitOverrunError {
    /// How many bytes of the buffer are surely in front of the separator.
    pub consumed: usize,
    pub(super) is_found: bool,
}

impl LimitOverrunError {
    /// Returns whether the separator is in the buffer, behind [`consumed`](Self::consumed) bytes.
    pub fn is_found(&self) -> bool {
        self.is_found
    }
}

impl fmt::Display for LimitOverrunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_found {
            true => "separator is found, but chunk is longer than limit",
            false => "separator is not found, and chunk exceeds the limit",
        })
    }
}

impl Error for LimitOverrunError {}

/// Why a read gave nothing.
///
/// `?` turns it into an [`io::Error`] where the function returns that: of the kind `UnexpectedEof`,
/// `InvalidData`, or the connection's own.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReadError {
    /// The stream ended too early.
    Incomplete(IncompleteReadError),
    /// More would have to be buffered than the limit allows.
    LimitOverrun(LimitOverrunError),
    /// The connection failed.
    Io(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Incomplete(error) => error.fmt(f),
            Self::LimitOverrun(error) => error.fmt(f),
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Incomplete(error) => Some(error),
            Self::LimitOverrun(error) => Some(error),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<IncompleteReadError> for ReadError {
    fn from(error: IncompleteReadError) -> Self {
        Self::Incomplete(error)
    }
}

impl From<LimitOverrunError> for ReadError {
    fn from(error: LimitOverrunError) -> Self {
        Self::LimitOverrun(error)
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Incomplete(error) => Self::new(io::ErrorKind::UnexpectedEof, error),
            ReadError::LimitOverrun(error) => Self::new(io::ErrorKind::InvalidData, error),
            ReadError::Io(error) => error,
        }
    }
}

/// An error that is told more than once: to each read, each `drain`, each `wait_closed`.
#[derive(Debug, Clone)]
pub(super) struct KeptError(Arc<io::Error>);

impl KeptError {
    pub(super) fn new(error: io::Error) -> Self {
        Self(Arc::new(error))
    }

    /// The error, once more.
    pub(super) fn again(&self) -> io::Error {
        match self.0.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.0.kind(), self.clone()),
        }
    }
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for KeptError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
