//! Child processes.
//!
//! From a [`Command`] to the end of its [`Process`]:
//!
//! 1. `command`, `stdio`: what is started.
//! 2. `spawn`: std starts it; its streams become a [`StreamWriter`] and [`StreamReader`]s.
//! 3. `unix::exit`: **how its end is noticed.** On Linux by a pidfd, which is readable from then on; elsewhere, and on a
//!    kernel without one (before 5.3), by a bell that the handler of `SIGCHLD` rings. Either way it is a descriptor
//!    that the runtime's driver watches, and then `waitpid` is asked: no thread, no task.
//! 4. `unix::orphan`: who reaps a process that nobody holds any more.
//! 5. `communicate`: both ways at once.
//!
//! # Who may be sent a signal
//! The number of a process is its own until somebody has reaped it. So the process is reaped, and sent signals, under
//! one lock, and after it was reaped nobody is sent anything ([`ProcessLookupError`]). On Linux signals go through
//! the pidfd, which cannot mean another process even if somebody else has reaped this one.
//!
//! # Windows
//! The end is told by a wait of the system's thread pool on the handle of the process. Pipes are read and written on the
//! blocking pool. This was run under wine, and never on Windows itself.

mod command;
mod communicate;
mod error;
mod futures;
pub(crate) mod spawn;
mod stdio;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fmt;
use std::io;
use std::process::ExitStatus;
use std::task::{Context, Poll};

use bowerbird_io::Leaf;
use bowerbird_net::streams::{StreamReader, StreamWriter};

use communicate::Said;
use platform::Exit;
#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

pub use command::{Command, create_subprocess_exec, create_subprocess_shell};
pub use error::ProcessLookupError;
pub use futures::{Communicate, Output, Spawning, Status, Wait};
pub use stdio::{DEVNULL, PIPE, STDOUT, Stdio};

/// A child process.
///
/// asyncio: `asyncio.subprocess.Process`. Tokio: `Child`. Its methods take `&self` but for
/// [`communicate`](Self::communicate), so one task may wait for it while another one ends it.
///
/// # Dropped before its end
/// It runs on, or is killed if [`kill_on_drop`](Command::kill_on_drop) was set. Either way it is reaped when it ends,
/// without a task and without a thread, as long as the runtime that it was started in lives; a child that outlives
/// that is reaped when the next one is started, in any runtime of this process. The end of a runtime neither waits
/// for children nor kills them.
pub struct Process {
    /// Its standard input, if that is a pipe. Dropped, or closed, the child reads the end.
    pub stdin: Option<StreamWriter>,
    /// Its standard output, if that is a pipe.
    pub stdout: Option<StreamReader>,
    /// Its standard error, if that is a pipe of its own.
    pub stderr: Option<StreamReader>,
    pid: u32,
    said: Said,
    /// Taken when it is dropped.
    exit: Option<Exit>,
}

impl Process {
    fn new(exit: Exit) -> Self {
        Self {
            stdin: None,
            stdout: None,
            stderr: None,
            pid: exit.pid(),
            said: Said::default(),
            exit: Some(exit),
        }
    }

    fn exit(&self) -> &Exit {
        match &self.exit {
            Some(exit) => exit,
            None => unreachable!("taken by the destructor only"),
        }
    }

    /// Returns the number of the process, also after its end.
    ///
    /// asyncio: `Process.pid`.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Returns the exit code, or the negative number of the signal that ended the process; `None` while it runs.
    ///
    /// asyncio: `Process.returncode`. This looks, so it need not be awaited before. If somebody else has reaped the
    /// process it is `None` for ever: [`try_wait`](Self::try_wait) says so.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::create_subprocess_exec;
    ///
    /// bowerbird::run(async {
    ///     let process = create_subprocess_exec("sleep", ["600"]).await?;
    ///     assert_eq!(process.returncode(), None);
    ///     process.kill()?;
    ///     process.wait().await?;
    ///     assert_eq!(process.returncode(), Some(-9));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn returncode(&self) -> Option<i32> {
        self.try_wait().ok().flatten().and_then(platform::returncode)
    }

    /// Returns how the process has ended; `None` while it runs.
    ///
    /// asyncio: `Process.returncode`, with what a signal was and whether it dumped core.
    ///
    /// # Errors
    /// Somebody else has reaped the process: `SIGCHLD` is ignored, or there is a `waitpid(-1)`.
    pub fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.exit().try_wait()
    }

    /// Waits for the end of the process.
    ///
    /// asyncio: `Process.wait`. Any number of tasks may wait at the same time, and after the end.
    ///
    /// A child that writes much into a pipe stops when the pipe is full, until somebody reads: waiting for its end
    /// first is a deadlock, as it is for one that reads its standard input to the end. Read the pipes, or use
    /// [`communicate`](Self::communicate), which does both.
    ///
    /// # Cancel safety
    /// Nothing is lost: the status is there for the next wait.
    ///
    /// # Errors
    /// As for [`try_wait`](Self::try_wait). The runtime has shut down.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::create_subprocess_exec;
    /// use std::time::Duration;
    ///
    /// bowerbird::run(async {
    ///     let process = create_subprocess_exec("sleep", ["600"]).await?;
    ///     let limit = Duration::from_millis(10);
    ///     if bowerbird::timeout(limit, process.wait()).await.is_err() {
    ///         process.terminate()?;
    ///     }
    ///     assert!(!process.wait().await?.success());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn wait(&self) -> Wait<'_> {
        Wait::new(self.exit().wait())
    }

    fn poll_wait(&self, cx: &mut Context<'_>, leaf: &mut Leaf) -> Poll<io::Result<ExitStatus>> {
        self.exit().poll_wait(cx, leaf)
    }

    /// Writes to the process, reads what it writes to its end, and waits for it: all at the same time.
    ///
    /// asyncio: `Process.communicate(input)`. `input` is written to a standard input that is a pipe, which is then
    /// closed; a child that does not read all of it is no error. Gives standard output and standard error; what is no
    /// pipe is empty. All of it is kept in memory.
    ///
    /// # Cancel safety
    /// Nothing is lost: called again, with the same input, it goes on where it was. So it may have a limit, after which
    /// the process is killed and what it had written is read.
    ///
    /// # Errors
    /// There is input, and standard input is no pipe: nothing was begun. As for [`wait`](Self::wait).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::{PIPE, create_subprocess_exec};
    ///
    /// bowerbird::run(async {
    ///     let mut process = create_subprocess_exec("tr", ["a-z", "A-Z"]).stdin(PIPE).stdout(PIPE).await?;
    ///     let (stdout, stderr) = process.communicate(b"hello").await?;
    ///     assert_eq!((&stdout[..], &stderr[..]), (&b"HELLO"[..], &b""[..]));
    ///     assert_eq!(process.returncode(), Some(0));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn communicate<'a>(&'a mut self, input: &'a [u8]) -> Communicate<'a> {
        Communicate::new(self, input)
    }

    /// Asks the process to end: `SIGTERM`, on Windows `TerminateProcess`.
    ///
    /// asyncio: `Process.terminate`.
    ///
    /// # Errors
    /// It has ended: a [`ProcessLookupError`]. It may not be sent signals (`PermissionDenied`).
    pub fn terminate(&self) -> io::Result<()> {
        self.exit().terminate()
    }

    /// Ends the process: `SIGKILL`, on Windows `TerminateProcess`. It is over when [`wait`](Self::wait) says so.
    ///
    /// asyncio: `Process.kill`.
    ///
    /// # Errors
    /// As for [`terminate`](Self::terminate).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::{ProcessLookupError, create_subprocess_exec};
    ///
    /// bowerbird::run(async {
    ///     let process = create_subprocess_exec("sleep", ["600"]).await?;
    ///     process.kill()?;
    ///     process.wait().await?;
    ///     let error = process.kill().unwrap_err();
    ///     assert!(error.get_ref().is_some_and(|inner| inner.is::<ProcessLookupError>()));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn kill(&self) -> io::Result<()> {
        self.exit().kill()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Pipes first: a child that waits for them ends.
        (self.stdin, self.stdout, self.stderr) = (None, None, None);
        if let Some(exit) = self.exit.take() {
            exit.abandon();
        }
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("pid", &self.pid).finish_non_exhaustive()
    }
}

const _: () = {
    const fn is_sendable<T: Send + Sync + Unpin + 'static>() {}
    is_sendable::<Process>();
    is_sendable::<Command>();
};
