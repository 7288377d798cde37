//! Which program is started, and how.

use std::ffi::OsStr;
use std::fmt;
use std::future::IntoFuture;
use std::io;
use std::path::Path;
use std::process as os;

use super::Process;
use super::futures::{Output, Spawning, Status};
use super::platform::Extras;
use super::spawn;
use super::stdio::{Kind, Stdio};

/// Prepares a program with its arguments, to be started by an await.
///
/// asyncio: `create_subprocess_exec(program, *args)`; its keyword arguments are methods of the [`Command`] that this
/// gives: `stdout(PIPE)`, `current_dir(..)`, `env(..)`. Nothing of a shell is between the arguments and the program.
///
/// # Errors
/// Of the await: as [`Command::spawn`].
///
/// # Examples
/// ```
/// use bowerbird::process::{PIPE, create_subprocess_exec};
///
/// bowerbird::run(async {
///     let mut process = create_subprocess_exec("echo", ["a  b", "$HOME"]).stdout(PIPE).await?;
///     let (stdout, _) = process.communicate(b"").await?;
///     assert_eq!(stdout, b"a  b $HOME\n");
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn create_subprocess_exec<I, S>(program: impl AsRef<OsStr>, args: I) -> Command
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(args);
    command
}

/// Prepares a line for the shell, to be started by an await.
///
/// asyncio: `create_subprocess_shell(cmd)`. The shell is `/bin/sh`, on Windows `cmd.exe`. Everything in the line
/// means what the shell says: quote what comes from elsewhere, or use [`create_subprocess_exec`].
///
/// # Errors
/// Of the await: as [`Command::spawn`]. A program that the shell does not find is an exit code of the shell, 127.
///
/// # Examples
/// ```
/// use bowerbird::process::{PIPE, create_subprocess_shell};
///
/// bowerbird::run(async {
///     let mut process = create_subprocess_shell("echo one; exit 3").stdout(PIPE).await?;
///     let (stdout, _) = process.communicate(b"").await?;
///     assert_eq!((&stdout[..], process.returncode()), (&b"one\n"[..], Some(3)));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
pub fn create_subprocess_shell(line: impl AsRef<OsStr>) -> Command {
    super::platform::shell(line.as_ref())
}

/// A program to be started: its arguments, its environment, its streams.
///
/// asyncio: the arguments of `create_subprocess_exec`, and those of `subprocess.Popen`. std and Tokio: `Command`,
/// whose methods these are. It is awaited, or started by [`spawn`](Self::spawn), [`status`](Self::status) or
/// [`output`](Self::output); more than once if you like.
///
/// # How long a start takes
/// Starting a program blocks the worker until the program has been loaded, as it does in Tokio, in smol and in
/// asyncio: std's `posix_spawn`, or `fork` and `exec` where something is asked for that this cannot do (`uid`,
/// `current_dir` on old systems, `pre_exec`, ...). That is some tenth of a millisecond, several milliseconds on a busy
/// machine, and for a fork of a process with much memory more. `to_thread(move || command.spawn())` moves it off the
/// workers.
pub struct Command {
    std: os::Command,
    pub(super) stdin: Option<Stdio>,
    pub(super) stdout: Option<Stdio>,
    pub(super) stderr: Option<Stdio>,
    pub(super) kill_on_drop: bool,
    pub(super) limit: Option<usize>,
    pub(super) extras: Extras,
}

impl Command {
    /// Names a program. Without a slash in its name it is looked for in `PATH`.
    ///
    /// asyncio: the first argument of `create_subprocess_exec`.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::Command;
    ///
    /// bowerbird::run(async {
    ///     assert!(Command::new("true").status().await?.success());
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        os::Command::new(program).into()
    }

    /// Adds an argument.
    ///
    /// asyncio: one of `*args`.
    pub fn arg(&mut self, arg: impl AsRef<OsStr>) -> &mut Self {
        self.std.arg(arg);
        self
    }

    /// Adds arguments.
    ///
    /// asyncio: `*args`.
    pub fn args<I, S>(&mut self, args: I) -> &mut Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        self.std.args(args);
        self
    }

    /// Sets a variable of the child's environment, which is this process's otherwise.
    ///
    /// asyncio: `env=`, which replaces all of it: `env_clear` and `envs`.
    pub fn env(&mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> &mut Self {
        self.std.env(key, value);
        self
    }

    /// Sets variables of the child's environment.
    ///
    /// asyncio: `env=`, after `env_clear`.
    pub fn envs<I, K, V>(&mut self, variables: I) -> &mut Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: AsRef<OsStr>,
    {
        self.std.envs(variables);
        self
    }

    /// Takes a variable out of the child's environment.
    ///
    /// asyncio: no counterpart but `env=`.
    pub fn env_remove(&mut self, key: impl AsRef<OsStr>) -> &mut Self {
        self.std.env_remove(key);
        self
    }

    /// Takes every variable out of the child's environment.
    ///
    /// asyncio: `env={}`.
    pub fn env_clear(&mut self) -> &mut Self {
        self.std.env_clear();
        self
    }

    /// Sets the directory that the child begins in.
    ///
    /// asyncio: `cwd=`. Whether the program's own path is relative to it depends on the system: give a full one.
    pub fn current_dir(&mut self, directory: impl AsRef<Path>) -> &mut Self {
        self.std.current_dir(directory);
        self
    }

    /// Says what the child reads: its standard input. Unless set, that of this process; of
    /// [`output`](Self::output), nothing.
    ///
    /// asyncio: `stdin=`.
    pub fn stdin(&mut self, stdin: impl Into<Stdio>) -> &mut Self {
        self.stdin = Some(stdin.into());
        self
    }

    /// Says where the child's standard output goes. Unless set, where that of this process does; of
    /// [`output`](Self::output), into it.
    ///
    /// asyncio: `stdout=`.
    pub fn stdout(&mut self, stdout: impl Into<Stdio>) -> &mut Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Says where the child's standard error goes. Unless set, where that of this process does; of
    /// [`output`](Self::output), into it.
    ///
    /// asyncio: `stderr=`.
    pub fn stderr(&mut self, stderr: impl Into<Stdio>) -> &mut Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Says whether the child is killed when its [`Process`] is dropped before its end. By default it runs on.
    ///
    /// asyncio: no counterpart; there a child runs on as well. Either way it is reaped at its end.
    pub fn kill_on_drop(&mut self, kills: bool) -> &mut Self {
        self.kill_on_drop = kills;
        self
    }

    /// Sets how long a line, or another piece up to a separator, may be that is read of the child's output.
    ///
    /// asyncio: `limit=`; 64 KiB unless set.
    pub fn limit(&mut self, limit: usize) -> &mut Self {
        self.limit = Some(limit);
        self
    }

    /// Starts the program.
    ///
    /// asyncio: `await create_subprocess_exec(..)`; to await a `Command` is this call.
    ///
    /// # Errors
    /// The program, or its directory, does not exist (`NotFound`) or may not be used (`PermissionDenied`); the
    /// system has no descriptor or no process left; the runtime is shutting down. The error names the program.
    /// Standard error is to go where standard output does ([`STDOUT`](super::STDOUT)), and that is a `Stdio` of
    /// std's, which cannot be shared.
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::Command;
    ///
    /// bowerbird::run(async {
    ///     let child = Command::new("sh").args(["-c", "exit 7"]).spawn()?;
    ///     assert_eq!(child.wait().await?.code(), Some(7));
    ///
    ///     let error = Command::new("no-such-program").spawn().unwrap_err();
    ///     assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    ///     assert!(error.to_string().contains("no-such-program"));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn spawn(&mut self) -> io::Result<Process> {
        spawn::spawn(self, "Command::spawn")
    }

    /// Starts the program now, and gives a future of its end.
    ///
    /// asyncio: `await (await create_subprocess_exec(..)).wait()`. A standard input that is a pipe is closed.
    ///
    /// # Cancel safety
    /// Dropped, the program runs on unless [`kill_on_drop`](Self::kill_on_drop) was set; its status is lost.
    ///
    /// # Errors
    /// As for [`Command::spawn`] and [`Process::wait`].
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::Command;
    ///
    /// bowerbird::run(async {
    ///     assert_eq!(Command::new("false").status().await?.code(), Some(1));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn status(&mut self) -> Status {
        let spawned = spawn::spawn(self, "Command::status");
        Status::new(spawned)
    }

    /// Starts the program now, and gives a future of its end and of all that it has written.
    ///
    /// asyncio: `communicate()` of a process whose output is a pipe. Streams that were not set are pipes, but
    /// standard input is nothing.
    ///
    /// # Cancel safety
    /// Dropped, the program runs on unless [`kill_on_drop`](Self::kill_on_drop) was set; what it wrote is lost.
    ///
    /// # Errors
    /// As for [`Command::spawn`] and [`Process::communicate`].
    ///
    /// # Panics
    /// Outside a runtime.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::process::Command;
    ///
    /// bowerbird::run(async {
    ///     let output = Command::new("sh").args(["-c", "echo out; echo err >&2"]).output().await?;
    ///     assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn output(&mut self) -> Output {
        let set = self.set_defaults([Kind::Null, Kind::Piped, Kind::Piped]);
        let spawned = spawn::spawn(self, "Command::output");
        self.unset(set);
        Output::new(spawned)
    }

    /// Sets these streams where none was set. Returns where that was, for [`unset`](Self::unset) after the start.
    pub(super) fn set_defaults(&mut self, defaults: [Kind; 3]) -> [bool; 3] {
        let set = [self.stdin.is_none(), self.stdout.is_none(), self.stderr.is_none()];
        for (slot, default) in self.slots().into_iter().zip(defaults) {
            slot.get_or_insert(Stdio(default));
        }
        set
    }

    /// As it was, for another start.
    pub(super) fn unset(&mut self, set: [bool; 3]) {
        for (slot, was_unset) in self.slots().into_iter().zip(set) {
            if was_unset {
                *slot = None;
            }
        }
    }

    fn slots(&mut self) -> [&mut Option<Stdio>; 3] {
        [&mut self.stdin, &mut self.stdout, &mut self.stderr]
    }

    /// Hands what std has no word for to std.
    pub(super) fn apply_extras(&mut self) {
        self.extras.apply(&mut self.std);
    }

    /// The same command as std has it: what was set here, but for the streams.
    ///
    /// asyncio: no counterpart.
    pub fn as_std(&self) -> &os::Command {
        &self.std
    }

    /// The same, to be changed. Streams that are set there count unless they are set here.
    ///
    /// asyncio: no counterpart.
    pub fn as_std_mut(&mut self) -> &mut os::Command {
        &mut self.std
    }
}

impl From<os::Command> for Command {
    fn from(std: os::Command) -> Self {
        Self {
            std,
            stdin: None,
            stdout: None,
            stderr: None,
            kill_on_drop: false,
            limit: None,
            extras: Extras::default(),
        }
    }
}

/// Awaited, it is started.
impl IntoFuture for &mut Command {
    type Output = io::Result<Process>;
    type IntoFuture = Spawning;

    #[track_caller]
    fn into_future(self) -> Spawning {
        Spawning::new(spawn::spawn(self, "await of a Command"))
    }
}

/// Awaited, it is started.
impl IntoFuture for Command {
    type Output = io::Result<Process>;
    type IntoFuture = Spawning;

    #[track_caller]
    fn into_future(mut self) -> Spawning {
        Spawning::new(spawn::spawn(&mut self, "await of a Command"))
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Command")
            .field("std", &self.std)
            .field("stdin", &self.stdin)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("kill_on_drop", &self.kill_on_drop)
            .finish_non_exhaustive()
    }
}
