//! Readers and writers of any kind: what one does with them, and buffers, pipes and ends for them.
//!
//! asyncio: `StreamReader` and `StreamWriter`, for any source and sink of bytes.
//!
//! The traits are those of futures-io, which many libraries share. A reader is [`AsyncRead`], one with a buffer
//! [`AsyncBufRead`], a writer [`AsyncWrite`], what has a position [`AsyncSeek`]; each has an extension trait
//! with the methods that one uses. The futures of these methods are in [`futures`].

mod async_source;
mod buf_read;
mod buf_read_ext;
mod buf_reader;
mod buf_stream;
mod buf_writer;
mod chain;
mod copy;
mod copy_bidirectional;
mod cursor;
mod duplex;
mod ends;
mod join;
mod lines;
mod read;
mod read_ext;
mod seek;
mod split;
mod step;
mod take;
mod unwritten;
mod write;
mod write_ext;

pub use async_source::Async;
pub use buf_read_ext::AsyncBufReadExt;
pub use buf_reader::BufReader;
pub use buf_stream::{BufStream, LineWriter};
pub use buf_writer::BufWriter;
pub use chain::Chain;
pub use copy::{copy, copy_buf};
pub use copy_bidirectional::{copy_bidirectional, copy_bidirectional_with_sizes};
pub use cursor::Cursor;
pub use duplex::{DuplexStream, SimplexReader, SimplexWriter, duplex, simplex};
pub use ends::{Empty, Repeat, Sink, empty, repeat, sink};
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
pub use join::{Join, join};
pub use lines::{Lines, Split};
pub use read_ext::AsyncReadExt;
pub use seek::AsyncSeekExt;
pub use split::{ReadHalf, ReuniteError, WriteHalf, split};
pub use take::Take;
pub use unwritten::Unwritten;
pub use write_ext::AsyncWriteExt;

#[cfg(feature = "codec")]
pub(crate) use step::step;
#[cfg(feature = "codec")]
pub(crate) use write::poll_some;

/// The futures of the methods and functions of this module.
pub mod futures {
    pub use super::buf_read::{FillBuf, ReadLine, ReadUntil, SkipUntil};
    pub use super::copy::{CopyAll, CopyBuf};
    pub use super::copy_bidirectional::CopyBidirectional;
    pub use super::lines::{NextLine, NextSegment};
    pub use super::read::{Read, ReadExact, ReadNumber, ReadToEnd, ReadToString, ReadVectored};
    pub use super::seek::Seek;
    pub use super::write::{
        Close, Flush, Write, WriteAll, WriteAllBuf, WriteAllVectored, WriteNumber, WriteVectored,
    };
}
