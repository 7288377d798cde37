//! Pipes: anonymous ones, and FIFOs, which have a path. Unix.
//!
//! asyncio: what is under `connect_read_pipe` and `connect_write_pipe`.
//!
//! Windows has named pipes instead: `windows::named_pipe`.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::OFlags;

use crate::byte_stream::methods::prelude::*;
use crate::byte_stream::methods::{reading_methods, writing_methods};
use crate::socket::{self, PipeReader, PipeWriter};

/// Makes a pipe: what is written to the sender is read from the receiver.
///
/// asyncio: `os.pipe()` with `connect_read_pipe` and `connect_write_pipe`.
///
/// # Errors
/// What the system says.
///
/// # Panics
/// Called outside a runtime.
///
/// # Examples
/// ```
/// use bowerbird::net::pipe;
///
/// bowerbird::run(async {
///     let (mut sender, mut receiver) = pipe::pipe()?;
///     sender.write_all(b"hello").await?;
///     drop(sender);
///     let mut all = Vec::new();
///     receiver.read_to_end(&mut all).await?;
///     assert_eq!(all, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let driver = expect_current("pipe::pipe");
    let (reader, writer) = socket::new_pipe()?;
    let location = Some(Location::caller());
    let sender = Sender(Core::register(driver.clone(), writer, location)?);
    Ok((sender, Receiver(Core::register(driver, reader, location)?)))
}

/// The writing end of a pipe. Dropping it ends the pipe: the receiver reads the end.
///
/// asyncio: the transport of `connect_write_pipe`.
pub struct Sender(Core<PipeWriter>);

/// The reading end of a pipe. After it is dropped, writes to the pipe fail (`BrokenPipe`).
///
/// asyncio: the transport of `connect_read_pipe`.
pub struct Receiver(Core<PipeReader>);

macro_rules! end_of_pipe {
    ($End:ident, $Os:ident, $name:literal, $writes:literal) => {
        impl $End {
            /// Takes an end of a pipe over: it becomes non-blocking.
            ///
            /// asyncio: `connect_read_pipe`, `connect_write_pipe`.
            ///
            /// # Errors
            /// `InvalidInput` if it is no pipe, or the other end of one; the system cannot poll it; or the
            /// runtime is shutting down.
            ///
            /// # Panics
            /// Called outside a runtime.
            #[track_caller]
            pub fn from_fd(fd: impl Into<OwnedFd>) -> io::Result<Self> {
                let driver = expect_current(concat!($name, "::from_fd"));
                let fd = fd.into();
                socket::adopt_pipe(&fd, $writes)?;
                Ok(Self(Core::register(driver, $Os(fd), Some(Location::caller()))?))
            }

            /// Gives the descriptor back, still non-blocking.
            ///
            /// asyncio: `transport.get_extra_info("pipe")`, with the ownership.
            pub fn into_nonblocking_fd(self) -> OwnedFd {
                self.0.into_os().0
            }

            /// Gives the descriptor back, blocking, as for a child process.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// What the system says.
            pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
                let fd = self.into_nonblocking_fd();
                socket::set_nonblocking(&fd, false)?;
                Ok(fd)
            }

            #[inline]
            pub(crate) fn core(&self) -> &Core<$Os> {
                &self.0
            }
        }

        impl fmt::Debug for $End {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple($name).field(self.0.os()).finish()
            }
        }
    };
}

end_of_pipe!(Sender, PipeWriter, "pipe::Sender", true);
end_of_pipe!(Receiver, PipeReader, "pipe::Receiver", false);

impl Sender {
    /// Polls for the end of the reader, for a transport.
    #[doc(hidden)]
    pub fn poll_reader_gone(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.source().poll_error(cx)
    }
}

writing_methods!(
    Sender,
    PipeWriter,
    "pipe::Sender",
    r#"# use bowerbird::net::pipe;
# bowerbird::run(async {
#     let (mut client, mut server) = pipe::pipe()?;"#
);

reading_methods!(
    Receiver,
    PipeReader,
    "pipe::Receiver",
    r#"# use bowerbird::net::pipe;
# bowerbird::run(async {
#     let (mut server, mut client) = pipe::pipe()?;"#
);

/// How a FIFO is opened: a pipe that has a path.
///
/// asyncio: `open(path)` for `connect_read_pipe` and `connect_write_pipe`.
///
/// # Examples
/// ```
/// use bowerbird::net::pipe;
/// # let directory = std::env::temp_dir().join(format!("bowerbird-doc-fifo-{}", std::process::id()));
/// # std::fs::create_dir_all(&directory).unwrap();
/// # let path = directory.join("fifo");
/// # assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
///
/// bowerbird::run(async {
///     let mut receiver = pipe::OpenOptions::new().open_receiver(&path)?;
///     let mut sender = pipe::OpenOptions::new().open_sender(&path)?;
///     sender.write_all(b"hello").await?;
///     let mut buffer = [0; 5];
///     receiver.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello");
///     std::io::Result::Ok(())
/// }).unwrap();
/// # std::fs::remove_dir_all(directory).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// The usual way.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens it for both, on Linux: then a sender needs no receiver, and a receiver never reads the end.
    #[must_use]
    pub fn read_write(mut self, on: bool) -> Self {
        self.read_write = on;
        self
    }

    /// Does not look whether the file is a FIFO.
    #[must_use]
    pub fn unchecked(mut self, on: bool) -> Self {
        self.unchecked = on;
        self
    }

    /// Opens the reading end. It does not wait for a sender; until there is one, it reads the end.
    ///
    /// # Errors
    /// `InvalidInput` if the file is no FIFO; else what the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn open_receiver(&self, path: impl AsRef<Path>) -> io::Result<Receiver> {
        let driver = expect_current("OpenOptions::open_receiver");
        let access = if self.read_write { OFlags::RDWR } else { OFlags::RDONLY };
        let fd = socket::open_fifo(path.as_ref(), access, !self.unchecked)?;
        Ok(Receiver(Core::register(driver, PipeReader(fd), Some(Location::caller()))?))
    }

    /// Opens the writing end.
    ///
    /// # Errors
    /// `InvalidInput` if the file is no FIFO; the system's `ENXIO` if nobody has opened the reading end; else
    /// what it says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn open_sender(&self, path: impl AsRef<Path>) -> io::Result<Sender> {
        let driver = expect_current("OpenOptions::open_sender");
        let access = if self.read_write { OFlags::RDWR } else { OFlags::WRONLY };
        let fd = socket::open_fifo(path.as_ref(), access, !self.unchecked)?;
        Ok(Sender(Core::register(driver, PipeWriter(fd), Some(Location::caller()))?))
    }
}
