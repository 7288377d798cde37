//! Frames out of a stream of bytes, and back: [`Framed`] and codecs.
//!
//! asyncio: what a `Protocol` does by hand in `data_received`; `StreamReader.readuntil` and `readexactly`.
//!
//! A [`Decoder`] finds frames in a buffer, an [`Encoder`] puts them into one. [`FramedRead`], [`FramedWrite`] and
//! [`Framed`] hold the buffers between them and a stream. There are codecs for lines ([`LinesCodec`]), pieces between
//! delimiters ([`AnyDelimiterCodec`]), frames with their length in front ([`LengthDelimitedCodec`]), and bytes as they
//! come ([`BytesCodec`]). Buffers are those of the crate `bytes`, so that a frame is cut out without a copy.
//!
//! Every codec but `BytesCodec` has a limit, and one that is passed is an error that names it: a peer cannot make the
//! buffer grow.
//!
//! # Examples
//! ```
//! use bowerbird::codec::{Framed, LinesCodec};
//!
//! bowerbird::run(async {
//!     let (here, there) = bowerbird::io::duplex(64);
//!     let mut here = Framed::new(here, LinesCodec::with_max_length(1024));
//!     let mut there = Framed::new(there, LinesCodec::with_max_length(1024));
//!     here.send("hello").await?;
//!     assert_eq!(there.next().await.unwrap()?, "hello");
//!     Ok::<_, bowerbird::codec::FrameError>(())
//! }).unwrap();
//! ```

mod delimiter;
mod error;
mod framed;
mod framed_read;
mod framed_write;
mod length_delimited;
mod lines;
mod plain;
mod traits;
mod udp;

pub use bytes::{Bytes, BytesMut};
pub use delimiter::AnyDelimiterCodec;
pub use error::FrameError;
pub use framed::{Framed, FramedParts};
pub use framed_read::{FramedRead, Next};
pub use framed_write::{Close, Feed, Flush, FramedWrite, Ready, Send};
pub use length_delimited::{LengthDelimitedBuilder, LengthDelimitedCodec};
pub use lines::LinesCodec;
pub use plain::BytesCodec;
pub use traits::{Decoder, Encoder};
pub use udp::{NextFrame, SendFrame, UdpFramed};
