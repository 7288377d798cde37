//! Copies that do not come through this process: `sendfile` and `splice`, where the system has them and takes
//! these descriptors.

use std::fs::File;
use std::io;

use bowerbird_io::Descriptor;

/// How many bytes one call moves, at most: a file that is not in memory is read by the worker.
#[cfg(target_os = "linux")]
const CHUNK: usize = 256 * 1024;

/// Sends from a file at `offset`, at most `count` bytes, and gives their number.
#[cfg(target_os = "linux")]
pub(crate) fn sendfile(
    to: &impl Descriptor,
    file: &File,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(to.as_fd(), file, Some(&mut offset), count.min(CHUNK))?)
}

/// Says that there is no such call here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn sendfile(
    _to: &impl Descriptor,
    _file: &File,
    _offset: u64,
    _count: usize,
) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns whether an error means that the system does not do this with these descriptors.
pub fn is_refused(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// Reads a file at an offset.
///
/// # Errors
/// What the system says.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        #[cfg(unix)]
        let result = std::os::unix::fs::FileExt::read_at(file, buffer, offset);
        #[cfg(windows)]
        let result = std::os::windows::fs::FileExt::seek_read(file, buffer, offset);
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// A pipe that bytes go through on their way from one socket to another, without leaving the system.
#[cfg(target_os = "linux")]
#[derive(Debug)]
pub(crate) struct Channel {
    reader: std::os::fd::OwnedFd,
    writer: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Channel {
    pub(crate) fn new() -> io::Result<Self> {
        use rustix::pipe::{PipeFlags, pipe_with};
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        Ok(Self { reader, writer })
    }

    /// Moves what a socket has into the pipe, which is empty; 0 at the end of the stream.
    pub(crate) fn fill(&self, from: &impl Descriptor) -> io::Result<usize> {
        let from = from.as_fd();
        let flags = rustix::pipe::SpliceFlags::NONBLOCK | rustix::pipe::SpliceFlags::MOVE;
        Ok(rustix::pipe::splice(from, None, &self.writer, None, CHUNK, flags)?)
    }

    /// Moves what is in the pipe to a socket.
    pub(crate) fn drain(&self, to: &impl Descriptor, count: usize) -> io::Result<usize> {
        let flags = rustix::pipe::SpliceFlags::NONBLOCK | rustix::pipe::SpliceFlags::MOVE;
        Ok(rustix::pipe::splice(&self.reader, None, to.as_fd(), None, count, flags)?)
    }
}

/// There are none here.
#[cfg(not(target_os = "linux"))]
#[derive(Debug)]
pub(crate) enum Channel {}

#[cfg(not(target_os = "linux"))]
impl Channel {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn fill(&self, _from: &impl Descriptor) -> io::Result<usize> {
        match *self {}
    }

    pub(crate) fn drain(&self, _to: &impl Descriptor, _count: usize) -> io::Result<usize> {
        match *self {}
    }
}
