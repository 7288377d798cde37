//! The two halves of a stream. They need no lock: the directions share nothing but the descriptor.

use std::error::Error;
use std::fmt;
use std::net::Shutdown;
use std::ops::Deref;
use std::sync::Arc;

use super::TcpStream;
use super::futures::{Flush, Read, ReadExact, ReadToEnd, ShutdownWrite, Write, WriteAll};

/// The reading half of [`TcpStream::split`]; derefs to the stream for what needs no direction.
#[derive(Debug)]
pub struct ReadHalf<'a>(&'a TcpStream);

/// The writing half of [`TcpStream::split`]; derefs to the stream for what needs no direction.
///
/// Dropping it ends nothing: the stream is still there.
#[derive(Debug)]
pub struct WriteHalf<'a>(&'a TcpStream);

/// The reading half of [`TcpStream::into_split`]; derefs to the stream for what needs no direction.
#[derive(Debug)]
pub struct OwnedReadHalf(Arc<TcpStream>);

/// The writing half of [`TcpStream::into_split`]; derefs to the stream for what needs no direction.
///
/// Dropping it ends the writing direction: the peer reads the end of the stream.
#[derive(Debug)]
pub struct OwnedWriteHalf {
    stream: Arc<TcpStream>,
    ends_on_drop: bool,
}

impl<'a> ReadHalf<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self(stream)
    }
}

impl<'a> WriteHalf<'a> {
    pub(super) fn new(stream: &'a TcpStream) -> Self {
        Self(stream)
    }
}

pub(super) fn into_split(stream: TcpStream) -> (OwnedReadHalf, OwnedWriteHalf) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, ends_on_drop: true })
}

impl Deref for ReadHalf<'_> {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        self.0
    }
}

impl Deref for WriteHalf<'_> {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        self.0
    }
}

impl Deref for OwnedReadHalf {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        &self.0
    }
}

impl Deref for OwnedWriteHalf {
    type Target = TcpStream;
    fn deref(&self) -> &TcpStream {
        &self.stream
    }
}

macro_rules! reading_methods {
    ($($half:ty),*) => {
        $(impl $half {
            /// Reads what is there; as [`TcpStream::read`].
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::read`].
            #[track_caller]
            pub fn read<'b>(&'b mut self, buffer: &'b mut [u8]) -> Read<'b> {
                Read::new(self, buffer)
            }

            /// Fills the buffer; as [`TcpStream::read_exact`].
            ///
            /// # Cancel safety
            /// Not safe: how much was read is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::read_exact`].
            #[track_caller]
            pub fn read_exact<'b>(&'b mut self, buffer: &'b mut [u8]) -> ReadExact<'b> {
                ReadExact::new(self, buffer)
            }

            /// Reads to the end of the stream; as [`TcpStream::read_to_end`].
            ///
            /// # Cancel safety
            /// Not safe: what was read is in the buffer, but the stream is not at its end.
            ///
            /// # Errors
            /// As for [`TcpStream::read_to_end`].
            #[track_caller]
            pub fn read_to_end<'b>(&'b mut self, buffer: &'b mut Vec<u8>) -> ReadToEnd<'b> {
                ReadToEnd::new(self, buffer)
            }
        })*
    };
}

macro_rules! writing_methods {
    ($($half:ty),*) => {
        $(impl $half {
            /// Writes what the system takes; as [`TcpStream::write`].
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::write`].
            #[track_caller]
            pub fn write<'b>(&'b mut self, bytes: &'b [u8]) -> Write<'b> {
                Write::new(self, bytes)
            }

            /// Writes all of it; as [`TcpStream::write_all`].
            ///
            /// # Cancel safety
            /// Not safe: how much was written is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::write_all`].
            #[track_caller]
            pub fn write_all<'b>(&'b mut self, bytes: &'b [u8]) -> WriteAll<'b> {
                WriteAll::new(self, bytes)
            }

            /// Does nothing: there is no buffer here.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// None.
            pub fn flush(&mut self) -> Flush {
                Flush::new()
            }

            /// Ends the writing direction; as [`TcpStream::shutdown`].
            ///
            /// # Cancel safety
            /// It never waits.
            ///
            /// # Errors
            /// As for [`TcpStream::shutdown`].
            #[track_caller]
            pub fn shutdown(&mut self) -> ShutdownWrite<'_> {
                ShutdownWrite::new(self)
            }
        })*
    };
}

reading_methods!(ReadHalf<'_>, OwnedReadHalf);
writing_methods!(WriteHalf<'_>, OwnedWriteHalf);

impl OwnedReadHalf {
    /// Puts the stream together again.
    ///
    /// # Errors
    /// The halves are of different streams; they are in the error.
    pub fn reunite(self, write: OwnedWriteHalf) -> Result<TcpStream, ReuniteError> {
        if !Arc::ptr_eq(&self.0, &write.stream) {
            return Err(ReuniteError(self, write));
        }
        write.forget();
        match Arc::try_unwrap(self.0) {
            Ok(stream) => Ok(stream),
            Err(_) => unreachable!("a stream has two halves, and one was given up"),
        }
    }
}

impl OwnedWriteHalf {
    /// Drops this half without ending the direction.
    pub fn forget(mut self) {
        self.ends_on_drop = false;
    }
}

impl Drop for OwnedWriteHalf {
    fn drop(&mut self) {
        if self.ends_on_drop {
            // There is nobody to tell of an error; the connection is then ended anyway.
            let _ = self.stream.shutdown_how(Shutdown::Write);
        }
    }
}

/// The error of [`OwnedReadHalf::reunite`]: the halves of two streams.
#[derive(Debug)]
pub struct ReuniteError(pub OwnedReadHalf, pub OwnedWriteHalf);

impl fmt::Display for ReuniteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to different streams")
    }
}

impl Error for ReuniteError {}
