//! The client where there is no epoll: the echo is measured on Linux only.

use std::net::SocketAddr;
use std::time::Duration;

use super::Exchange;

/// Connections to one server.
pub struct Client;

impl Client {
    /// Refuses.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn connect(_: SocketAddr) -> Self {
        panic!("the echo benchmark needs Linux");
    }

    /// Refuses.
    ///
    /// # Panics
    ///
    /// Always.
    pub fn connect_udp(_: SocketAddr) -> Self {
        panic!("the echo benchmark needs Linux");
    }

    /// Never called.
    pub fn end_udp(self) {
        unreachable!("there is no client here");
    }

    /// Never called.
    pub fn exchange(&mut self, _: impl Fn(u64, Duration) -> bool) -> Exchange {
        unreachable!("there is no client here");
    }
}
