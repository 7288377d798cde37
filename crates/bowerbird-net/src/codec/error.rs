//! The error of the codecs.

use std::error::Error;
use std::fmt;
use std::io;

/// What is wrong with a frame, or with its stream.
#[derive(Debug)]
#[non_exhaustive]
pub enum FrameError {
    /// A frame is longer than the codec allows. It is passed over, and the next one follows.
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The stream gave an error, ended inside a frame, or gave what cannot be a frame.
    Io(io::Error),
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { limit } => {
                write!(
                    f,
                    "a frame is longer than the limit of {limit} byte(s) that its codec was given"
                )
            }
            Self::Io(error) => error.fmt(f),
        }
    }
}

impl Error for FrameError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::TooLong { .. } => None,
            Self::Io(error) => error.source(),
        }
    }
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<FrameError> for io::Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Io(error) => error,
            error @ FrameError::TooLong { .. } => io::Error::new(io::ErrorKind::InvalidData, error),
        }
    }
}
