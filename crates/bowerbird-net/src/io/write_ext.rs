//! [`AsyncWriteExt`].

use std::io::IoSlice;

use futures_io::AsyncWrite;

use super::unwritten::Unwritten;
use super::write::{
    Close, Flush, Write, WriteAll, WriteAllBuf, WriteAllVectored, WriteNumber, WriteVectored,
};

/// Makes the methods that write a number.
macro_rules! write_numbers {
    ($($name:ident $convert:ident $type:ident $size:literal $order:literal;)*) => {$(
        #[doc = concat!("Writes ", $order, " `", stringify!($type), "`.")]
        ///
        /// asyncio: `StreamWriter.write(struct.pack(..))`.
        ///
        /// # Cancel safety
        #[doc = concat!("Dropped half-way, how many of its ", stringify!($size), " byte(s) are written is lost.")]
        ///
        /// # Errors
        /// The writer takes nothing more (`WriteZero`), or what it gives.
        ///
        /// # Examples
        /// ```
        /// use bowerbird::io::AsyncWriteExt;
        ///
        /// bowerbird::run(async {
        ///     let mut bytes = Vec::new();
        #[doc = concat!("    bytes.", stringify!($name), "(", stringify!($type), "::MAX).await?;")]
        #[doc = concat!("    assert_eq!(bytes, ", stringify!($type), "::MAX.", stringify!($convert), "());")]
        ///     std::io::Result::Ok(())
        /// }).unwrap();
        /// ```
        #[track_caller]
        fn $name(&mut self, number: $type) -> WriteNumber<'_, Self, $size>
        where
            Self: Unpin,
        {
            WriteNumber::new(concat!("AsyncWriteExt::", stringify!($name)), self, number.$convert())
        }
    )*};
}

/// Methods of everything that can be written.
///
/// asyncio: the methods of `StreamWriter`, for any sink of bytes, with nothing left in a buffer.
///
/// Streams of the module `net` have the most used of them as their own methods.
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes what the writer takes, and returns how many bytes that are.
    ///
    /// asyncio: `loop.sock_send`; `StreamWriter.write` and `drain` are [`write_all`](Self::write_all).
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has written nothing.
    ///
    /// # Errors
    /// What the writer gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncWriteExt;
    ///
    /// bowerbird::run(async {
    ///     let mut sink = Vec::new();
    ///     assert_eq!(AsyncWriteExt::write(&mut sink, b"hello").await?, 5);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Write<'a, Self>
    where
        Self: Unpin,
    {
        Write::new(self, bytes)
    }

    /// Writes what the writer takes of several buffers, one after the other.
    ///
    /// asyncio: `sock.sendmsg`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has written nothing.
    ///
    /// # Errors
    /// What the writer gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncWriteExt;
    /// use std::io::IoSlice;
    ///
    /// bowerbird::run(async {
    ///     let mut sink = Vec::new();
    ///     let buffers = [IoSlice::new(b"hello, "), IoSlice::new(b"world")];
    ///     assert_eq!(AsyncWriteExt::write_vectored(&mut sink, &buffers).await?, 12);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn write_vectored<'a, 'b>(
        &'a mut self,
        buffers: &'a [IoSlice<'b>],
    ) -> WriteVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteVectored::new(self, buffers)
    }

    /// Writes all of it.
    ///
    /// asyncio: `StreamWriter.write(data)` and `await drain()`, with nothing left in a buffer of ours; a
    /// `BufWriter` has one, see [`flush`](Self::flush).
    ///
    /// # Cancel safety
    /// Not safe: dropped half-way, how much was written is lost. [`write_all_buf`](Self::write_all_buf) keeps it.
    ///
    /// # Errors
    /// The writer takes nothing more (`WriteZero`), or what it gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncWriteExt;
    ///
    /// bowerbird::run(async {
    ///     let mut sink = Vec::new();
    ///     AsyncWriteExt::write_all(&mut sink, b"hello").await?;
    ///     assert_eq!(sink, b"hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> WriteAll<'a, Self>
    where
        Self: Unpin,
    {
        WriteAll::new(self, bytes)
    }

    /// Writes all of it, and leaves in `bytes` what is not written.
    ///
    /// asyncio: `StreamWriter.write(data)` and `await drain()`, which may be cancelled too.
    ///
    /// # Cancel safety
    /// Nothing is lost: `bytes` is what is left to be written, and another call goes on.
    ///
    /// # Errors
    /// As for [`write_all`](Self::write_all); `bytes` is what is left then too.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncWriteExt;
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let (mut here, _there) = bowerbird::io::duplex(2);
    ///     let mut rest: &[u8] = b"hello";
    ///     let write = here.write_all_buf(&mut rest);
    ///     assert!(bowerbird::timeout(Duration::from_millis(1), write).await.is_err());
    ///     assert_eq!(rest, b"llo");
    /// });
    /// ```
    #[track_caller]
    fn write_all_buf<'a, U: Unwritten + ?Sized>(
        &'a mut self,
        bytes: &'a mut U,
    ) -> WriteAllBuf<'a, Self, U>
    where
        Self: Unpin,
    {
        WriteAllBuf::new(self, bytes)
    }

    /// Writes all of several buffers, one after the other, and leaves in them what is not written.
    ///
    /// asyncio: `StreamWriter.writelines(..)` and `await drain()`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what is written is taken off the buffers (those that are written are empty), and another
    /// call with the same ones goes on.
    ///
    /// # Errors
    /// As for [`write_all`](Self::write_all).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncWriteExt;
    /// use std::io::IoSlice;
    ///
    /// bowerbird::run(async {
    ///     let mut sink = Vec::new();
    ///     let mut buffers = [IoSlice::new(b"hello, "), IoSlice::new(b"world")];
    ///     sink.write_all_vectored(&mut buffers).await?;
    ///     assert_eq!(sink, b"hello, world");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn write_all_vectored<'a, 'b>(
        &'a mut self,
        buffers: &'a mut [IoSlice<'b>],
    ) -> WriteAllVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        WriteAllVectored::new(self, buffers)
    }

    /// Sends on what the writer keeps in a buffer.
    ///
    /// asyncio: `StreamWriter.drain()`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call goes on.
    ///
    /// # Errors
    /// What the writer gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncWriteExt, BufWriter};
    ///
    /// bowerbird::run(async {
    ///     let mut writer = BufWriter::new(Vec::new());
    ///     writer.write_all(b"hello").await?;
    ///     assert!(writer.get_ref().is_empty());
    ///     writer.flush().await?;
    ///     assert_eq!(writer.get_ref(), b"hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn flush(&mut self) -> Flush<'_, Self>
    where
        Self: Unpin,
    {
        Flush::new(self)
    }

    /// Sends on what the writer keeps in a buffer, and ends the writing direction.
    ///
    /// asyncio: `StreamWriter.write_eof()`, or `close()` and `await wait_closed()`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call goes on.
    ///
    /// # Errors
    /// What the writer gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// bowerbird::run(async {
    ///     let (mut here, mut there) = bowerbird::io::duplex(64);
    ///     here.close().await?;
    ///     assert_eq!(there.read(&mut [0; 8]).await?, 0);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn close(&mut self) -> Close<'_, Self>
    where
        Self: Unpin,
    {
        Close::new("AsyncWriteExt::close", self)
    }

    /// The same as [`close`](Self::close), by the name that the streams of the module `net` have for it.
    ///
    /// asyncio: `StreamWriter.write_eof()`.
    ///
    /// # Cancel safety
    /// Nothing is lost: another call goes on.
    ///
    /// # Errors
    /// What the writer gives.
    #[track_caller]
    fn shutdown(&mut self) -> Close<'_, Self>
    where
        Self: Unpin,
    {
        Close::new("AsyncWriteExt::shutdown", self)
    }

    write_numbers! {
        write_u8 to_be_bytes u8 1 "a";
        write_i8 to_be_bytes i8 1 "an";
        write_u16 to_be_bytes u16 2 "a big-endian";
        write_u16_le to_le_bytes u16 2 "a little-endian";
        write_i16 to_be_bytes i16 2 "a big-endian";
        write_i16_le to_le_bytes i16 2 "a little-endian";
        write_u32 to_be_bytes u32 4 "a big-endian";
        write_u32_le to_le_bytes u32 4 "a little-endian";
        write_i32 to_be_bytes i32 4 "a big-endian";
        write_i32_le to_le_bytes i32 4 "a little-endian";
        write_u64 to_be_bytes u64 8 "a big-endian";
        write_u64_le to_le_bytes u64 8 "a little-endian";
        write_i64 to_be_bytes i64 8 "a big-endian";
        write_i64_le to_le_bytes i64 8 "a little-endian";
        write_u128 to_be_bytes u128 16 "a big-endian";
        write_u128_le to_le_bytes u128 16 "a little-endian";
        write_i128 to_be_bytes i128 16 "a big-endian";
        write_i128_le to_le_bytes i128 16 "a little-endian";
        write_f32 to_be_bytes f32 4 "a big-endian";
        write_f32_le to_le_bytes f32 4 "a little-endian";
        write_f64 to_be_bytes f64 8 "a big-endian";
        write_f64_le to_le_bytes f64 8 "a little-endian";
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}
