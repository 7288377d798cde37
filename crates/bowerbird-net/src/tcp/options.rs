//! Options that a TCP socket has before and after it is connected.

use std::io;
use std::time::Duration;

use socket2::TcpKeepalive;

use super::{TcpListener, TcpSocket, TcpStream};
use crate::accepting::Listener;
use crate::byte_stream::Endpoint;
use crate::options::{options, packet_options};
use crate::socket::option;

/// When the system asks a silent peer whether it is still there, and when it gives the connection up.
///
/// asyncio: `sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1)` and the `TCP_KEEP*` options.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Keepalive {
    time: Option<Duration>,
    interval: Option<Duration>,
    retries: Option<u32>,
}

impl Keepalive {
    /// With the times that the system has chosen.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the connection is silent before the first question (`TCP_KEEPIDLE`), in whole seconds.
    #[must_use]
    pub fn time(mut self, time: Duration) -> Self {
        self.time = Some(time);
        self
    }

    /// How long from question to question (`TCP_KEEPINTVL`), in whole seconds; OpenBSD cannot set it.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = Some(interval);
        self
    }

    /// How many questions without an answer end the connection (`TCP_KEEPCNT`); OpenBSD cannot set it.
    #[must_use]
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    fn to_system(self) -> io::Result<TcpKeepalive> {
        let mut system = TcpKeepalive::new();
        if let Some(time) = self.time {
            system = system.with_time(time);
        }
        #[cfg(not(any(target_os = "openbsd", target_os = "haiku", target_os = "solaris")))]
        {
            if let Some(interval) = self.interval {
                system = system.with_interval(interval);
            }
            if let Some(retries) = self.retries {
                system = system.with_retries(retries);
            }
        }
        #[cfg(any(target_os = "openbsd", target_os = "haiku", target_os = "solaris"))]
        if self.interval.is_some() || self.retries.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "this system cannot set the interval and the retries of keepalive for one socket",
            ));
        }
        Ok(system)
    }
}

/// The options that streams, listeners and sockets share.
macro_rules! tcp_options {
    ($Type:ident, $this:ident => $source:expr) => {
        packet_options!($Type, $this => $source);

        options! {
            $Type, $this => $source;
            keepalive, set_keepalive: bool, keepalive, set_keepalive,
                "whether the system asks a silent peer if it is still there (`SO_KEEPALIVE`).";
            #[cfg(target_os = "linux")]
            quickack, set_quickack: bool, tcp_quickack, set_tcp_quickack,
                "whether data is acknowledged at once (`TCP_QUICKACK`); the system may change it. Linux.";
            #[cfg(target_os = "linux")]
            user_timeout, set_user_timeout: Option<Duration>, tcp_user_timeout, set_tcp_user_timeout,
                "how long data may stay unacknowledged (`TCP_USER_TIMEOUT`). Linux.";
        }

        impl $Type {
            /// Turns keepalive on, with these times.
            ///
            /// asyncio: `sock.setsockopt(..)`.
            ///
            /// # Errors
            /// What the system says; `Unsupported` for what it cannot set.
            pub fn set_keepalive_times(&self, keepalive: Keepalive) -> io::Result<()> {
                let $this = self;
                let system = keepalive.to_system()?;
                option($source, |socket| socket.set_tcp_keepalive(&system))
            }
        }
    };
}

tcp_options!(TcpStream, this => this.core().os());
tcp_options!(TcpListener, this => this.source().get_ref());
tcp_options!(TcpSocket, this => this.socket());
