//! The client where there is no epoll: the servers are measured on Linux only.

use std::net::SocketAddr;
use std::time::Duration;

use super::{Exchange, Load};

/// Connections to one server.
pub struct Client;

impl Client {
    /// Refuses.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn connect(_: SocketAddr, _: Load) -> Self {
        panic!("the server benchmarks need Linux");
    }

    /// Refuses.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn connect_udp(_: SocketAddr) -> Self {
        panic!("the server benchmarks need Linux");
    }

    /// Refuses.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn connect_again_and_again(_: SocketAddr) -> Self {
        panic!("the server benchmarks need Linux");
    }

    /// Never called.
    pub fn exchange(&mut self, _: impl Fn(u64, Duration) -> bool) -> Exchange {
        unreachable!("there is no client here");
    }
}
