//! The methods of the types that are streams, one macro for each kind, so that every type has documentation
//! of its own. `$pair` is the hidden beginning of the examples: it makes `client` and `server`.
//!
//! Where they are used, the names in [`prelude`] have to be in scope.

/// What the macros name.
pub(crate) mod prelude {
    pub(crate) use std::io::{self, IoSlice, IoSliceMut};
    pub(crate) use std::net::Shutdown;
    pub(crate) use std::panic::Location;
    pub(crate) use std::task::{Context, Poll};

    pub(crate) use bowerbird_io::{Interest, IoWith, Leaf, ReadyFor, expect_current};

    pub(crate) use crate::byte_stream::futures::{
        Flush, Peek, Read, ReadExact, ReadToEnd, Readable, ShutdownWrite, Writable, Write, WriteAll,
    };
    pub(crate) use crate::byte_stream::halves::{
        self, OwnedReadHalf, OwnedWriteHalf, ReadHalf, WriteHalf,
    };
    pub(crate) use crate::byte_stream::sendfile::SendFile;
    pub(crate) use crate::byte_stream::{Core, Endpoint};
}

/// Reading.
macro_rules! reading_methods {
    ($Type:ident, $Os:ty, $name:literal, $pair:literal) => {
        impl $Type {
            /// Reads what is there, at least one byte; 0 means the end of the stream.
            ///
            /// asyncio: `StreamReader.read(n)`.
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has read nothing.
            ///
            /// # Errors
            /// What the system says; or the runtime has shut down.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// server.write_all(b"hello").await?;
            /// drop(server);
            ///
            /// let mut buffer = [0; 16];
            /// let mut seen = Vec::new();
            /// loop {
            ///     match client.read(&mut buffer).await? {
            ///         0 => break, // the end of the stream
            ///         count => seen.extend_from_slice(&buffer[..count]),
            ///     }
            /// }
            /// assert_eq!(seen, b"hello");
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn read<'a>(&'a mut self, buffer: &'a mut [u8]) -> Read<'a, $Os> {
                Read::new(self.core(), buffer)
            }

            /// Fills the buffer.
            ///
            /// asyncio: `StreamReader.readexactly(n)`; its `IncompleteReadError` is `UnexpectedEof`.
            ///
            /// # Cancel safety
            /// Not safe: dropped half-way, what it has read is in the buffer, and how much is lost.
            ///
            /// # Errors
            /// `UnexpectedEof` if the stream ends before; else as for [`read`](Self::read).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// server.write_all(b"\x05hello").await?;
            /// let mut length = [0];
            /// client.read_exact(&mut length).await?;
            /// let mut body = vec![0; length[0].into()];
            /// client.read_exact(&mut body).await?;
            /// assert_eq!(body, b"hello");
            ///
            /// drop(server);
            /// let error = client.read_exact(&mut length).await.unwrap_err();
            /// assert_eq!(error.kind(), std::io::ErrorKind::UnexpectedEof);
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn read_exact<'a>(&'a mut self, buffer: &'a mut [u8]) -> ReadExact<'a, $Os> {
                ReadExact::new(self.core(), buffer)
            }

            /// Reads to the end of the stream, appends to `buffer` and returns how many bytes there were.
            ///
            /// asyncio: `StreamReader.read(-1)`.
            ///
            /// # Cancel safety
            /// Not safe: dropped half-way, what it has read is in the buffer, but the stream is not at its end.
            ///
            /// # Errors
            /// As for [`read`](Self::read); what was read before is in the buffer.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// server.write_all(b"all of it").await?;
            /// drop(server);
            ///
            /// let mut all = Vec::new();
            /// assert_eq!(client.read_to_end(&mut all).await?, 9);
            /// assert_eq!(all, b"all of it");
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn read_to_end<'a>(&'a mut self, buffer: &'a mut Vec<u8>) -> ReadToEnd<'a, $Os> {
                ReadToEnd::new(self.core(), buffer)
            }

            /// Waits until a read may succeed. Any number of tasks may do so.
            ///
            /// asyncio: `loop.add_reader`.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// The runtime has shut down.
            #[track_caller]
            pub fn readable(&self) -> Readable<'_, $Os> {
                Readable(
                    self.core()
                        .source()
                        .ready_for(concat!($name, "::readable"), Interest::READABLE),
                )
            }

            /// Polls for readability; the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future. Read with
            /// [`try_read`](Self::try_read) then, and poll again after its `WouldBlock`.
            ///
            /// # Errors
            /// The runtime has shut down.
            pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.core().source().poll_readable(cx)
            }

            /// Tries to read; `WouldBlock` if nothing is there.
            ///
            /// asyncio: `sock.recv_into` in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or what the system says.
            pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.core().try_recv(buffer)
            }

            /// Tries to read into several buffers; `WouldBlock` if nothing is there.
            ///
            /// asyncio: `sock.recvmsg_into` in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or what the system says.
            pub fn try_read_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
                self.core().try_recv_vectored(buffers)
            }
        }
    };
}
pub(crate) use reading_methods;

/// Writing.
macro_rules! writing_methods {
    ($Type:ident, $Os:ty, $name:literal, $pair:literal) => {
        impl $Type {
            /// Writes what the system takes, at least one byte, and returns how many.
            ///
            /// asyncio: `loop.sock_send`; `StreamWriter.write` and `drain` are [`write_all`](Self::write_all).
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has written nothing.
            ///
            /// # Errors
            /// What the system says; or the runtime has shut down.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// let count = client.write(b"hello").await?;
            /// assert!((1..=5).contains(&count));
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn write<'a>(&'a mut self, bytes: &'a [u8]) -> Write<'a, $Os> {
                Write::new(self.core(), bytes)
            }

            /// Writes all of it.
            ///
            /// asyncio: `StreamWriter.write(data)` and `await drain()`, with nothing left in a buffer.
            ///
            /// # Cancel safety
            /// Not safe: dropped half-way, how much was written is lost.
            ///
            /// # Errors
            /// As for [`write`](Self::write).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// client.write_all(b"hello").await?;
            /// let mut buffer = [0; 5];
            /// server.read_exact(&mut buffer).await?;
            /// assert_eq!(&buffer, b"hello");
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> WriteAll<'a, $Os> {
                WriteAll::new(self.core(), bytes)
            }

            /// Does nothing: there is no buffer here.
            ///
            /// asyncio: `StreamWriter.drain()`, for code that is written for buffers.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// None.
            pub fn flush(&mut self) -> Flush {
                Flush::new()
            }

            /// Waits until a write may succeed. Any number of tasks may do so.
            ///
            /// asyncio: `loop.add_writer`.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// The runtime has shut down.
            #[track_caller]
            pub fn writable(&self) -> Writable<'_, $Os> {
                Writable(
                    self.core()
                        .source()
                        .ready_for(concat!($name, "::writable"), Interest::WRITABLE),
                )
            }

            /// Polls for writability; the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future. Write with
            /// [`try_write`](Self::try_write) then, and poll again after its `WouldBlock`.
            ///
            /// # Errors
            /// The runtime has shut down.
            pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.core().source().poll_writable(cx)
            }

            /// Tries to write; `WouldBlock` if the system takes nothing.
            ///
            /// asyncio: `sock.send` in an `add_writer` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or what the system says.
            pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                self.core().try_send(bytes)
            }

            /// Tries to write several buffers; `WouldBlock` if the system takes nothing.
            ///
            /// asyncio: `sock.sendmsg` in an `add_writer` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or what the system says.
            pub fn try_write_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
                self.core().try_send_vectored(bytes)
            }
        }
    };
}
pub(crate) use writing_methods;

/// What only sockets have: both directions, and ends.
macro_rules! socket_methods {
    ($Type:ident, $Os:ty, $name:literal, $pair:literal) => {
        impl $Type {
            /// Reads without taking the bytes from the stream. Any number of tasks may do so.
            ///
            /// asyncio: no counterpart (`sock.recv(n, MSG_PEEK)`).
            ///
            /// # Cancel safety
            /// Nothing is lost: nothing is taken.
            ///
            /// # Errors
            /// As for [`read`](Self::read).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// server.write_all(b"hello").await?;
            /// let (mut first, mut again) = ([0; 1], [0; 5]);
            /// assert_eq!(client.peek(&mut first).await?, 1);
            /// client.read_exact(&mut again).await?;
            /// assert_eq!((&first, &again), (b"h", b"hello"));
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn peek<'a>(&'a self, buffer: &'a mut [u8]) -> Peek<'a, $Os> {
                Peek::new(self.core(), buffer)
            }

            /// The poll form of [`peek`](Self::peek); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`read`](Self::read).
            pub fn poll_peek(
                &self,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                let source = self.core().source();
                source.poll_read_with(cx, |os| crate::socket::OsSocket::peek(os, buffer))
            }

            /// Sends a file from `offset`, at most `count` bytes of it, and returns how many there were.
            ///
            /// asyncio: `loop.sendfile`, `loop.sock_sendfile`; the file's own position is not used.
            ///
            /// On Linux the bytes go from the file to the socket without coming here (`sendfile`); elsewhere,
            /// or where the system refuses, through a buffer. In both cases a file that is not in memory is
            /// read by the worker: 256 KiB at a time.
            ///
            /// # Cancel safety
            /// Not safe: dropped half-way, how much was sent is lost.
            ///
            /// # Errors
            /// What the system says of the file or of the socket.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// let file = std::fs::File::open("Cargo.toml")?;
            /// let length = file.metadata()?.len();
            /// assert_eq!(client.sendfile(&file, 0, None).await?, length);
            /// client.shutdown().await?;
            /// let mut text = Vec::new();
            /// server.read_to_end(&mut text).await?;
            /// assert_eq!(text, std::fs::read("Cargo.toml")?);
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn sendfile<'a>(
                &'a mut self,
                file: &'a std::fs::File,
                offset: u64,
                count: Option<u64>,
            ) -> SendFile<'a, $Os> {
                SendFile::new(
                    Leaf::new(concat!($name, "::sendfile")),
                    self.core(),
                    file,
                    offset,
                    count,
                )
            }

            /// Tries to send a piece of a file from `offset`, at most `count` bytes of it; 0 at its end.
            ///
            /// asyncio: `os.sendfile` in an `add_writer` callback.
            ///
            /// # Errors
            /// `WouldBlock`; `Unsupported` or `InvalidInput` where the system does not send this file to a socket; or
            /// what the system says.
            pub fn try_sendfile(
                &self,
                file: &std::fs::File,
                offset: u64,
                count: usize,
            ) -> io::Result<usize> {
                self.core().try_sendfile(file, offset, count)
            }

            /// Waits until any part of `interest` may go on, and tells what is known then.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Cancel safety
            /// Nothing is lost.
            ///
            /// # Errors
            /// The runtime has shut down.
            #[track_caller]
            pub fn ready(&self, interest: Interest) -> ReadyFor<'_, $Os> {
                self.core().source().ready_for(concat!($name, "::ready"), interest)
            }

            /// Tries an operation of the caller's once, and notes its `WouldBlock`.
            ///
            /// asyncio: the non-blocking call in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock` without a call if the socket is known not to be ready; else what it gives.
            pub fn try_io<R>(
                &self,
                interest: Interest,
                operation: impl FnOnce(&$Os) -> io::Result<R>,
            ) -> io::Result<R> {
                self.core().source().try_io(interest, operation)
            }

            /// Calls an operation of the caller's, and again each time the socket has become ready, until it
            /// says something else than `WouldBlock`.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Cancel safety
            /// Nothing is lost: a result of `operation` completes the future in the same poll.
            ///
            /// # Errors
            /// What `operation` gives; or the runtime has shut down.
            #[track_caller]
            pub fn async_io<R, F>(&self, interest: Interest, operation: F) -> IoWith<'_, $Os, F>
            where
                F: FnMut(&$Os) -> io::Result<R>,
            {
                self.core().source().io_for(concat!($name, "::async_io"), interest, operation)
            }

            /// Ends the writing direction: the peer reads the end of the stream; reading goes on.
            ///
            /// asyncio: `StreamWriter.write_eof()`.
            ///
            /// # Cancel safety
            /// It never waits.
            ///
            /// # Errors
            /// What the system says.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// client.shutdown().await?;
            /// assert_eq!(server.read(&mut [0; 1]).await?, 0);
            ///
            /// server.write_all(b"still there").await?;
            /// assert!(client.read(&mut [0; 16]).await? > 0);
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn shutdown(&mut self) -> ShutdownWrite<'_, $Os> {
                ShutdownWrite::new(self.core())
            }

            /// Ends one direction or both, at once.
            ///
            /// asyncio: `sock.shutdown(how)`.
            ///
            /// # Errors
            /// What the system says.
            pub fn shutdown_how(&self, how: Shutdown) -> io::Result<()> {
                self.core().shutdown(how)
            }

            /// Borrows a reading and a writing half, for one task or two that do not outlive the stream.
            ///
            /// asyncio: the two values of `open_connection`.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// let (mut read, mut write) = client.split();
            /// let mut echo = [0; 5];
            /// let mut greeting = [0; 5];
            /// bowerbird::try_join((write.write_all(b"hello"), read.read_exact(&mut echo), async {
            ///     server.read_exact(&mut greeting).await?;
            ///     server.write_all(&greeting).await
            /// })).await?;
            /// assert_eq!(&echo, b"hello");
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            pub fn split(&mut self) -> (ReadHalf<'_, Self>, WriteHalf<'_, Self>) {
                (ReadHalf::new(self), WriteHalf::new(self))
            }

            /// Splits into a reading and a writing half, for two tasks. Dropping the writing half ends that
            /// direction, so that the peer reads the end of the stream.
            ///
            /// asyncio: the two values of `open_connection`.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// let (mut read, mut write) = client.into_split();
            /// let reader = bowerbird::spawn(async move {
            ///     let mut all = Vec::new();
            ///     read.read_to_end(&mut all).await.map(|_| all)
            /// });
            /// let writer = bowerbird::spawn(async move { write.write_all(b"question").await });
            /// server.write_all(b"answer").await?;
            /// writer.await.unwrap()?; // the half is dropped: the server reads the end of the stream
            /// let mut question = Vec::new();
            /// server.read_to_end(&mut question).await?;
            /// drop(server);
            /// assert_eq!((question, reader.await.unwrap()?), (b"question".to_vec(), b"answer".to_vec()));
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            pub fn into_split(self) -> (OwnedReadHalf<Self>, OwnedWriteHalf<Self>) {
                halves::into_split(self)
            }

            /// Takes the error that waits on the socket, if there is one (`SO_ERROR`).
            ///
            /// # Errors
            /// What the system says about the question itself.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.core().os().take_error()
            }

            /// Takes a connection of std over: it becomes non-blocking; its options are left as they are.
            ///
            /// asyncio: `open_connection(sock=sock)`.
            ///
            /// # Errors
            /// The system cannot poll it, or the runtime is shutting down.
            ///
            /// # Panics
            /// Called outside a runtime.
            #[track_caller]
            pub fn from_std(stream: $Os) -> io::Result<Self> {
                let driver = expect_current(concat!($name, "::from_std"));
                stream.set_nonblocking(true)?;
                Ok(Self(Core::register(driver, stream, Some(Location::caller()))?))
            }

            /// Gives the connection back to std, still non-blocking.
            ///
            /// asyncio: `transport.get_extra_info("socket")`, with the ownership.
            pub fn into_std(self) -> $Os {
                self.0.into_os()
            }
        }
    };
}
pub(crate) use socket_methods;
