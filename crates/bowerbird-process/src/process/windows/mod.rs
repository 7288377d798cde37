//! Processes on Windows. This was run under wine, and never on Windows itself.
//!
//! There are no zombies: a process whose handles are closed is forgotten by the system, so nobody is reaped.

mod exit;
mod extras;
mod pipe;
#[allow(
    unsafe_code,
    reason = "waits of the system's thread pool, and a pipe, which std has not at our version"
)]
mod system;

use std::ffi::OsStr;
use std::io;
use std::os::windows::io::{AsHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::ExitStatus;

use super::Command;

pub(super) use exit::{Exit, Wait};
pub(super) use extras::Extras;
pub(super) use pipe::Pipe;
pub(super) use system::pipe;

/// A line for the shell.
pub(super) fn shell(line: &OsStr) -> Command {
    let mut command = Command::new("cmd.exe");
    // Quoted as `cmd` itself unquotes it: the outer pair goes.
    command.arg("/C").as_std_mut().raw_arg("\"").raw_arg(line).raw_arg("\"");
    command
}

/// The exit code. There are no signals.
pub(super) fn returncode(status: ExitStatus) -> Option<i32> {
    status.code()
}

/// Where the standard output of this process goes.
pub(super) fn own_stdout() -> io::Result<OwnedHandle> {
    io::stdout().as_handle().try_clone_to_owned()
}

/// Nobody is left: see the module.
pub(super) fn reap_left() {}
