//! How a named pipe is made and opened.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;

use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_INBOUND, PIPE_ACCESS_OUTBOUND,
    SECURITY_IDENTIFICATION,
};
use windows_sys::Win32::System::Pipes::{
    PIPE_READMODE_BYTE, PIPE_READMODE_MESSAGE, PIPE_REJECT_REMOTE_CLIENTS, PIPE_SERVER_END,
    PIPE_TYPE_BYTE, PIPE_TYPE_MESSAGE, PIPE_UNLIMITED_INSTANCES,
};

use super::{NamedPipeClient, NamedPipeServer, register};
use crate::socket::{self, Info, NewPipe, Opening};

/// Whether a pipe carries bytes or messages.
///
/// asyncio: bytes only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum PipeMode {
    /// A stream of bytes.
    #[default]
    Byte,
    /// Each write is a message, and a read gives bytes of one message only. A message longer than 64 KiB, or than the
    /// buffer, comes in pieces; one of no bytes looks like the end.
    Message,
}

/// Which end of a pipe it is.
///
/// asyncio: no counterpart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PipeEnd {
    /// The client's.
    Client,
    /// The server's.
    Server,
}

/// What the system tells of a pipe: [`NamedPipeServer::info`], [`NamedPipeClient::info`].
///
/// asyncio: no counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipeInfo {
    /// What it carries.
    pub mode: PipeMode,
    /// Which end of it was asked.
    pub end: PipeEnd,
    /// How many instances there may be; 255 means any number.
    pub max_instances: u32,
    /// The size of the buffer for what the server writes.
    pub out_buffer_size: u32,
    /// The size of the buffer for what the server reads.
    pub in_buffer_size: u32,
}

impl PipeInfo {
    pub(super) fn new(info: Info) -> Self {
        let is_set = |flag| info.flags & flag != 0;
        Self {
            mode: if is_set(PIPE_TYPE_MESSAGE) { PipeMode::Message } else { PipeMode::Byte },
            end: if is_set(PIPE_SERVER_END) { PipeEnd::Server } else { PipeEnd::Client },
            max_instances: info.max_instances,
            out_buffer_size: info.out_buffer_size,
            in_buffer_size: info.in_buffer_size,
        }
    }
}

/// How an instance of a named pipe is made.
///
/// asyncio: the arguments of `start_serving_pipe`, which has none of them.
///
/// # Examples
/// ```
/// use bowerbird::net::windows::named_pipe::{PipeMode, ServerOptions};
///
/// bowerbird::run(async {
///     let name = format!(r"\\.\pipe\bowerbird-doc-options-{}", std::process::id());
///     let server = ServerOptions::new()
///         .first_pipe_instance(true)
///         .pipe_mode(PipeMode::Message)
///         .max_instances(4)
///         .create(&name)?;
///     assert_eq!(server.info()?.max_instances, 4);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ServerOptions {
    mode: PipeMode,
    reads: bool,
    writes: bool,
    is_first: bool,
    rejects_remote_clients: bool,
    max_instances: usize,
    out_buffer_size: u32,
    in_buffer_size: u32,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            mode: PipeMode::Byte,
            reads: true,
            writes: true,
            is_first: false,
            rejects_remote_clients: true,
            max_instances: PIPE_UNLIMITED_INSTANCES as usize,
            out_buffer_size: 64 * 1024,
            in_buffer_size: 64 * 1024,
        }
    }
}

impl ServerOptions {
    /// The usual way: bytes, both directions, clients of this machine, any number of instances, buffers of 64 KiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what the pipe carries. All instances of a pipe carry the same.
    #[must_use]
    pub fn pipe_mode(mut self, mode: PipeMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets whether bytes come from the client.
    #[must_use]
    pub fn access_inbound(mut self, allowed: bool) -> Self {
        self.reads = allowed;
        self
    }

    /// Sets whether bytes go to the client.
    #[must_use]
    pub fn access_outbound(mut self, allowed: bool) -> Self {
        self.writes = allowed;
        self
    }

    /// Makes it an error (`PermissionDenied`) if there is an instance of the pipe already: somebody else has the name.
    #[must_use]
    pub fn first_pipe_instance(mut self, first: bool) -> Self {
        self.is_first = first;
        self
    }

    /// Sets whether clients of other machines are refused. They are, if this is not called.
    #[must_use]
    pub fn reject_remote_clients(mut self, reject: bool) -> Self {
        self.rejects_remote_clients = reject;
        self
    }

    /// Sets how many instances of the pipe there may be at the same time. The first instance decides.
    ///
    /// # Panics
    /// `instances` is 0 or more than 254.
    #[must_use]
    #[track_caller]
    pub fn max_instances(mut self, instances: usize) -> Self {
        assert!(
            (1..255).contains(&instances),
            "ServerOptions::max_instances: {instances} instances cannot be said; the system takes 1 to 254, and any \
             number if this is not called"
        );
        self.max_instances = instances;
        self
    }

    /// Sets the size of the system's buffer for what goes to the client.
    #[must_use]
    pub fn out_buffer_size(mut self, bytes: u32) -> Self {
        self.out_buffer_size = bytes;
        self
    }

    /// Sets the size of the system's buffer for what comes from the client.
    #[must_use]
    pub fn in_buffer_size(mut self, bytes: u32) -> Self {
        self.in_buffer_size = bytes;
        self
    }

    /// Makes an instance of the pipe of that name, as `\\.\pipe\name`.
    ///
    /// # Errors
    /// `PermissionDenied` if there is an instance already and this is to be the first; the system's
    /// `ERROR_PIPE_BUSY` (231) if there are as many as there may be; `InvalidInput` if the name has a zero in it;
    /// else what the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<NamedPipeServer> {
        let pipe = zero_ended(name.as_ref())
            .and_then(|name| socket::create_named_pipe(&name, &self.new_pipe()));
        register("ServerOptions::create", pipe).map(NamedPipeServer)
    }

    fn new_pipe(&self) -> NewPipe {
        let if_set = |is_set, flag| if is_set { flag } else { 0 };
        let kind = match self.mode {
            PipeMode::Byte => PIPE_TYPE_BYTE | PIPE_READMODE_BYTE,
            PipeMode::Message => PIPE_TYPE_MESSAGE | PIPE_READMODE_MESSAGE,
        };
        NewPipe {
            open_mode: FILE_FLAG_OVERLAPPED
                | if_set(self.reads, PIPE_ACCESS_INBOUND)
                | if_set(self.writes, PIPE_ACCESS_OUTBOUND)
                | if_set(self.is_first, FILE_FLAG_FIRST_PIPE_INSTANCE),
            pipe_mode: kind | if_set(self.rejects_remote_clients, PIPE_REJECT_REMOTE_CLIENTS),
            max_instances: self.max_instances as u32,
            out_buffer_size: self.out_buffer_size,
            in_buffer_size: self.in_buffer_size,
        }
    }
}

fn zero_ended(name: &OsStr) -> io::Result<Vec<u16>> {
    let mut wide: Vec<_> = name.encode_wide().collect();
    if wide.contains(&0) {
        let text = format!("the name of a pipe has a zero in it: {name:?}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    wide.push(0);
    Ok(wide)
}

/// How a client opens a named pipe.
///
/// asyncio: the arguments of `create_pipe_connection`, which has none of them.
///
/// # Examples
/// A client that waits for its turn if all instances are taken:
/// ```
/// use bowerbird::net::windows::named_pipe::{ClientOptions, ServerOptions};
/// use std::time::Duration;
///
/// /// `ERROR_PIPE_BUSY`
/// const BUSY: i32 = 231;
///
/// bowerbird::run(async {
///     let name = format!(r"\\.\pipe\bowerbird-doc-busy-{}", std::process::id());
///     let server = ServerOptions::new().create(&name)?;
///     let client = loop {
///         match ClientOptions::new().open(&name) {
///             Err(error) if error.raw_os_error() == Some(BUSY) => {
///                 bowerbird::sleep(Duration::from_millis(50)).await;
///             }
///             result => break result?,
///         }
///     };
///     server.connect().await?;
///     drop(client);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ClientOptions {
    mode: PipeMode,
    reads: bool,
    writes: bool,
    security_flags: u32,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            mode: PipeMode::Byte,
            reads: true,
            writes: true,
            security_flags: SECURITY_IDENTIFICATION,
        }
    }
}

impl ClientOptions {
    /// The usual way: bytes, both directions, and a server may ask who the client is but not act as it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets whether bytes come from the server.
    #[must_use]
    pub fn read(mut self, allowed: bool) -> Self {
        self.reads = allowed;
        self
    }

    /// Sets whether bytes go to the server.
    #[must_use]
    pub fn write(mut self, allowed: bool) -> Self {
        self.writes = allowed;
        self
    }

    /// Sets what the server may do in the client's name (`SECURITY_ANONYMOUS`, `SECURITY_IDENTIFICATION`,
    /// `SECURITY_IMPERSONATION`, `SECURITY_DELEGATION` and the flags that go with them).
    #[must_use]
    pub fn security_qos_flags(mut self, flags: u32) -> Self {
        self.security_flags = flags;
        self
    }

    /// Sets whether a pipe that carries messages is read message by message, or as bytes.
    #[must_use]
    pub fn pipe_mode(mut self, mode: PipeMode) -> Self {
        self.mode = mode;
        self
    }

    /// Connects to a free instance of the pipe of that name, as `\\.\pipe\name`. It never waits.
    ///
    /// # Errors
    /// `NotFound` if there is no such pipe; the system's `ERROR_PIPE_BUSY` (231) if all its instances have clients: try
    /// again a little later; else what the system says.
    ///
    /// # Panics
    /// Called outside a runtime.
    #[track_caller]
    pub fn open(&self, name: impl AsRef<OsStr>) -> io::Result<NamedPipeClient> {
        let opening = Opening {
            access: if self.reads { GENERIC_READ } else { 0 }
                | if self.writes { GENERIC_WRITE } else { 0 },
            security_flags: self.security_flags,
            mode: match self.mode {
                PipeMode::Byte => PIPE_READMODE_BYTE,
                PipeMode::Message => PIPE_READMODE_MESSAGE,
            },
        };
        let pipe = socket::open_named_pipe(name.as_ref(), opening);
        let core = register("ClientOptions::open", pipe)?;
        core.os().start();
        Ok(NamedPipeClient(core))
    }
}
