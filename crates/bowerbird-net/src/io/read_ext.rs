//! [`AsyncReadExt`].

use std::io::IoSliceMut;

use futures_io::AsyncRead;

use super::chain::Chain;
use super::read::{Read, ReadExact, ReadNumber, ReadToEnd, ReadToString, ReadVectored};
use super::take::Take;

/// Makes the methods that read a number.
macro_rules! read_numbers {
    ($($name:ident $convert:ident $type:ident $size:literal $order:literal;)*) => {$(
        #[doc = concat!("Reads ", $order, " `", stringify!($type), "`.")]
        ///
        /// asyncio: `struct.unpack` of `StreamReader.readexactly`.
        ///
        /// # Cancel safety
        #[doc = concat!("Dropped half-way, what was read of its ", stringify!($size), " byte(s) is lost.")]
        ///
        /// # Errors
        /// The stream ended before (`UnexpectedEof`), or what the reader gives.
        ///
        /// # Examples
        /// ```
        /// use bowerbird::io::AsyncReadExt;
        ///
        /// bowerbird::run(async {
        #[doc = concat!("    let mut bytes: &[u8] = &", stringify!($type), "::MAX.",
            read_numbers!(@to $convert), "();")]
        #[doc = concat!("    assert_eq!(bytes.", stringify!($name), "().await?, ", stringify!($type), "::MAX);")]
        ///     std::io::Result::Ok(())
        /// }).unwrap();
        /// ```
        #[track_caller]
        fn $name(&mut self) -> ReadNumber<'_, Self, $type, $size>
        where
            Self: Unpin,
        {
            ReadNumber::new(concat!("AsyncReadExt::", stringify!($name)), self, $type::$convert)
        }
    )*};
    (@to from_be_bytes) => { "to_be_bytes" };
    (@to from_le_bytes) => { "to_le_bytes" };
}

/// Methods of everything that can be read.
///
/// asyncio: the reading side of `StreamReader`, for any source of bytes.
///
/// Streams of the module `net` have the most used of them as their own methods.
pub trait AsyncReadExt: AsyncRead {
    /// Reads what is there, at least one byte, and returns how many; 0 at the end of the stream.
    ///
    /// asyncio: `StreamReader.read(n)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has read nothing.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut source: &[u8] = b"hello";
    ///     let mut buffer = [0; 3];
    ///     assert_eq!(AsyncReadExt::read(&mut source, &mut buffer).await?, 3);
    ///     assert_eq!(&buffer, b"hel");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read<'a>(&'a mut self, buffer: &'a mut [u8]) -> Read<'a, Self>
    where
        Self: Unpin,
    {
        Read::new(self, buffer)
    }

    /// Reads what is there into several buffers, one after the other.
    ///
    /// asyncio: `sock.recvmsg_into`.
    ///
    /// # Cancel safety
    /// Nothing is lost: dropped while it waits, it has read nothing.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    /// use std::io::IoSliceMut;
    ///
    /// bowerbird::run(async {
    ///     let mut source: &[u8] = b"hello";
    ///     let (mut head, mut tail) = ([0; 2], [0; 8]);
    ///     let mut buffers = [IoSliceMut::new(&mut head), IoSliceMut::new(&mut tail)];
    ///     assert_eq!(AsyncReadExt::read_vectored(&mut source, &mut buffers).await?, 5);
    ///     assert_eq!((&head, &tail[..3]), (b"he", &b"llo"[..]));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_vectored<'a, 'b>(
        &'a mut self,
        buffers: &'a mut [IoSliceMut<'b>],
    ) -> ReadVectored<'a, 'b, Self>
    where
        Self: Unpin,
    {
        ReadVectored::new(self, buffers)
    }

    /// Fills the buffer.
    ///
    /// asyncio: `StreamReader.readexactly(n)`.
    ///
    /// # Cancel safety
    /// Not safe: dropped half-way, how much was read is lost.
    ///
    /// # Errors
    /// The stream ended before (`UnexpectedEof`), or what the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut source: &[u8] = b"hello";
    ///     let mut buffer = [0; 4];
    ///     AsyncReadExt::read_exact(&mut source, &mut buffer).await?;
    ///     assert_eq!(&buffer, b"hell");
    ///     let error = AsyncReadExt::read_exact(&mut source, &mut buffer).await.unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_exact<'a>(&'a mut self, buffer: &'a mut [u8]) -> ReadExact<'a, Self>
    where
        Self: Unpin,
    {
        ReadExact::new(self, buffer)
    }

    /// Reads to the end of the stream, appends it to the vector, and returns how many bytes that were.
    ///
    /// asyncio: `StreamReader.read(-1)`.
    ///
    /// # Cancel safety
    /// Nothing is lost: what was read is at the end of the vector, and another call goes on.
    ///
    /// # Errors
    /// What the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let (mut source, mut all) = (&b"world"[..], b"hello, ".to_vec());
    ///     assert_eq!(AsyncReadExt::read_to_end(&mut source, &mut all).await?, 5);
    ///     assert_eq!(all, b"hello, world");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_to_end<'a>(&'a mut self, buffer: &'a mut Vec<u8>) -> ReadToEnd<'a, Self>
    where
        Self: Unpin,
    {
        ReadToEnd::new(self, buffer)
    }

    /// Reads text to the end of the stream, appends it to the string, and returns its length in bytes.
    ///
    /// asyncio: `(await StreamReader.read(-1)).decode()`.
    ///
    /// # Cancel safety
    /// Not safe: what was read before is lost.
    ///
    /// # Errors
    /// What was read is no UTF-8 (`InvalidData`; the string is as it was), or what the reader gives.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut text = String::new();
    ///     AsyncReadExt::read_to_string(&mut "gr\u{fc}n".as_bytes(), &mut text).await?;
    ///     assert_eq!(text, "gr\u{fc}n");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    fn read_to_string<'a>(&'a mut self, text: &'a mut String) -> ReadToString<'a, Self>
    where
        Self: Unpin,
    {
        ReadToString::new(self, text)
    }

    /// Makes a reader of the next `limit` bytes, which then ends.
    ///
    /// asyncio: no counterpart; `readexactly(n)` reads them at once.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut source: &[u8] = b"hello";
    ///     let mut text = String::new();
    ///     AsyncReadExt::take(&mut source, 4).read_to_string(&mut text).await?;
    ///     assert_eq!((text.as_str(), source), ("hell", &b"o"[..]));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        Take::new(self, limit)
    }

    /// Makes a reader of this one and, when it has ended, of `next`.
    ///
    /// asyncio: no counterpart; `itertools.chain` of what is read.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::io::AsyncReadExt;
    ///
    /// bowerbird::run(async {
    ///     let mut text = String::new();
    ///     AsyncReadExt::chain(&b"hel"[..], &b"lo"[..]).read_to_string(&mut text).await?;
    ///     assert_eq!(text, "hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    fn chain<R: AsyncRead>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
    {
        Chain::new(self, next)
    }

    read_numbers! {
        read_u8 from_be_bytes u8 1 "a";
        read_i8 from_be_bytes i8 1 "an";
        read_u16 from_be_bytes u16 2 "a big-endian";
        read_u16_le from_le_bytes u16 2 "a little-endian";
        read_i16 from_be_bytes i16 2 "a big-endian";
        read_i16_le from_le_bytes i16 2 "a little-endian";
        read_u32 from_be_bytes u32 4 "a big-endian";
        read_u32_le from_le_bytes u32 4 "a little-endian";
        read_i32 from_be_bytes i32 4 "a big-endian";
        read_i32_le from_le_bytes i32 4 "a little-endian";
        read_u64 from_be_bytes u64 8 "a big-endian";
        read_u64_le from_le_bytes u64 8 "a little-endian";
        read_i64 from_be_bytes i64 8 "a big-endian";
        read_i64_le from_le_bytes i64 8 "a little-endian";
        read_u128 from_be_bytes u128 16 "a big-endian";
        read_u128_le from_le_bytes u128 16 "a little-endian";
        read_i128 from_be_bytes i128 16 "a big-endian";
        read_i128_le from_le_bytes i128 16 "a little-endian";
        read_f32 from_be_bytes f32 4 "a big-endian";
        read_f32_le from_le_bytes f32 4 "a little-endian";
        read_f64 from_be_bytes f64 8 "a big-endian";
        read_f64_le from_le_bytes f64 8 "a little-endian";
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}
