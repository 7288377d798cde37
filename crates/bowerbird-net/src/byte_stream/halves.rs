//! The two halves of a stream. They need no lock: the directions share nothing but the descriptor.

use std::error::Error;
use std::fmt;
use std::net::Shutdown;
use std::ops::Deref;
use std::sync::Arc;

use bowerbird_io::Leaf;

use super::Endpoint;
use super::futures::{Flush, Read, ReadExact, ReadToEnd, ShutdownWrite, Write, WriteAll};
use super::sendfile::SendFile;
use crate::tcp::TcpStream;

/// The reading half of `split`; derefs to the stream for what needs no direction.
#[derive(Debug)]
pub struct ReadHalf<'a, S = TcpStream>(&'a S);

/// The writing half of `split`; derefs to the stream for what needs no direction.
///
/// Dropping it ends nothing: the stream is still there.
#[derive(Debug)]
pub struct WriteHalf<'a, S = TcpStream>(&'a S);

/// The reading half of `into_split`; derefs to the stream for what needs no direction.
#[derive(Debug)]
pub struct OwnedReadHalf<S = TcpStream>(Arc<S>);

/// The writing half of `into_split`; derefs to the stream for what needs no direction.
///
/// Dropping it ends the writing direction: the peer reads the end of the stream.
#[derive(Debug)]
pub struct OwnedWriteHalf<S: Endpoint = TcpStream> {
    stream: Arc<S>,
    ends_on_drop: bool,
}

impl<'a, S> ReadHalf<'a, S> {
    pub(crate) fn new(stream: &'a S) -> Self {
        Self(stream)
    }
}

impl<'a, S> WriteHalf<'a, S> {
    pub(crate) fn new(stream: &'a S) -> Self {
        Self(stream)
    }
}

pub(crate) fn into_split<S: Endpoint>(stream: S) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    (OwnedReadHalf(stream.clone()), OwnedWriteHalf { stream, ends_on_drop: true })
}

impl<S> Deref for ReadHalf<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.0
    }
}

impl<S> Deref for WriteHalf<'_, S> {
    type Target = S;
    fn deref(&self) -> &S {
        self.0
    }
}

impl<S> Deref for OwnedReadHalf<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Endpoint> Deref for OwnedWriteHalf<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.stream
    }
}

macro_rules! reading_methods {
    ($($half:ty),*) => {
        $(impl<S: Endpoint> $half {
            /// Reads what is there; as [`TcpStream::read`].
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::read`].
            #[track_caller]
            pub fn read<'b>(&'b mut self, buffer: &'b mut [u8]) -> Read<'b, S::Os> {
                Read::new(self.core(), buffer)
            }

            /// Fills the buffer; as [`TcpStream::read_exact`].
            ///
            /// # Cancel safety
            /// Not safe: how much was read is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::read_exact`].
            #[track_caller]
            pub fn read_exact<'b>(&'b mut self, buffer: &'b mut [u8]) -> ReadExact<'b, S::Os> {
                ReadExact::new(self.core(), buffer)
            }

            /// Reads to the end of the stream; as [`TcpStream::read_to_end`].
            ///
            /// # Cancel safety
            /// Not safe: what was read is in the buffer, but the stream is not at its end.
            ///
            /// # Errors
            /// As for [`TcpStream::read_to_end`].
            #[track_caller]
            pub fn read_to_end<'b>(&'b mut self, buffer: &'b mut Vec<u8>) -> ReadToEnd<'b, S::Os> {
                ReadToEnd::new(self.core(), buffer)
            }
        })*
    };
}

macro_rules! writing_methods {
    ($($half:ty),*) => {
        $(impl<S: Endpoint> $half {
            /// Writes what the system takes; as [`TcpStream::write`].
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::write`].
            #[track_caller]
            pub fn write<'b>(&'b mut self, bytes: &'b [u8]) -> Write<'b, S::Os> {
                Write::new(self.core(), bytes)
            }

            /// Writes all of it; as [`TcpStream::write_all`].
            ///
            /// # Cancel safety
            /// Not safe: how much was written is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::write_all`].
            #[track_caller]
            pub fn write_all<'b>(&'b mut self, bytes: &'b [u8]) -> WriteAll<'b, S::Os> {
                WriteAll::new(self.core(), bytes)
            }

            /// Sends a file; as [`TcpStream::sendfile`].
            ///
            /// # Cancel safety
            /// Not safe: how much was sent is lost.
            ///
            /// # Errors
            /// As for [`TcpStream::sendfile`].
            #[track_caller]
            pub fn sendfile<'b>(
                &'b mut self,
                file: &'b std::fs::File,
                offset: u64,
                count: Option<u64>,
            ) -> SendFile<'b, S::Os> {
                SendFile::new(Leaf::new("WriteHalf::sendfile"), self.core(), file, offset, count)
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
            pub fn shutdown(&mut self) -> ShutdownWrite<'_, S::Os> {
                ShutdownWrite::new(self.core())
            }
        })*
    };
}

reading_methods!(ReadHalf<'_, S>, OwnedReadHalf<S>);
writing_methods!(WriteHalf<'_, S>, OwnedWriteHalf<S>);

impl<S: Endpoint> OwnedReadHalf<S> {
    /// Puts the stream together again.
    ///
    /// # Errors
    /// The halves are of different streams; they are in the error.
    pub fn reunite(self, write: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
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

impl<S: Endpoint> OwnedWriteHalf<S> {
    /// Drops this half without ending the direction.
    pub fn forget(mut self) {
        self.ends_on_drop = false;
    }
}

impl<S: Endpoint> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if self.ends_on_drop {
            // There is nobody to tell of an error; the connection is then ended anyway.
            let _ = self.stream.core().shutdown(Shutdown::Write);
        }
    }
}

/// The error of [`OwnedReadHalf::reunite`]: the halves of two streams.
pub struct ReuniteError<S: Endpoint = TcpStream>(pub OwnedReadHalf<S>, pub OwnedWriteHalf<S>);

impl<S: Endpoint> fmt::Debug for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReuniteError").finish_non_exhaustive()
    }
}

impl<S: Endpoint> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves belong to different streams")
    }
}

impl<S: Endpoint> Error for ReuniteError<S> {}
