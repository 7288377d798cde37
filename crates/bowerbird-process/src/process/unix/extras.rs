//! What a start on Unix can be told besides.

use std::io;
use std::os::unix::process::CommandExt;
use std::process as os;
use std::sync::Arc;

use bowerbird_base::sync::Mutex;

use crate::process::{Command, Process};
use crate::signal::SignalKind;

use super::send::Target;

/// What std has no word for, or gets in another order.
#[derive(Default)]
pub(crate) struct Extras {
    wanted: Wanted,
    /// What the hook in the child does; made with the first such wish.
    hook: Option<Arc<Mutex<Wanted>>>,
    /// For tests: as on a kernel without pidfds.
    pub(crate) without_pidfd: bool,
}

#[derive(Debug, Clone, Default)]
struct Wanted {
    uid: Option<u32>,
    gid: Option<u32>,
    groups: Option<Vec<u32>>,
    new_session: bool,
}

impl Extras {
    /// Hands everything to std, right before a start.
    pub(crate) fn apply(&mut self, std: &mut os::Command) {
        let wanted = &self.wanted;
        if wanted.groups.is_none() {
            wanted.uid.map(|uid| std.uid(uid));
            wanted.gid.map(|gid| std.gid(gid));
        }
        if wanted.groups.is_none() && !wanted.new_session && self.hook.is_none() {
            return;
        }
        if let Some(hook) = &self.hook {
            *hook.lock() = wanted.clone();
            return;
        }
        let hook = Arc::new(Mutex::new(wanted.clone()));
        self.hook = Some(hook.clone());
        in_child::run_before_exec(std, move || hook.lock().apply());
    }
}

impl Wanted {
    /// Called in the child, which has one thread, before the program is loaded. The lock around it is free: its only
    /// other user has the command, which is starting the child.
    fn apply(&self) -> io::Result<()> {
        if self.new_session {
            rustix::process::setsid()?;
        }
        if let Some(groups) = &self.groups {
            in_child::set_groups(groups)?;
            // After the groups: afterwards there is no right to set them.
            self.gid.map_or(Ok(()), in_child::set_gid)?;
            self.uid.map_or(Ok(()), in_child::set_uid)?;
        }
        Ok(())
    }
}

/// What happens between `fork` and `exec`.
#[allow(unsafe_code, reason = "std's Command has no groups, and no session")]
mod in_child {
    use std::io;
    use std::os::unix::process::CommandExt;
    use std::process as os;

    pub(super) fn run_before_exec(
        command: &mut os::Command,
        hook: impl FnMut() -> io::Result<()> + Send + Sync + 'static,
    ) {
        // SAFETY: the hook is `Wanted::apply` under a lock that is free: system calls that POSIX allows here (setsid,
        // setgid, setuid) or that glibc and musl do in the only thread (setgroups); it allocates nothing, and an error
        // is a number.
        unsafe { command.pre_exec(hook) };
    }

    pub(super) fn set_groups(groups: &[u32]) -> io::Result<()> {
        // SAFETY: the pointer and the length are those of a slice; `gid_t` is `u32` on every system here.
        result(unsafe { libc::setgroups(groups.len() as _, groups.as_ptr()) })
    }

    pub(super) fn set_gid(gid: u32) -> io::Result<()> {
        // SAFETY: the call takes any number.
        result(unsafe { libc::setgid(gid) })
    }

    pub(super) fn set_uid(uid: u32) -> io::Result<()> {
        // SAFETY: the call takes any number.
        result(unsafe { libc::setuid(uid) })
    }

    fn result(code: libc::c_int) -> io::Result<()> {
        if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Unix.
impl Command {
    /// Sets the user that the child runs as, by number.
    ///
    /// asyncio: `user=`.
    pub fn uid(&mut self, id: u32) -> &mut Self {
        self.extras.wanted.uid = Some(id);
        self
    }

    /// Sets the group that the child runs as, by number.
    ///
    /// asyncio: `group=`.
    pub fn gid(&mut self, id: u32) -> &mut Self {
        self.extras.wanted.gid = Some(id);
        self
    }

    /// Sets the further groups of the child, by number. Without it a child with another [`uid`](Self::uid) has none, if
    /// this process may say so.
    ///
    /// asyncio: `extra_groups=`.
    pub fn groups(&mut self, ids: &[u32]) -> &mut Self {
        self.extras.wanted.groups = Some(ids.to_vec());
        self
    }

    /// Sets what the child is told as its own name, which is the program's otherwise.
    ///
    /// asyncio: `args[0]`, beside `executable=`.
    pub fn arg0(&mut self, arg: impl AsRef<std::ffi::OsStr>) -> &mut Self {
        self.as_std_mut().arg0(arg);
        self
    }

    /// Sets the process group of the child; 0 is a new one, which it leads, and which
    /// [`send_signal_to_group`](Process::send_signal_to_group) reaches. A terminal's Ctrl-C does not.
    ///
    /// asyncio: `process_group=`.
    pub fn process_group(&mut self, group: i32) -> &mut Self {
        self.as_std_mut().process_group(group);
        self
    }

    /// Starts the child in a session of its own, which it leads, as it leads a new group: without a terminal.
    ///
    /// asyncio: `start_new_session=`.
    pub fn start_new_session(&mut self, starts: bool) -> &mut Self {
        self.extras.wanted.new_session = starts;
        self
    }

    /// Calls a closure in the child before the program is loaded; an error of it is one of the start.
    ///
    /// asyncio: `preexec_fn=`.
    ///
    /// A setting of the thread that forks, as `PR_SET_PDEATHSIG`, is about the worker that is here at the moment.
    ///
    /// # Safety
    /// It is called after `fork` in a copy of a process with several threads, of which only this one goes on: a lock
    /// that another one held stays locked for ever. So it may do only what a signal handler may, and not allocate.
    #[allow(unsafe_code, reason = "the contract is std's, and the caller's")]
    pub unsafe fn pre_exec<F>(&mut self, f: F) -> &mut Self
    where
        F: FnMut() -> io::Result<()> + Send + Sync + 'static,
    {
        // SAFETY: the caller has promised what std asks for.
        unsafe { self.as_std_mut().pre_exec(f) };
        self
    }

    /// For tests: the child's end is noticed by `SIGCHLD`, as where there are no pidfds.
    #[doc(hidden)]
    pub fn without_pidfd(&mut self, without: bool) -> &mut Self {
        self.extras.without_pidfd = without;
        self
    }
}

/// Unix.
impl Process {
    /// Sends the process a signal.
    ///
    /// asyncio: `Process.send_signal`.
    ///
    /// # Errors
    /// As for [`terminate`](Self::terminate). The number is no signal (`InvalidInput`).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::create_subprocess_exec;
    /// use bowerbird::signal::SignalKind;
    ///
    /// bowerbird::run(async {
    ///     let process = create_subprocess_exec("sleep", ["600"]).await?;
    ///     process.send_signal(SignalKind::hangup())?;
    ///     process.wait().await?;
    ///     assert_eq!(process.returncode(), Some(-1));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn send_signal(&self, signal: SignalKind) -> io::Result<()> {
        self.exit().send(signal, Target::Process)
    }

    /// Sends a signal to every process of the group that this one leads: its children too, unless they have left.
    ///
    /// asyncio: `os.killpg(process.pid, signal)`.
    ///
    /// The process must have been started with [`process_group(0)`](Command::process_group) or
    /// [`start_new_session`](Command::start_new_session). After its own end, once that was seen, the rest of the group
    /// can be reached on Linux 6.9 and later.
    ///
    /// # Errors
    /// It leads no group (`InvalidInput`). There is nobody left, or it has ended and the system cannot tell its group
    /// from another one: a [`ProcessLookupError`](crate::process::ProcessLookupError).
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::{PIPE, create_subprocess_shell};
    /// use bowerbird::signal::SignalKind;
    ///
    /// bowerbird::run(async {
    ///     let mut shell = create_subprocess_shell("sleep 600 & echo ready; wait");
    ///     let mut process = shell.process_group(0).stdout(PIPE).await?;
    ///     process.stdout.as_mut().unwrap().readline().await?;
    ///     process.send_signal_to_group(SignalKind::terminate())?;
    ///     // Also `sleep` has ended: the pipe that it held is closed.
    ///     let (stdout, _) = process.communicate(b"").await?;
    ///     assert_eq!((&stdout[..], process.returncode()), (&b""[..], Some(-15)));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn send_signal_to_group(&self, signal: SignalKind) -> io::Result<()> {
        self.exit().send(signal, Target::Group)
    }

    /// Ends every process of the group that this one leads, by `SIGKILL`.
    ///
    /// asyncio: `os.killpg(process.pid, SIGKILL)`.
    ///
    /// # Errors
    /// As for [`send_signal_to_group`](Self::send_signal_to_group).
    pub fn kill_group(&self) -> io::Result<()> {
        self.send_signal_to_group(SignalKind::from_raw(libc::SIGKILL))
    }
}
