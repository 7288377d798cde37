//! [`Decoder`] and [`Encoder`].

use std::io;

use bytes::BytesMut;

use super::framed::Framed;

/// Finds frames in a buffer.
///
/// asyncio: `data_received` of a `Protocol` that cuts what it gets.
///
/// # Examples
/// ```
/// use bowerbird::codec::{BytesMut, Decoder, FramedRead};
///
/// /// A frame of two bytes.
/// struct Pairs;
///
/// impl Decoder for Pairs {
///     type Item = [u8; 2];
///     type Error = std::io::Error;
///
///     fn decode(&mut self, bytes: &mut BytesMut) -> std::io::Result<Option<[u8; 2]>> {
///         if bytes.len() < 2 {
///             return Ok(None);
///         }
///         let pair = bytes.split_to(2);
///         Ok(Some([pair[0], pair[1]]))
///     }
/// }
///
/// bowerbird::run(async {
///     let mut pairs = FramedRead::new(&b"abc"[..], Pairs);
///     assert_eq!(pairs.next().await.unwrap().unwrap(), *b"ab");
///     let error = pairs.next().await.unwrap().unwrap_err();
///     assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
/// });
/// ```
pub trait Decoder {
    /// What a frame becomes.
    type Item;
    /// What is wrong with bytes, or with the stream.
    type Error: From<io::Error>;

    /// Takes a frame off the front of the buffer; `None` if it is not all there yet.
    ///
    /// It should keep in the buffer no more than it needs to tell: what has no end grows it without end.
    ///
    /// # Errors
    /// What is wrong with the bytes. The stream of frames goes on behind it: the next call follows.
    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error>;

    /// The same where the stream has ended: is called until it gives `None`.
    ///
    /// # Errors
    /// As provided: the stream ended inside a frame (`UnexpectedEof`); what is left is then dropped.
    fn decode_eof(&mut self, bytes: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error> {
        match self.decode(bytes)? {
            Some(frame) => Ok(Some(frame)),
            None if bytes.is_empty() => Ok(None),
            None => {
                let text = format!(
                    "the stream ended inside a frame; {} byte(s) of it are there",
                    bytes.len()
                );
                bytes.clear();
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, text).into())
            }
        }
    }

    /// Puts the codec on a stream: `codec.framed(stream)`.
    fn framed<S>(self, stream: S) -> Framed<S, Self>
    where
        Self: Sized,
    {
        Framed::new(stream, self)
    }
}

/// Puts frames into a buffer.
///
/// asyncio: what a `Protocol` gives to `transport.write`.
pub trait Encoder<T> {
    /// What is wrong with a frame, or with the stream.
    type Error: From<io::Error>;

    /// Appends the frame to the buffer.
    ///
    /// # Errors
    /// The frame cannot be written so; nothing was appended.
    fn encode(&mut self, frame: T, bytes: &mut BytesMut) -> Result<(), Self::Error>;
}
