//! Child processes that are started for a protocol.

use std::any::type_name;
use std::borrow::BorrowMut;
use std::ffi::OsStr;
use std::io;
use std::panic::Location;

use bowerbird_core::spawn_with;
use bowerbird_net::pipe::{Receiver, Sender};
use bowerbird_process::private::spawn_with_pipes;
use bowerbird_process::process::{Command, create_subprocess_shell};
use bowerbird_sync::oneshot;

use super::{Child, Heard, SubprocessProtocol, SubprocessTransport, pipe_of};
use crate::protocols::CreateTransport;
use crate::protocols::name::named;
use crate::protocols::spawn::wait_until_made;
use crate::protocols::wire::Socket;

/// Starts a program now, whose protocol hears what it writes and how it ends. Unix.
///
/// asyncio: `loop.subprocess_exec`. The options are methods of the [`Command`]. Streams that were not set are pipes,
/// as there. It gives the transport alone, for the protocol now belongs to it; who needs both gives an
/// `Arc<Mutex<_>>` as protocol. `connection_made` has been called when this completes.
///
/// # Cancel safety
/// Dropping it closes the transport, which kills the process.
///
/// # Errors
/// As for [`Command::spawn`]; `connection_made` panicked.
///
/// # Panics
/// Called outside a runtime. A panic of the factory goes on; nothing is started then.
///
/// # Examples
/// See [`SubprocessProtocol`].
#[track_caller]
pub fn subprocess_exec<P: SubprocessProtocol>(
    protocol_factory: impl FnOnce() -> P,
    mut command: impl BorrowMut<Command>,
) -> CreateTransport<SubprocessTransport> {
    create("subprocess_exec", protocol_factory, command.borrow_mut())
}

/// Starts a line of the shell now; as [`subprocess_exec`].
///
/// asyncio: `loop.subprocess_shell`. With options it is `subprocess_exec` of a
/// [`create_subprocess_shell`] command.
///
/// # Cancel safety
/// Dropping it closes the transport, which kills the shell.
///
/// # Errors
/// As for [`subprocess_exec`].
///
/// # Panics
/// As for [`subprocess_exec`].
#[track_caller]
pub fn subprocess_shell<P: SubprocessProtocol>(
    protocol_factory: impl FnOnce() -> P,
    line: impl AsRef<OsStr>,
) -> CreateTransport<SubprocessTransport> {
    create("subprocess_shell", protocol_factory, &mut create_subprocess_shell(line))
}

#[track_caller]
fn create<P: SubprocessProtocol>(
    call: &'static str,
    protocol_factory: impl FnOnce() -> P,
    command: &mut Command,
) -> CreateTransport<SubprocessTransport> {
    let location = Location::caller();
    let heard = Heard::new(protocol_factory(), location);
    let started = start(call, heard, type_name::<P>(), command, location);
    let guard = CloseOnDrop(started.as_ref().ok().map(|(transport, _)| transport.clone()));
    CreateTransport::new(call, location, async move {
        let (transport, is_made) = started?;
        wait_until_made(is_made).await?;
        guard.disarm();
        Ok(transport)
    })
}

/// Closes a transport that nobody waits for any more.
struct CloseOnDrop(Option<SubprocessTransport>);

impl CloseOnDrop {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if let Some(transport) = &self.0 {
            transport.close();
        }
    }
}

#[track_caller]
fn start(
    call: &'static str,
    heard: Heard,
    protocol_type: &str,
    command: &mut Command,
    location: &'static Location<'static>,
) -> io::Result<(SubprocessTransport, oneshot::Receiver<io::Result<()>>)> {
    let (process, [stdin, stdout, stderr]) = spawn_with_pipes(command, call)?;
    let stdin = stdin.map(Sender::from_fd).transpose()?.map(Socket::from);
    let stdout = stdout.map(Receiver::from_fd).transpose()?.map(Socket::from);
    let stderr = stderr.map(Receiver::from_fd).transpose()?.map(Socket::from);
    let mut transports = [None, None, None];
    let mut pipes = [None, None, None];
    let slots = transports.iter_mut().zip(&mut pipes);
    for ((fd, socket), (transport, pipe)) in (0..).zip([stdin, stdout, stderr]).zip(slots) {
        (*transport, *pipe) = socket.map(|socket| pipe_of(fd, socket, &heard, location)).unzip();
    }
    let options = named(protocol_type, "process", Some(process.pid()));
    let transport = SubprocessTransport::new(process, transports, heard.next());
    let (made, is_made) = oneshot::channel();
    let child = Child::new(transport.clone(), heard, pipes, made, location);
    match spawn_with(child, &options, location) {
        Ok(task) => drop(task),
        Err(error) => error.panic(call),
    }
    Ok((transport, is_made))
}
