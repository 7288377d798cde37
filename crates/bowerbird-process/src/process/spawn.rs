//! A [`Command`] becomes a [`Process`].
//!
//! What can fail after the program has been started (a descriptor for its end, the registration of its pipes) takes
//! the program with it: it is killed, and reaped.

use std::io;
use std::process as os;
use std::sync::Arc;

use bowerbird_io::{Interest, IoDriver, expect_current};
use bowerbird_net::streams::{StreamReader, StreamWriter};

use super::Process;
use super::command::Command;
use super::platform::{self, Exit, Pipe};
use super::stdio::{Kind, Owned, Stdio};

/// Starts a program; `call` names what the user has called.
#[track_caller]
pub(super) fn spawn(command: &mut Command, call: &str) -> io::Result<Process> {
    let driver = expect_current(call);
    start(command, &driver).map_err(|error| not_started(command.as_std(), &error))
}

fn not_started(command: &os::Command, error: &io::Error) -> io::Error {
    let program = command.get_program().to_string_lossy();
    let text = match command.get_current_dir() {
        Some(directory) => {
            format!("cannot start `{program}` in `{}`: {error}", directory.display())
        }
        None => format!("cannot start `{program}`: {error}"),
    };
    io::Error::new(error.kind(), text)
}

/// Starts a program for the umbrella's subprocess transport: streams that were not set are pipes, and the ends of all
/// pipes are given beside the process, which is killed if it is dropped before its end.
#[cfg(unix)]
#[track_caller]
pub fn spawn_with_pipes(
    command: &mut Command,
    call: &str,
) -> io::Result<(Process, [Option<Owned>; 3])> {
    let driver = expect_current(call);
    let set = command.set_defaults([Kind::Piped, Kind::Piped, Kind::Piped]);
    let launched = launch(command, &driver);
    command.unset(set);
    let (exit, ends) = launched.map_err(|error| not_started(command.as_std(), &error))?;
    Ok((Process::new(exit), ends))
}

fn start(command: &mut Command, driver: &Arc<IoDriver>) -> io::Result<Process> {
    let (exit, [stdin, stdout, stderr]) = launch(command, driver)?;
    let mut process = Process::new(exit);
    process.stdin = stdin.map(|pipe| writer(driver, pipe)).transpose()?;
    process.stdout = stdout.map(|pipe| reader(driver, pipe, command.limit)).transpose()?;
    process.stderr = stderr.map(|pipe| reader(driver, pipe, command.limit)).transpose()?;
    process.exit().keep(command.kill_on_drop);
    Ok(process)
}

/// Starts the program. Gives its end, which kills it until it is kept, and the ends of its pipes.
fn launch(command: &mut Command, driver: &Arc<IoDriver>) -> io::Result<(Exit, [Option<Owned>; 3])> {
    platform::reap_left();
    let shared = set_streams(command)?;
    command.apply_extras();
    let spawned = command.as_std_mut().spawn();
    release_streams(command);
    let mut child = spawned?;
    let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let exit = Exit::new(driver, child, command.extras.without_pidfd)?;
    let stdout = pipes.1.map(Owned::from).or(shared);
    Ok((exit, [pipes.0.map(Owned::from), stdout, pipes.2.map(Owned::from)]))
}

fn writer(driver: &Arc<IoDriver>, pipe: Owned) -> io::Result<StreamWriter> {
    Ok(StreamWriter::new(Pipe::new(driver, pipe, Interest::WRITABLE)?))
}

fn reader(driver: &Arc<IoDriver>, pipe: Owned, limit: Option<usize>) -> io::Result<StreamReader> {
    let reader = StreamReader::new(Pipe::new(driver, pipe, Interest::READABLE)?);
    Ok(match limit {
        Some(limit) => reader.with_limit(limit),
        None => reader,
    })
}

/// Gives std the streams that were set. Returns the end to read of what standard output and standard error share.
fn set_streams(command: &mut Command) -> io::Result<Option<Owned>> {
    let stdin = to_std(&mut command.stdin)?;
    let mut stdout = to_std(&mut command.stdout)?;
    let mut stderr = to_std(&mut command.stderr)?;
    if matches!(stdin, Given::Stdout) || matches!(stdout, Given::Stdout) {
        return Err(invalid("STDOUT is for stderr(..): what goes where standard output does"));
    }
    let mut reader = None;
    if matches!(stderr, Given::Stdout) {
        let shared = share(command.stdout.as_ref().map(|stream| &stream.0))?;
        stderr = Given::New(shared.stderr);
        if let Some((end, writer)) = shared.pipe {
            stdout = Given::New(writer);
            reader = Some(end);
        }
    }
    let std = command.as_std_mut();
    stdin.give(|stdin| std.stdin(stdin));
    stdout.give(|stdout| std.stdout(stdout));
    stderr.give(|stderr| std.stderr(stderr));
    Ok(reader)
}

/// What std is given for a stream.
enum Given {
    New(os::Stdio),
    /// Nothing: it was not set, or std has it already.
    Nothing,
    /// What standard output is given.
    Stdout,
}

impl Given {
    fn give<R>(self, set: impl FnOnce(os::Stdio) -> R) {
        if let Self::New(stdio) = self {
            set(stdio);
        }
    }
}

fn to_std(stream: &mut Option<Stdio>) -> io::Result<Given> {
    let Some(Stdio(kind)) = stream else { return Ok(Given::Nothing) };
    Ok(Given::New(match kind {
        Kind::Inherit => os::Stdio::inherit(),
        Kind::Null => os::Stdio::null(),
        Kind::Piped => os::Stdio::piped(),
        Kind::Owned(owner) => owner.try_clone()?.into(),
        Kind::Std(stdio) => match stdio.take() {
            Some(stdio) => stdio,
            None => return Ok(Given::Nothing),
        },
        Kind::Stdout => return Ok(Given::Stdout),
    }))
}

/// Standard error that goes where standard output does.
struct Shared {
    stderr: os::Stdio,
    /// If that is a pipe: the end to read, and standard output.
    pipe: Option<(Owned, os::Stdio)>,
}

fn share(stdout: Option<&Kind>) -> io::Result<Shared> {
    let stderr = match stdout {
        None | Some(Kind::Inherit) => platform::own_stdout()?.into(),
        Some(Kind::Null) => os::Stdio::null(),
        Some(Kind::Owned(owner)) => owner.try_clone()?.into(),
        Some(Kind::Piped) => {
            let (reader, writer) = platform::pipe()?;
            let stdout = writer.try_clone()?.into();
            return Ok(Shared { stderr: writer.into(), pipe: Some((reader, stdout)) });
        }
        Some(Kind::Std(_) | Kind::Stdout) => {
            return Err(invalid(
                "standard error is to go where standard output does, and that is a `Stdio` of std's, which cannot \
                 be shared: give the `File` or the descriptor itself",
            ));
        }
    };
    Ok(Shared { stderr, pipe: None })
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// Takes the descriptors back that std was given for this start: as long as the writing end of a pipe is open here,
/// the pipe does not end.
fn release_streams(command: &mut Command) {
    let is_ours = |stream: &Option<Stdio>| {
        stream.as_ref().is_some_and(|stream| !matches!(stream.0, Kind::Std(_)))
    };
    let streams = [&command.stdin, &command.stdout, &command.stderr];
    let [stdin, stdout, stderr] = streams.map(is_ours);
    let std = command.as_std_mut();
    if stdin {
        std.stdin(os::Stdio::null());
    }
    if stdout {
        std.stdout(os::Stdio::null());
    }
    if stderr {
        std.stderr(os::Stdio::null());
    }
}
