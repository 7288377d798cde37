//! Processes on Unix.

mod exit;
mod extras;
mod orphan;
mod pipe;
#[allow(unsafe_code, reason = "signals by number, and to a group by a pidfd, which rustix has not")]
mod send;

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use super::Command;

pub(super) use exit::{Exit, Wait};
pub(super) use extras::Extras;
pub(super) use orphan::reap_left;
pub(super) use pipe::Pipe;

/// A line for the shell.
pub(super) fn shell(line: &OsStr) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

/// The exit code, or the negative number of a signal.
pub(super) fn returncode(status: ExitStatus) -> Option<i32> {
    status.code().or_else(|| status.signal().map(|signal| -signal))
}

/// Where the standard output of this process goes.
pub(super) fn own_stdout() -> io::Result<OwnedFd> {
    io::stdout().as_fd().try_clone_to_owned()
}

/// A pipe: the end to read and the end to write. No other child inherits them.
#[cfg(not(target_vendor = "apple"))]
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

/// A pipe: the end to read and the end to write. A child that another thread starts at this moment may inherit them.
#[cfg(target_vendor = "apple")]
pub(super) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((reader, writer))
}
