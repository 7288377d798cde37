//! Transports and protocols: callbacks for bytes.
//!
//! asyncio: `asyncio.Transport`, `asyncio.Protocol` and the `loop.create_*` functions, with the order of their
//! callbacks. Here these functions are free functions; the loop is that of the runtime that calls them.
//!
//! A protocol is a value of yours whose methods are called when something happens: bytes came, the peer has
//! gone, what was written does not leave. A transport is a handle that its methods (and others) write to and
//! close. Between both stands a task, one for each connection, which calls the protocol and sends what waits.
//!
//! Programs that await read better with the streams of [`net`](crate::net). Protocols are for codecs written
//! against asyncio's, and for many quiet connections: one that waits holds no buffer, and no future of yours.
//!
//! The task's name says the protocol, and what it is connected to: `Echo, tcp 127.0.0.1:8080`.
//!
//! # TLS
//! With the feature `tls`, [`create_connection`] and [`create_server`] have a method `tls`, and `start_tls` upgrades a
//! live connection. Protocols hear the same calls, in the same order: `connection_made` after the handshake, and
//! nothing at all if that fails. See `CreateConnection::tls` for what the end of a session is.
//!
//! # The end
//! The task of a connection is one of the runtime's tasks. Cancelled, it aborts its connection. So
//! does the end of [`run`](crate::run): each protocol that is alive then hears `connection_lost(None)`, which
//! asyncio does not promise. What waited to be sent is lost; a program that ends in good order closes its
//! transports first and waits for `connection_lost`.

mod any;
mod backlog;
mod calls;
mod connection;
mod create;
mod datagram;
mod hub;
mod life;
mod name;
mod protocol;
mod scratch;
mod sendfile;
mod server;
mod spawn;
#[cfg(feature = "tls")]
mod start_tls;
mod stream;
#[cfg(all(unix, feature = "process"))]
mod subprocess;
mod transport;
mod wire;

pub use any::{Buffered, StreamProtocol, Streaming};
pub use create::{CreateConnection, CreateTransport, connect_accepted_socket, create_connection};
#[cfg(unix)]
pub use create::{connect_read_pipe, connect_write_pipe, create_unix_connection};
pub use datagram::{
    CreateDatagramEndpoint, DatagramProtocol, DatagramSocket, DatagramTransport,
    create_datagram_endpoint,
};
pub use protocol::{BufferedProtocol, Protocol};
pub use sendfile::{SendFile, sendfile};
pub use server::create_server;
#[cfg(unix)]
pub use server::create_unix_server;
#[cfg(feature = "tls")]
pub use start_tls::{StartTls, TlsSide, start_tls};
#[cfg(all(unix, feature = "process"))]
pub use subprocess::{SubprocessProtocol, SubprocessTransport, subprocess_exec, subprocess_shell};
pub use transport::Transport;
pub use wire::Socket;
