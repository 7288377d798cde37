//! Lines of text.

use std::io;

use bytes::BytesMut;

use super::error::FrameError;
use super::plain::{Cut, Cutter};
use super::traits::{Decoder, Encoder};

/// Gives lines of text, without their `\n` or `\r\n`, and writes them with `\n`.
///
/// asyncio: `StreamReader.readline()`, with its limit.
///
/// A line that is too long is an error, is passed over, and the next line follows; so does the line behind one that
/// is no UTF-8. What stands behind the last line end is a line too.
///
/// # Examples
/// ```
/// use bowerbird::codec::{FrameError, FramedRead, LinesCodec};
///
/// bowerbird::run(async {
///     let mut lines = FramedRead::new(&b"one\r\nfar too long\ntwo"[..], LinesCodec::with_max_length(5));
///     assert_eq!(lines.next().await.unwrap().unwrap(), "one");
///     assert!(matches!(lines.next().await, Some(Err(FrameError::TooLong { limit: 5 }))));
///     assert_eq!(lines.next().await.unwrap().unwrap(), "two");
///     assert!(lines.next().await.is_none());
/// });
/// ```
#[derive(Debug, Clone)]
pub struct LinesCodec {
    cutter: Cutter,
    limit: usize,
}

impl LinesCodec {
    /// The limit of [`LinesCodec::new`]: 64 KiB, as in asyncio.
    pub const DEFAULT_MAX_LENGTH: usize = 64 * 1024;

    /// Makes the codec for lines of up to 64 KiB.
    pub fn new() -> Self {
        Self::with_max_length(Self::DEFAULT_MAX_LENGTH)
    }

    /// Makes the codec for lines of up to so many bytes, without their line ends.
    pub fn with_max_length(limit: usize) -> Self {
        Self { cutter: Cutter::new(), limit }
    }

    /// The longest line that is allowed, in bytes.
    pub fn max_length(&self) -> usize {
        self.limit
    }

    fn line(&self, cut: Cut) -> Result<Option<String>, FrameError> {
        match cut {
            Cut::Nothing => Ok(None),
            Cut::TooLong => Err(FrameError::TooLong { limit: self.limit }),
            Cut::Piece(piece) => match String::from_utf8(piece.into()) {
                Ok(line) => Ok(Some(line)),
                Err(error) => {
                    let text = format!("a line is no text: {error}");
                    Err(io::Error::new(io::ErrorKind::InvalidData, text).into())
                }
            },
        }
    }
}

impl Default for LinesCodec {
    fn default() -> Self {
        Self::new()
    }
}

/// A line without the `\r` at its end, which is no part of it if a `\n` follows.
fn trimmed(line: &[u8]) -> usize {
    line.len() - usize::from(line.last() == Some(&b'\r'))
}

impl Decoder for LinesCodec {
    type Item = String;
    type Error = FrameError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, FrameError> {
        let mut cut = self.cutter.cut(bytes, self.limit, |byte| byte == b'\n', trimmed);
        if let Cut::Piece(line) = &mut cut {
            line.truncate(trimmed(line));
        }
        self.line(cut)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<String>, FrameError> {
        match self.decode(bytes)? {
            Some(line) => Ok(Some(line)),
            None => {
                let rest = self.cutter.rest(bytes, self.limit);
                self.line(rest)
            }
        }
    }
}

impl<T: AsRef<str>> Encoder<T> for LinesCodec {
    type Error = FrameError;

    fn encode(&mut self, line: T, bytes: &mut BytesMut) -> Result<(), FrameError> {
        let line = line.as_ref();
        bytes.reserve(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\n");
        Ok(())
    }
}
