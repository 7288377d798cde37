//! How the end of a child is noticed, and the child reaped.
//!
//! ```text
//!             1 waitpid gives the status
//!   RUNNING --------------------------------> ENDED (status)
//!      |
//!      '--- 2 waitpid: no such child -------> LOST
//! ```
//! One lock around each `waitpid` and each signal: nobody is sent a signal after the number of the process was given
//! back. Many may wait; whoever comes first asks the system, the others find the status.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::panic::Location;
use std::pin::Pin;
use std::process::{Child, ExitStatus};
use std::sync::Arc;
use std::task::{Context, Poll};

use bowerbird_base::poll_context;
use bowerbird_base::sync::Mutex;
use bowerbird_io::{AsyncFd, Interest, IoDriver, IoWith, Leaf};

use super::orphan;
use super::send::{self, Target};
use crate::bell::Bell;
use crate::process::ProcessLookupError;
use crate::signal::{Action, SignalKind};

/// The end of a child, to be waited for.
pub(crate) struct Exit(AsyncFd<Watched>);

/// A child, with the descriptor that tells of its end.
pub(crate) struct Watched {
    pid: u32,
    state: Mutex<State>,
    notice: Notice,
}

struct State {
    life: Life,
    /// Whether it is killed when nobody wants it any more; so also while it is being started.
    is_bound: bool,
}

enum Life {
    Running(Child),
    Ended(ExitStatus),
    /// Somebody else has reaped it.
    Lost,
}

/// What tells of the end.
enum Notice {
    /// Linux: readable once the process has ended.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    Pidfd(std::os::fd::OwnedFd),
    /// Rung at every `SIGCHLD`.
    Bell { bell: Bell, _action: Action },
}

impl Exit {
    /// Watches a child that was just started. Until [`keep`](Self::keep) it is killed if this is dropped.
    pub(crate) fn new(
        driver: &Arc<IoDriver>,
        child: Child,
        without_pidfd: bool,
    ) -> io::Result<Self> {
        let pid = child.id();
        let notice = match Notice::new(&child, without_pidfd) {
            Ok(notice) => notice,
            Err(error) => {
                orphan::leave(child, true);
                return Err(error);
            }
        };
        let state = Mutex::new(State { life: Life::Running(child), is_bound: true });
        let watched = Watched { pid, state, notice };
        AsyncFd::register(driver.clone(), watched, Interest::READABLE).map(Self)
    }

    /// The child is started: says whether it is killed when this is [abandoned](Self::abandon).
    pub(crate) fn keep(&self, is_bound: bool) {
        self.0.get_ref().state.lock().is_bound = is_bound;
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.get_ref().pid
    }

    pub(crate) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.0.get_ref().try_wait()
    }

    #[track_caller]
    pub(crate) fn wait(&self) -> Wait<'_> {
        let operation: fn(&Watched) -> io::Result<ExitStatus> = Watched::status;
        let pid = self.pid();
        Wait { inner: self.0.io_for("Process::wait", Interest::READABLE, operation), pid }
    }

    pub(crate) fn poll_wait(
        &self,
        cx: &mut Context<'_>,
        leaf: &mut Leaf,
    ) -> Poll<io::Result<ExitStatus>> {
        noted(self.pid(), leaf.location(), || {
            self.0.poll_with_leaf(cx, Interest::READABLE, leaf, Watched::status)
        })
    }

    pub(crate) fn terminate(&self) -> io::Result<()> {
        self.send(SignalKind::terminate(), Target::Process)
    }

    pub(crate) fn kill(&self) -> io::Result<()> {
        self.send(SignalKind::from_raw(libc::SIGKILL), Target::Process)
    }

    pub(crate) fn send(&self, kind: SignalKind, target: Target) -> io::Result<()> {
        self.0.get_ref().send(kind, target)
    }

    /// Nobody holds the process any more: it is killed, if that was wanted, and reaped when it has ended.
    pub(crate) fn abandon(self) {
        orphan::watch(self.0);
    }
}

/// The wait of one who may not be the only one.
pub(crate) struct Wait<'a> {
    inner: IoWith<'a, Watched, fn(&Watched) -> io::Result<ExitStatus>>,
    pid: u32,
}

impl Wait<'_> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let location = self.inner.location();
        noted(self.pid, location, || Pin::new(&mut self.inner).poll(cx))
    }
}

/// Polls, and notes that a process is waited for, in place of its descriptor.
fn noted<R>(
    pid: u32,
    location: Option<&'static Location<'static>>,
    poll: impl FnOnce() -> Poll<R>,
) -> Poll<R> {
    let is_tracked = poll_context::set_tracked(false);
    let polled = poll();
    poll_context::set_tracked(is_tracked);
    if polled.is_pending() {
        poll_context::note_wait("process", pid.into(), location);
    }
    polled
}

impl Notice {
    fn new(child: &Child, without_pidfd: bool) -> io::Result<Self> {
        if !without_pidfd {
            if let Some(notice) = Self::of_pidfd(child)? {
                return Ok(notice);
            }
        }
        let bell = Bell::new()?;
        let action = Action::register(SignalKind::child(), bell.ringer())?;
        // The child may have ended before: whoever waits looks once.
        bell.ringer().ring();
        Ok(Self::Bell { bell, _action: action })
    }

    /// `None` if the kernel has no pidfd, does not let us have one, or has reaped the child by itself. Asked each time:
    /// it is one system call, and what forbids it may differ between threads.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn of_pidfd(child: &Child) -> io::Result<Option<Self>> {
        use rustix::io::Errno;
        use rustix::process::{Pid, PidfdFlags, pidfd_open};

        match pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
            Ok(fd) => Ok(Some(Self::Pidfd(fd))),
            Err(error @ (Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => Err(error.into()),
            Err(_) => Ok(None),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn of_pidfd(_child: &Child) -> io::Result<Option<Self>> {
        Ok(None)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Pidfd(fd) => Some(fd.as_fd()),
            Self::Bell { .. } => None,
        }
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.notice {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Notice::Pidfd(fd) => fd.as_fd(),
            Notice::Bell { bell, .. } => bell.as_fd(),
        }
    }
}

impl Watched {
    /// As an operation of the descriptor: `WouldBlock` while the child runs.
    pub(super) fn status(&self) -> io::Result<ExitStatus> {
        match &self.notice {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Notice::Pidfd(_) => {}
            // Before the look: a ring that comes after it is heard of again.
            Notice::Bell { bell, .. } => {
                let _nobody_may_have_rung = bell.take();
            }
        }
        self.try_wait()?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Looks, and reaps the child if it has ended.
    pub(super) fn try_wait(&self) -> io::Result<Option<ExitStatus>> {
        self.state.lock().life.look(self.pid)
    }

    /// Sends a signal, if the child has not ended.
    fn send(&self, kind: SignalKind, target: Target) -> io::Result<()> {
        let mut state = self.state.lock();
        let is_running = match target {
            Target::Process => matches!(state.life.look(self.pid), Ok(None)),
            // A leader that has ended keeps the number of its group until it is reaped: so it is not, here.
            Target::Group => matches!(state.life, Life::Running(_)),
        };
        self.send_to(is_running, kind.as_raw(), target)
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn send_to(&self, is_running: bool, signal: i32, target: Target) -> io::Result<()> {
        match (self.notice.pidfd(), target) {
            (Some(pidfd), Target::Process) if is_running => {
                send::by_pidfd(pidfd, signal, Target::Process)
                    .map_err(|error| self.refused(error, target))
            }
            // The pidfd means the group also after the number was given back, where the kernel has that (6.9).
            (Some(pidfd), Target::Group) if !is_running => {
                send::by_pidfd(pidfd, signal, Target::Group).map_err(|_| self.gone())
            }
            _ => self.send_by_number(is_running, signal, target),
        }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn send_to(&self, is_running: bool, signal: i32, target: Target) -> io::Result<()> {
        self.send_by_number(is_running, signal, target)
    }

    /// The caller holds the lock, so the number is the child's if it runs.
    fn send_by_number(&self, is_running: bool, signal: i32, target: Target) -> io::Result<()> {
        if !is_running {
            return Err(self.gone());
        }
        send::by_number(self.pid, signal, target).map_err(|error| self.refused(error, target))
    }

    fn gone(&self) -> io::Error {
        ProcessLookupError { pid: self.pid }.into()
    }

    /// Says what the system's refusal means.
    fn refused(&self, error: io::Error, target: Target) -> io::Error {
        if error.raw_os_error() != Some(libc::ESRCH) {
            return error;
        }
        match target {
            // Reaped by somebody else.
            Target::Process => self.gone(),
            Target::Group => io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("process {} leads no group: start it with process_group(0)", self.pid),
            ),
        }
    }

    /// Kills the child, if that is wanted of one that nobody holds.
    pub(super) fn kill_if_bound(&self) {
        if self.state.lock().is_bound {
            // One that has ended meanwhile is what was wanted.
            let _ = self.send(SignalKind::from_raw(libc::SIGKILL), Target::Process);
        }
    }
}

impl Life {
    /// Asks the system, and reaps the child if it has ended.
    fn look(&mut self, pid: u32) -> io::Result<Option<ExitStatus>> {
        let child = match self {
            Self::Running(child) => child,
            Self::Ended(status) => return Ok(Some(*status)),
            Self::Lost => return Err(lost(pid)),
        };
        match child.try_wait() {
            Ok(Some(status)) => {
                *self = Self::Ended(status);
                Ok(Some(status))
            }
            Ok(None) => Ok(None),
            Err(error) if error.raw_os_error() == Some(libc::ECHILD) => {
                *self = Self::Lost;
                Err(lost(pid))
            }
            Err(error) => Err(error),
        }
    }
}

fn lost(pid: u32) -> io::Error {
    io::Error::other(format!(
        "how process {pid} has ended is not known: somebody else has reaped it (SIGCHLD is ignored, or there is a \
         waitpid(-1) in this program)"
    ))
}

/// Nobody wants it any more, and it has not ended: its start has failed half-way, or its runtime has ended.
impl Drop for Watched {
    fn drop(&mut self) {
        let State { life, is_bound } = self.state.get_mut();
        if let Life::Running(child) = std::mem::replace(life, Life::Lost) {
            orphan::leave(child, *is_bound);
        }
    }
}
