//! The methods of the types that are datagram sockets. `$pair` is the hidden beginning of the examples: it makes
//! `one` and `other`, which are connected to each other.

/// What the macro names.
pub(crate) mod prelude {
    pub(crate) use std::io;
    pub(crate) use std::marker::PhantomData;
    pub(crate) use std::task::{Context, Poll};

    pub(crate) use bowerbird_io::{AsyncFd, Interest, IoWith, Ready, ReadyFor, expect_current};

    pub(crate) use crate::byte_stream::futures::{Readable, Writable};
    pub(crate) use crate::datagram::{
        Message, PeekDatagram, PeekFrom, Recv, RecvFrom, RecvMessage, Send, Transfer, operation,
        receive_message,
    };
    pub(crate) use crate::socket::OsDatagram;
}

macro_rules! datagram_methods {
    ($Type:ident, $Os:ty, $Address:ty, $name:literal, $pair:literal) => {
        impl $Type {
            // ----- receiving -----------------------------------------------------------------------------

            /// Receives a datagram. What does not fit into the buffer is lost;
            /// [`recv_message`](Self::recv_message) tells of that.
            ///
            /// asyncio: `loop.sock_recv(sock, n)`. Any number of tasks may receive at the same time; each
            /// datagram goes to one of them.
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has received nothing.
            ///
            /// # Errors
            /// What the system says, among it that an earlier datagram could not be delivered
            /// (`ConnectionRefused`); or the runtime has shut down.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// one.send(b"hello").await?;
            /// let mut buffer = [0; 16];
            /// let count = other.recv(&mut buffer).await?;
            /// assert_eq!(&buffer[..count], b"hello");
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn recv<'a>(&'a self, buffer: &'a mut [u8]) -> Recv<'a, $Os> {
                let once = operation::RecvOnce { buffer, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.recv, &self.source, once)
            }

            /// Receives a datagram, and tells who sent it. What does not fit into the buffer is lost;
            /// [`recv_message`](Self::recv_message) tells of that.
            ///
            /// asyncio: `loop.sock_recvfrom(sock, n)`, `sock_recvfrom_into`.
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has received nothing.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// one.send(b"hello").await?;
            /// let mut buffer = [0; 16];
            /// let (count, from) = other.recv_from(&mut buffer).await?;
            /// assert_eq!(&buffer[..count], b"hello");
            /// # let _ = from;
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn recv_from<'a>(&'a self, buffer: &'a mut [u8]) -> RecvFrom<'a, $Os> {
                let once = operation::RecvFromOnce { buffer, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.recv_from, &self.source, once)
            }

            /// Receives a datagram, and tells who sent it and whether it was longer than the buffer.
            ///
            /// asyncio: no counterpart (`sock.recvmsg` and its `MSG_TRUNC`).
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has received nothing.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// one.send(b"hello").await?;
            /// let mut buffer = [0; 4];
            /// let message = other.recv_message(&mut buffer).await?;
            /// assert_eq!(&buffer[..message.len], b"hell");
            /// assert!(message.is_truncated);
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn recv_message<'a>(&'a self, buffer: &'a mut [u8]) -> RecvMessage<'a, $Os> {
                let once = operation::RecvMessageOnce { buffer, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.recv_message, &self.source, once)
            }

            /// Receives a datagram and leaves it there for the next receive.
            ///
            /// asyncio: no counterpart (`sock.recv(n, MSG_PEEK)`).
            ///
            /// # Cancel safety
            /// Nothing is lost: nothing is taken.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// one.send(b"hello").await?;
            /// let (mut first, mut again) = ([0; 1], [0; 16]);
            /// assert_eq!(other.peek(&mut first).await?, 1);
            /// assert_eq!(other.recv(&mut again).await?, 5);
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn peek<'a>(&'a self, buffer: &'a mut [u8]) -> PeekDatagram<'a, $Os> {
                let once = operation::PeekOnce { buffer, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.peek, &self.source, once)
            }

            /// As [`peek`](Self::peek), and tells who sent it.
            ///
            /// asyncio: no counterpart (`sock.recvfrom(n, MSG_PEEK)`).
            ///
            /// # Cancel safety
            /// Nothing is lost: nothing is taken.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            #[track_caller]
            pub fn peek_from<'a>(&'a self, buffer: &'a mut [u8]) -> PeekFrom<'a, $Os> {
                let once = operation::PeekFromOnce { buffer, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.peek_from, &self.source, once)
            }

            /// Tries to receive; `WouldBlock` if nothing is there.
            ///
            /// asyncio: `sock.recv_into` in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`recv`](Self::recv).
            pub fn try_recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.source.try_io(Interest::READABLE, |os| OsDatagram::recv(os, buffer))
            }

            /// Tries to receive, and tells who sent it; `WouldBlock` if nothing is there.
            ///
            /// asyncio: `sock.recvfrom_into` in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`recv`](Self::recv).
            pub fn try_recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, $Address)> {
                self.source.try_io(Interest::READABLE, |os| OsDatagram::recv_from(os, buffer))
            }

            /// Tries to receive, and tells who sent it and whether it was longer than the buffer.
            ///
            /// asyncio: `sock.recvmsg_into` in an `add_reader` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`recv_message`](Self::recv_message).
            pub fn try_recv_message(&self, buffer: &mut [u8]) -> io::Result<Message<$Address>> {
                self.source.try_io(Interest::READABLE, |os| receive_message(os, buffer))
            }

            /// Tries to receive a datagram and to leave it there; `WouldBlock` if nothing is there.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`recv`](Self::recv).
            pub fn try_peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.source.try_io(Interest::READABLE, |os| OsDatagram::peek(os, buffer))
            }

            /// As [`try_peek`](Self::try_peek), and tells who sent it.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`recv`](Self::recv).
            pub fn try_peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, $Address)> {
                self.source.try_io(Interest::READABLE, |os| OsDatagram::peek_from(os, buffer))
            }

            // ----- sending -------------------------------------------------------------------------------

            /// Sends a datagram to whom the socket is connected to.
            ///
            /// asyncio: `loop.sock_sendall`; `DatagramTransport.sendto(data)`.
            ///
            /// # Cancel safety
            /// Nothing is lost: dropped while it waits, it has sent nothing.
            ///
            /// # Errors
            /// What the system says: it is too long, the socket is not connected, or nobody was there for an
            /// earlier one (`ConnectionRefused`); or the runtime has shut down.
            ///
            /// # Examples
            /// ```
            #[doc = $pair]
            /// assert_eq!(one.send(b"hello").await?, 5);
            /// # let _ = other;
            /// # std::io::Result::Ok(())
            /// # }).unwrap();
            /// ```
            #[track_caller]
            pub fn send<'a>(&'a self, bytes: &'a [u8]) -> Send<'a, $Os> {
                let once = operation::SendOnce { bytes, marker: PhantomData };
                Transfer::new(<$Os>::CALLS.send, &self.source, once)
            }

            /// Tries to send; `WouldBlock` if the system takes nothing.
            ///
            /// asyncio: `sock.send` in an `add_writer` callback.
            ///
            /// # Errors
            /// `WouldBlock`, or as for [`send`](Self::send).
            pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
                self.source.try_io(Interest::WRITABLE, |os| OsDatagram::send(os, bytes))
            }

            // ----- waiting -------------------------------------------------------------------------------

            /// Waits until a receive may succeed. Any number of tasks may do so.
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
                Readable(self.source.ready_for(concat!($name, "::readable"), Interest::READABLE))
            }

            /// Waits until a send may succeed. Any number of tasks may do so.
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
                Writable(self.source.ready_for(concat!($name, "::writable"), Interest::WRITABLE))
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
                self.source.ready_for(concat!($name, "::ready"), interest)
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
                self.source.try_io(interest, operation)
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
                self.source.io_for(concat!($name, "::async_io"), interest, operation)
            }

            /// Tells what is known about the socket now, without waiting.
            ///
            /// asyncio: no counterpart.
            pub fn readiness(&self) -> Ready {
                self.source.readiness()
            }

            // ----- for those who poll --------------------------------------------------------------------

            /// Polls for readability; the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// The runtime has shut down.
            pub fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.source.poll_readable(cx)
            }

            /// Polls for writability; the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// The runtime has shut down.
            pub fn poll_send_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.source.poll_writable(cx)
            }

            /// The poll form of [`recv`](Self::recv); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            pub fn poll_recv(
                &self,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.source.poll_read_with(cx, |os| OsDatagram::recv(os, buffer))
            }

            /// The poll form of [`recv_from`](Self::recv_from); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            pub fn poll_recv_from(
                &self,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<(usize, $Address)>> {
                self.source.poll_read_with(cx, |os| OsDatagram::recv_from(os, buffer))
            }

            /// The poll form of [`peek`](Self::peek); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            pub fn poll_peek(
                &self,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<usize>> {
                self.source.poll_read_with(cx, |os| OsDatagram::peek(os, buffer))
            }

            /// The poll form of [`peek_from`](Self::peek_from); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`recv`](Self::recv).
            pub fn poll_peek_from(
                &self,
                cx: &mut Context<'_>,
                buffer: &mut [u8],
            ) -> Poll<io::Result<(usize, $Address)>> {
                self.source.poll_read_with(cx, |os| OsDatagram::peek_from(os, buffer))
            }

            /// The poll form of [`send`](Self::send); the last caller's task is woken.
            ///
            /// asyncio: no counterpart; it serves those who keep no future.
            ///
            /// # Errors
            /// As for [`send`](Self::send).
            pub fn poll_send(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
                self.source.poll_write_with(cx, |os| OsDatagram::send(os, bytes))
            }

            /// Takes the error that waits on the socket, if there is one (`SO_ERROR`).
            ///
            /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_ERROR)`.
            ///
            /// # Errors
            /// What the system says about the question itself.
            pub fn take_error(&self) -> io::Result<Option<io::Error>> {
                self.source.get_ref().take_error()
            }

            /// Takes a socket of std over: it becomes non-blocking.
            ///
            /// asyncio: `create_datagram_endpoint(.., sock=sock)`.
            ///
            /// # Errors
            /// The system cannot poll it, or the runtime is shutting down.
            ///
            /// # Panics
            /// Called outside a runtime.
            #[track_caller]
            pub fn from_std(socket: $Os) -> io::Result<Self> {
                let driver = expect_current(concat!($name, "::from_std"));
                socket.set_nonblocking(true)?;
                Self::register(driver, socket)
            }
        }
    };
}
pub(crate) use datagram_methods;
