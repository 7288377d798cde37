//! What the larger examples, `tour` and `serve`, are made of.
//!
//! - [`server`]: an HTTP/1.1 server: hyper on bowerbird's sockets, tasks and timers.
//! - [`client`]: a small HTTP/1.1 client, made to load that server.
//! - [`census`]: the tasks, threads and descriptors that this process has.
//! - [`text`]: columns and figures on the terminal.

#![forbid(unsafe_code)]

pub mod server;
pub mod client;
pub mod census;
pub mod text;
