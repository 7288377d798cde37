//! Bytes as they come.

use std::io;

use bytes::{Bytes, BytesMut};

use super::traits::{Decoder, Encoder};

/// Gives bytes as they come, in pieces of any size.
///
/// asyncio: `data_received` itself.
///
/// # Examples
/// ```
/// use bowerbird::codec::{BytesCodec, FramedRead};
///
/// bowerbird::run(async {
///     let mut pieces = FramedRead::new(&b"hello"[..], BytesCodec::new());
///     assert_eq!(pieces.next().await.unwrap()?, "hello");
///     assert!(pieces.next().await.is_none());
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct BytesCodec(());

impl BytesCodec {
    /// Makes the codec.
    pub fn new() -> Self {
        Self(())
    }
}

impl Decoder for BytesCodec {
    type Item = BytesMut;
    type Error = io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> io::Result<Option<BytesMut>> {
        Ok((!bytes.is_empty()).then(|| bytes.split()))
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for BytesCodec {
    type Error = io::Error;

    fn encode(&mut self, piece: T, bytes: &mut BytesMut) -> io::Result<()> {
        bytes.extend_from_slice(piece.as_ref());
        Ok(())
    }
}

/// Cuts a piece out of the buffer up to an end that `find` knows, with a limit; common to lines and delimiters.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    /// How much of the buffer was looked at, and has no end in it.
    seen: usize,
    /// The limit was passed: everything up to the next end is dropped.
    is_dropping: bool,
}

/// What a [`Cutter`] found.
pub(super) enum Cut {
    /// A piece, and its end, which has this length.
    Piece(BytesMut),
    TooLong,
    /// No end yet.
    Nothing,
}

impl Cutter {
    pub(super) fn new() -> Self {
        Self { seen: 0, is_dropping: false }
    }

    /// Takes what stands before the next end, and drops the end. `length` is how long a piece counts, also one whose
    /// end is not there yet (then at least so long).
    pub(super) fn cut(
        &mut self,
        bytes: &mut BytesMut,
        limit: usize,
        is_end: impl Fn(u8) -> bool,
        length: impl Fn(&[u8]) -> usize,
    ) -> Cut {
        loop {
            let found = bytes[self.seen..].iter().position(|byte| is_end(*byte));
            let Some(at) = found.map(|at| at + self.seen) else {
                if self.is_dropping {
                    bytes.clear();
                    self.seen = 0;
                    return Cut::Nothing;
                }
                self.seen = bytes.len();
                if length(bytes) > limit {
                    bytes.clear();
                    self.seen = 0;
                    self.is_dropping = true;
                    return Cut::TooLong;
                }
                return Cut::Nothing;
            };
            self.seen = 0;
            let mut piece = bytes.split_to(at + 1);
            if std::mem::take(&mut self.is_dropping) {
                continue;
            }
            piece.truncate(at);
            return if length(&piece) > limit { Cut::TooLong } else { Cut::Piece(piece) };
        }
    }

    /// The stream has ended: what is left is the last piece, if it is one.
    pub(super) fn rest(&mut self, bytes: &mut BytesMut, limit: usize) -> Cut {
        self.seen = 0;
        let piece = bytes.split();
        match piece.len() {
            _ if std::mem::take(&mut self.is_dropping) => Cut::Nothing,
            0 => Cut::Nothing,
            length if length > limit => Cut::TooLong,
            _ => Cut::Piece(piece),
        }
    }
}

/// A piece that is done with.
pub(super) fn freeze(piece: BytesMut) -> Bytes {
    piece.freeze()
}
