//! Frames with their length in front.

use std::io;

use bytes::{Buf, BufMut, BytesMut};

use super::error::FrameError;
use super::framed::Framed;
use super::traits::{Decoder, Encoder};

/// Gives frames that have their length in front.
///
/// asyncio: `readexactly(4)` and then `readexactly(length)`.
///
/// As made by [`new`](Self::new): a length of 4 bytes, big-endian, which counts what follows it; the frame that is
/// given is what follows; at most 8 MiB. A [`builder`](Self::builder) changes each of these.
///
/// A frame that is too long is an error, is passed over, and the next one follows. A length that cannot be (less than
/// nothing, after the adjustment) is `InvalidData`: the place in the stream is lost, and every later call says so.
///
/// # Examples
/// ```
/// use bowerbird::codec::{FramedRead, LengthDelimitedCodec};
///
/// bowerbird::run(async {
///     let codec = LengthDelimitedCodec::builder().length_field_length(2).new_codec();
///     let mut frames = FramedRead::new(&b"\x00\x05hello\x00\x00"[..], codec);
///     assert_eq!(frames.next().await.unwrap()?, "hello");
///     assert_eq!(frames.next().await.unwrap()?, "");
///     Ok::<_, bowerbird::codec::FrameError>(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct LengthDelimitedCodec {
    format: LengthDelimitedBuilder,
    stage: Stage,
}

#[derive(Debug, Clone, Copy)]
enum Stage {
    Head,
    Body(usize),
    /// A frame that is too long is passed over.
    Dropping(u64),
    Lost,
}

/// How frames carry their length; makes a [`LengthDelimitedCodec`].
#[derive(Debug, Clone, Copy)]
pub struct LengthDelimitedBuilder {
    limit: usize,
    offset: usize,
    size: usize,
    adjustment: i64,
    skip: Option<usize>,
    is_big_endian: bool,
}

impl Default for LengthDelimitedBuilder {
    fn default() -> Self {
        Self {
            limit: 8 * 1024 * 1024,
            offset: 0,
            size: 4,
            adjustment: 0,
            skip: None,
            is_big_endian: true,
        }
    }
}

impl LengthDelimitedBuilder {
    /// Begins with what [`LengthDelimitedCodec::new`] has.
    pub fn new() -> Self {
        Self::default()
    }

    /// The length has its highest byte first (so it is if nothing is said).
    pub fn big_endian(mut self) -> Self {
        self.is_big_endian = true;
        self
    }

    /// The length has its lowest byte first.
    pub fn little_endian(mut self) -> Self {
        self.is_big_endian = false;
        self
    }

    /// The length is as this machine has its numbers.
    pub fn native_endian(mut self) -> Self {
        self.is_big_endian = cfg!(target_endian = "big");
        self
    }

    /// How long a frame may be, in bytes, as it is given and taken: without what is skipped. 8 MiB if nothing is said.
    pub fn max_frame_length(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// How many bytes the length has, 1 to 8; 4 if nothing is said.
    ///
    /// # Panics
    /// For any other number.
    #[track_caller]
    pub fn length_field_length(mut self, size: usize) -> Self {
        assert!(
            (1..=8).contains(&size),
            "length_field_length: {size} bytes; a length has 1 to 8 bytes"
        );
        self.size = size;
        self
    }

    /// How many bytes stand before the length; none if nothing is said.
    pub fn length_field_offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// What has to be added to the length so that it counts the bytes behind what is skipped; 0 if nothing is said. Below
    /// zero where the length counts itself.
    pub fn length_adjustment(mut self, adjustment: i64) -> Self {
        self.adjustment = adjustment;
        self
    }

    /// How many bytes at the front are dropped; all up to the end of the length if nothing is said.
    pub fn num_skip(mut self, skip: usize) -> Self {
        self.skip = Some(skip);
        self
    }

    /// Makes the codec.
    pub fn new_codec(&self) -> LengthDelimitedCodec {
        LengthDelimitedCodec { format: *self, stage: Stage::Head }
    }

    /// Makes the codec and puts it on a stream.
    pub fn new_framed<S>(&self, stream: S) -> Framed<S, LengthDelimitedCodec> {
        Framed::new(stream, self.new_codec())
    }

    fn head_length(&self) -> usize {
        self.offset.saturating_add(self.size).max(self.skip())
    }

    fn skip(&self) -> usize {
        self.skip.unwrap_or_else(|| self.offset.saturating_add(self.size))
    }

    /// The length that stands in a head that is all there.
    fn length_in(&self, head: &[u8]) -> u64 {
        let mut field = &head[self.offset..];
        if self.is_big_endian { field.get_uint(self.size) } else { field.get_uint_le(self.size) }
    }
}

impl LengthDelimitedCodec {
    /// Makes the codec for lengths of 4 bytes, big-endian, and frames of up to 8 MiB.
    pub fn new() -> Self {
        Self::builder().new_codec()
    }

    /// Begins a codec of another format.
    pub fn builder() -> LengthDelimitedBuilder {
        LengthDelimitedBuilder::new()
    }

    /// The longest frame that is allowed, in bytes.
    pub fn max_frame_length(&self) -> usize {
        self.format.limit
    }

    /// Takes the head off the buffer, if it is all there.
    fn decode_head(&mut self, bytes: &mut BytesMut) -> Result<Option<usize>, FrameError> {
        let format = &self.format;
        if bytes.len() < format.head_length() {
            return Ok(None);
        }
        let field = format.length_in(bytes);
        bytes.advance(format.skip());
        let Some(length) = field.checked_add_signed(format.adjustment) else {
            self.stage = Stage::Lost;
            let text = format!(
                "a frame says that its length is {field}, which with the adjustment of {} cannot be",
                format.adjustment
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, text).into());
        };
        match usize::try_from(length) {
            Ok(length) if length <= format.limit => {
                self.stage = Stage::Body(length);
                Ok(Some(length))
            }
            _ => {
                self.stage = Stage::Dropping(length);
                Err(FrameError::TooLong { limit: format.limit })
            }
        }
    }

    /// Drops what is there of a frame that is too long; `false` if more of it comes.
    fn drop_rest(&mut self, bytes: &mut BytesMut, left: u64) -> bool {
        let here = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        bytes.advance(here);
        let left = left - here as u64;
        self.stage = if left == 0 { Stage::Head } else { Stage::Dropping(left) };
        left == 0
    }
}

impl Default for LengthDelimitedCodec {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder for LengthDelimitedCodec {
    type Item = BytesMut;
    type Error = FrameError;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<BytesMut>, FrameError> {
        if let Stage::Dropping(left) = self.stage {
            if !self.drop_rest(bytes, left) {
                return Ok(None);
            }
        }
        let length = match self.stage {
            Stage::Body(length) => length,
            Stage::Lost => {
                bytes.clear();
                let text = "the place in the stream was lost by a length that cannot be";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text).into());
            }
            Stage::Head | Stage::Dropping(_) => match self.decode_head(bytes)? {
                Some(length) => length,
                None => return Ok(None),
            },
        };
        if bytes.len() < length {
            return Ok(None);
        }
        self.stage = Stage::Head;
        Ok(Some(bytes.split_to(length)))
    }

    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<BytesMut>, FrameError> {
        if matches!(self.stage, Stage::Lost) && bytes.is_empty() {
            return Ok(None);
        }
        if let Some(frame) = self.decode(bytes)? {
            return Ok(Some(frame));
        }
        let is_between = bytes.is_empty() && matches!(self.stage, Stage::Head | Stage::Dropping(_));
        let there = bytes.len();
        bytes.clear();
        self.stage = Stage::Head;
        if is_between {
            return Ok(None);
        }
        let text = format!("the stream ended inside a frame; {there} byte(s) of it are there");
        Err(io::Error::new(io::ErrorKind::UnexpectedEof, text).into())
    }
}

impl<T: AsRef<[u8]>> Encoder<T> for LengthDelimitedCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: T, bytes: &mut BytesMut) -> Result<(), FrameError> {
        let (frame, format) = (frame.as_ref(), &self.format);
        if frame.len() > format.limit {
            return Err(FrameError::TooLong { limit: format.limit });
        }
        let length = i128::from(frame.len() as u64) - i128::from(format.adjustment);
        let most = u64::MAX >> (64 - 8 * format.size);
        let Some(field) = u64::try_from(length).ok().filter(|field| *field <= most) else {
            let text = format!("a length of {length} does not fit into {} byte(s)", format.size);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        };
        bytes.reserve(format.size + frame.len());
        if format.is_big_endian {
            bytes.put_uint(field, format.size);
        } else {
            bytes.put_uint_le(field, format.size);
        }
        bytes.extend_from_slice(frame);
        Ok(())
    }
}
