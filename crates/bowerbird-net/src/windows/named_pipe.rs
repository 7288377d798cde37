//! Named pipes: streams between processes, found by a name. Windows.
//!
//! asyncio: `ProactorEventLoop.create_pipe_connection` and `start_serving_pipe`. The types are tokio's.
//!
//! A server makes an instance of the pipe for each client. A name that has no free instance refuses clients, so a
//! server makes the next instance before it serves the one that is connected:
//!
//! ```no_run
//! use bowerbird::net::windows::named_pipe::ServerOptions;
//!
//! const NAME: &str = r"\\.\pipe\bowerbird-example";
//!
//! bowerbird::run(async {
//!     let mut server = ServerOptions::new().first_pipe_instance(true).create(NAME)?;
//!     loop {
//!         server.connect().await?;
//!         let mut connected = std::mem::replace(&mut server, ServerOptions::new().create(NAME)?);
//!         bowerbird::spawn(async move { connected.write_all(b"hello").await }).detach();
//!     }
//!     # #[allow(unreachable_code)]
//!     std::io::Result::Ok(())
//! }).unwrap();
//! ```
//!
//! # Cancelled reads and writes
//! The system moves bytes from and to memory that it is given for a while. That memory belongs to the pipe, not to the
//! future: the pipe reads ahead, and writes from a copy. So a read that is dropped has lost nothing, and a write that
//! has said how much it took is carried out, also if the pipe is dropped then. What the system says of such a write
//! comes with the next one.

use std::fmt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle, RawHandle};

use crate::byte_stream::methods::prelude::*;
use crate::byte_stream::methods::{reading_methods, writing_methods};
use crate::socket::NamedPipe;

mod options;

pub use options::{ClientOptions, PipeEnd, PipeInfo, PipeMode, ServerOptions};

/// The server's end of one instance of a named pipe: made by [`ServerOptions::create`].
///
/// asyncio: the server of `start_serving_pipe`, and its transports.
///
/// Two tasks may share a reference to it, one that reads and one that writes.
pub struct NamedPipeServer(Core<NamedPipe>);

/// The client's end of a named pipe: made by [`ClientOptions::open`].
///
/// asyncio: the transport of `create_pipe_connection`.
///
/// Two tasks may share a reference to it, one that reads and one that writes.
pub struct NamedPipeClient(Core<NamedPipe>);

/// The future of [`NamedPipeServer::connect`].
pub type Connect<'a> = IoWith<'a, NamedPipe, fn(&NamedPipe) -> io::Result<()>>;

#[track_caller]
fn register(call: &str, pipe: io::Result<NamedPipe>) -> io::Result<Core<NamedPipe>> {
    let driver = expect_current(call);
    let core = Core::register(driver, pipe?, Some(Location::caller()))?;
    core.os().report_to(core.source().reporter());
    Ok(core)
}

impl NamedPipeServer {
    /// Waits until a client has connected to this instance.
    ///
    /// asyncio: `proactor.accept_pipe`.
    ///
    /// A client that has connected before the call, and even gone again, is one: what it wrote can be read.
    ///
    /// # Cancel safety
    /// Nothing is lost: a client that connects after the wait was dropped is there for the next call.
    ///
    /// # Errors
    /// What the system says; or the runtime has shut down.
    ///
    /// # Examples
    /// ```
    /// use bowerbird::net::windows::named_pipe::{ClientOptions, ServerOptions};
    ///
    /// bowerbird::run(async {
    ///     let name = format!(r"\\.\pipe\bowerbird-doc-connect-{}", std::process::id());
    ///     let mut server = ServerOptions::new().create(&name)?;
    ///     let mut client = ClientOptions::new().open(&name)?;
    ///     server.connect().await?;
    ///     server.write_all(b"hello").await?;
    ///     let mut buffer = [0; 5];
    ///     client.read_exact(&mut buffer).await?;
    ///     assert_eq!(&buffer, b"hello");
    ///     std::io::Result::Ok(())
    /// }).unwrap();
    /// ```
    #[track_caller]
    pub fn connect(&self) -> Connect<'_> {
        let once: fn(&NamedPipe) -> io::Result<()> = NamedPipe::connect;
        self.0.source().io_for("NamedPipeServer::connect", Interest::WRITABLE, once)
    }

    /// Ends the connection with the client, so that the next one may [`connect`](Self::connect).
    ///
    /// asyncio: no counterpart.
    ///
    /// What was written and not yet read by the client is lost, and what the client wrote and nobody read.
    ///
    /// # Errors
    /// What the system says, as that no client was there.
    pub fn disconnect(&self) -> io::Result<()> {
        self.0.os().disconnect()
    }
}

macro_rules! end_of_named_pipe {
    ($End:ident, $name:literal) => {
        impl $End {
            /// Takes a handle over that was opened for overlapped operations.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// It is no such handle, or the runtime is shutting down.
            ///
            /// # Panics
            /// Called outside a runtime.
            #[track_caller]
            pub fn from_handle(handle: impl Into<OwnedHandle>) -> io::Result<Self> {
                register(concat!($name, "::from_handle"), NamedPipe::new(handle.into())).map(Self)
            }

            /// Tells what kind of pipe it is.
            ///
            /// asyncio: no counterpart.
            ///
            /// # Errors
            /// What the system says.
            pub fn info(&self) -> io::Result<PipeInfo> {
                self.0.os().info().map(PipeInfo::new)
            }

            #[inline]
            pub(crate) fn core(&self) -> &Core<NamedPipe> {
                &self.0
            }
        }

        impl AsHandle for $End {
            fn as_handle(&self) -> BorrowedHandle<'_> {
                self.0.os().as_handle()
            }
        }

        impl AsRawHandle for $End {
            fn as_raw_handle(&self) -> RawHandle {
                self.0.os().as_raw_handle()
            }
        }

        impl fmt::Debug for $End {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple($name).field(&self.as_handle()).finish()
            }
        }
    };
}

end_of_named_pipe!(NamedPipeServer, "NamedPipeServer");
end_of_named_pipe!(NamedPipeClient, "NamedPipeClient");

// In the examples `client` writes first in some and `server` in others.
macro_rules! methods_of_both {
    ($($End:ident, $name:literal, $pair:literal;)*) => {$(
        reading_methods!($End, NamedPipe, $name, $pair);
        writing_methods!($End, NamedPipe, $name, $pair);
    )*};
}

methods_of_both!(
    NamedPipeServer, "NamedPipeServer", r#"# use bowerbird::net::windows::named_pipe::{ClientOptions, ServerOptions};
# bowerbird::run(async {
#     let name = format!(r"\\.\pipe\bowerbird-doc-server-{}-{}", std::process::id(), line!());
#     let mut client = ServerOptions::new().create(&name)?;
#     let mut server = ClientOptions::new().open(&name)?;
#     client.connect().await?;"#;
    NamedPipeClient, "NamedPipeClient", r#"# use bowerbird::net::windows::named_pipe::{ClientOptions, ServerOptions};
# bowerbird::run(async {
#     let name = format!(r"\\.\pipe\bowerbird-doc-client-{}-{}", std::process::id(), line!());
#     let mut server = ServerOptions::new().create(&name)?;
#     let mut client = ClientOptions::new().open(&name)?;
#     server.connect().await?;"#;
);
