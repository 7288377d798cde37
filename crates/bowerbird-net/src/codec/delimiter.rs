//! Pieces between delimiters.

use bytes::{Bytes, BytesMut};

use super::error::FrameError;
use super::plain::{Cut, Cutter, freeze};
use super::traits::{Decoder, Encoder};

/// Gives the pieces between delimiters, any of several bytes, and writes them with a sequence behind each.
///
/// asyncio: `StreamReader.readuntil` with several separators.
///
/// A piece that is too long is an error, is passed over, and the next piece follows. What stands behind the last
/// delimiter is a piece too, if it is not empty.
///
/// # Examples
/// ```
/// use bowerbird::codec::{AnyDelimiterCodec, FramedRead};
///
/// bowerbird::run(async {
///     let codec = AnyDelimiterCodec::with_max_length(b",;".to_vec(), b",".to_vec(), 64);
///     let mut pieces = FramedRead::new(&b"a,b;c"[..], codec);
///     for expected in ["a", "b", "c"] {
///         assert_eq!(pieces.next().await.unwrap()?, expected);
///     }
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct AnyDelimiterCodec {
    cutter: Cutter,
    delimiters: Vec<u8>,
    written: Vec<u8>,
    limit: usize,
}

impl AnyDelimiterCodec {
    /// Makes the codec for pieces of up to 64 KiB: any byte of `delimiters` ends one, and `written` is written behind
    /// each.
    pub fn new(delimiters: Vec<u8>, written: Vec<u8>) -> Self {
        Self::with_max_length(delimiters, written, 64 * 1024)
    }

    /// Makes the codec for pieces of up to so many bytes, without their delimiters.
    pub fn with_max_length(delimiters: Vec<u8>, written: Vec<u8>, limit: usize) -> Self {
        Self { cutter: Cutter::new(), delimiters, written, limit }
    }

    /// The longest piece that is allowed, in bytes.
    pub fn max_length(&self) -> usize {
        self.limit
    }

    fn piece(&self, cut: Cut) -> Result<Option<Bytes>, FrameError> {
        match cut {
            Cut::Nothing => Ok(None),
            Cut::TooLong => Err(FrameError::TooLong { limit: self.limit }),
            Cut::Piece(piece) => Ok(Some(freeze(piece))),
        }
    }
}

impl Decoder for AnyDelimiterCodec {
    type Item = Bytes;
    type Error = FrameError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        let Self { cutter, delimiters, limit, .. } = self;
        let cut = cutter.cut(bytes, *limit, |byte| delimiters.contains(&byte), <[u8]>::len);
        self.piece(cut)
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<Bytes>, FrameError> {
        match self.decode(bytes)? {
            Some(piece) => Ok(Some(piece)),
            None => {
                let rest = self.cutter.rest(bytes, self.limit);
                self.piece(rest)
            }
        }
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for AnyDelimiterCodec {
    type Error = FrameError;

    fn encode(&mut self, piece: T, bytes: &mut BytesMut) -> Result<(), FrameError> {
        let piece = piece.as_ref();
        bytes.reserve(piece.len() + self.written.len());
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(&self.written);
        Ok(())
    }
}
