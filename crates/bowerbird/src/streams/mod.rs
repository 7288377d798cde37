//! asyncio's streams and servers: a reader and a writer for each connection.
//!
//! | asyncio | here |
//! |---|---|
//! | `open_connection`, `open_unix_connection` | [`open_connection`], [`open_unix_connection`] |
//! | `open_connection(sock=sock)` | [`from_tcp`], [`from_unix`]; [`from_stream`] for anything that reads and writes |
//! | `start_server`, `start_unix_server` | [`start_server`], [`start_unix_server`], [`start_server_on`] |
//! | `Server` | [`Server`] |
//! | `StreamReader`, `StreamWriter` | [`StreamReader`], [`StreamWriter`] |
//! | `IncompleteReadError`, `LimitOverrunError` | [`IncompleteReadError`], [`LimitOverrunError`], in a [`ReadError`] |
//!
//! What one writes most is at the root of the crate too. The keyword arguments are methods of the future that the
//! function returns: `start_server(handler, address).limit(1024).reuse_port(true).await`.
//!
//! Inside: `start` binds, `accept` is the task of a listener, `clients` knows who is connected, `server` is the
//! handle.

mod accept;
mod clients;
mod door;
mod server;
mod start;
#[cfg(unix)]
mod unix;

pub use bowerbird_net::streams::*;
pub(crate) use clients::{Connection, Serve};
pub(crate) use door::Accepted;
pub use door::Listener;
pub use server::{ServeForever, Server, ServerClosed};
pub use start::{ClientResult, StartServer, start_server, start_server_on};
#[cfg(unix)]
pub use unix::{StartUnixServer, start_unix_server};
