//! The ends of a pipe.

use std::io::{self, IoSlice, IoSliceMut};
#[cfg(any(feature = "tokio-io", feature = "hyper"))]
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use bowerbird_io::Interest;
use rustix::fs::{FileType, Mode, OFlags};

use super::{Calls, OsRead, OsSource, OsWrite, Received, calls};

/// The reading end.
#[derive(Debug)]
pub struct PipeReader(pub(crate) OwnedFd);

/// The writing end.
#[derive(Debug)]
pub struct PipeWriter(pub(crate) OwnedFd);

macro_rules! end_of_pipe {
    ($End:ident, $name:literal, $interest:ident) => {
        impl AsFd for $End {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.0.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $End {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.0.as_raw_fd()
            }
        }

        impl OsSource for $End {
            const CALLS: Calls = calls!($name);
            const INTEREST: Interest = Interest::$interest;
            // To drop an end is to close it.
            const REPORTS_UNCLOSED: bool = false;
        }
    };
}

end_of_pipe!(PipeReader, "pipe::Receiver", READABLE);
end_of_pipe!(PipeWriter, "pipe::Sender", WRITABLE);

// A read may stop at the border of a packet (`O_DIRECT`), with more behind it.
impl OsRead for PipeReader {
    #[inline]
    fn recv(&self, buffer: &mut [u8]) -> io::Result<Received> {
        Ok(Received::some(rustix::io::read(self, buffer)?))
    }

    fn recv_vectored(&self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<Received> {
        Ok(Received::some(rustix::io::readv(self, buffers)?))
    }

    #[cfg(any(feature = "tokio-io", feature = "hyper"))]
    fn recv_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<Received> {
        let (filled, _) = rustix::io::read(self, buffer)?;
        Ok(Received::some(filled.len()))
    }
}

// Rust ignores SIGPIPE.
impl OsWrite for PipeWriter {
    #[inline]
    fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self, bytes)?)
    }

    fn send_vectored(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self, bytes)?)
    }
}

/// Makes a pipe.
pub(crate) fn new_pipe() -> io::Result<(PipeReader, PipeWriter)> {
    #[cfg(not(target_vendor = "apple"))]
    let (reader, writer) = {
        use rustix::pipe::{PipeFlags, pipe_with};
        pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?
    };
    #[cfg(target_vendor = "apple")]
    let (reader, writer) = {
        let ends = rustix::pipe::pipe()?;
        for end in [&ends.0, &ends.1] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
            set_nonblocking(end, true)?;
        }
        ends
    };
    Ok((PipeReader(reader), PipeWriter(writer)))
}

/// Opens a FIFO without waiting for the other end.
pub(crate) fn open_fifo(path: &Path, access: OFlags, check: bool) -> io::Result<OwnedFd> {
    let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty())?;
    if check && !is_pipe(&fd)? {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is no FIFO", path.display()),
        ));
    }
    Ok(fd)
}

/// Takes a descriptor over that is to be an end of a pipe.
pub(crate) fn adopt_pipe(fd: &OwnedFd, writes: bool) -> io::Result<()> {
    let error = |text: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    if !is_pipe(fd)? {
        return error("the descriptor is no pipe");
    }
    let access = rustix::fs::fcntl_getfl(fd)? & OFlags::ACCMODE;
    match (writes, access) {
        (true, OFlags::RDONLY) => error("this end of the pipe cannot be written to"),
        (false, OFlags::WRONLY) => error("this end of the pipe cannot be read from"),
        _ => set_nonblocking(fd, true),
    }
}

fn is_pipe(fd: &OwnedFd) -> io::Result<bool> {
    let status = rustix::fs::fstat(fd)?;
    Ok(FileType::from_raw_mode(status.st_mode) == FileType::Fifo)
}

pub(crate) fn set_nonblocking(fd: &OwnedFd, on: bool) -> io::Result<()> {
    let mut flags = rustix::fs::fcntl_getfl(fd)?;
    flags.set(OFlags::NONBLOCK, on);
    Ok(rustix::fs::fcntl_setfl(fd, flags)?)
}
