//! How a connect goes about several addresses, and what it tells when none could be connected.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// How long an attempt has before the next one begins beside it (RFC 8305, section 5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How [`TcpStream::connect_with`](crate::TcpStream::connect_with) goes about several addresses.
///
/// asyncio: the keyword arguments `happy_eyeballs_delay`, `interleave` and `local_addr` of `create_connection`
/// and `open_connection`. The delay is 250 ms here where asyncio has none, and so families alternate.
///
/// # Examples
/// ```
/// use bowerbird::net::{ConnectOptions, TcpListener, TcpStream};
///
/// bowerbird::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let options = ConnectOptions::new().happy_eyeballs_delay(None).local_addr("127.0.0.1:0".parse().unwrap());
///     let connect = TcpStream::connect_with(listener.local_addr()?, &options);
///     let (client, (_server, peer)) = bowerbird::try_join((connect, listener.accept())).await?;
///     assert_eq!(client.local_addr()?, peer);
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    pub(super) delay: Option<Duration>,
    interleave: Option<usize>,
    pub(super) local: Vec<SocketAddr>,
    pub(super) nodelay: bool,
    keeps: fn(&SocketAddr) -> bool,
}

impl ConnectOptions {
    /// The options of a plain connect.
    pub fn new() -> Self {
        Self {
            delay: Some(ATTEMPT_DELAY),
            interleave: None,
            local: Vec::new(),
            nodelay: true,
            keeps: |_| true,
        }
    }

    /// How long an attempt has before the next one begins beside it; `None`: until it has failed.
    ///
    /// asyncio: `happy_eyeballs_delay`.
    #[must_use]
    pub fn happy_eyeballs_delay(mut self, delay: Option<Duration>) -> Self {
        self.delay = delay;
        self
    }

    /// How many addresses of the first one's family are tried before the families alternate; 0: the addresses
    /// are tried in the resolver's order. It is 1 with a delay and 0 without one, unless it is set.
    ///
    /// asyncio: `interleave`.
    #[must_use]
    pub fn interleave(mut self, count: usize) -> Self {
        self.interleave = Some(count);
        self
    }

    /// Connects from this address, or with several calls from the first of the right family that can be bound.
    ///
    /// asyncio: `local_addr`.
    #[must_use]
    pub fn local_addr(mut self, address: SocketAddr) -> Self {
        self.local.push(address);
        self
    }

    /// Connects to IPv4 addresses only.
    ///
    /// asyncio: `family=AF_INET`.
    #[must_use]
    pub fn only_v4(mut self) -> Self {
        self.keeps = SocketAddr::is_ipv4;
        self
    }

    /// Connects to IPv6 addresses only.
    ///
    /// asyncio: `family=AF_INET6`.
    #[must_use]
    pub fn only_v6(mut self) -> Self {
        self.keeps = SocketAddr::is_ipv6;
        self
    }

    /// Whether `TCP_NODELAY` is set; it is, unless this says no.
    ///
    /// asyncio: no counterpart: it is always set there.
    #[must_use]
    pub fn nodelay(mut self, on: bool) -> Self {
        self.nodelay = on;
        self
    }

    /// The addresses in the order in which they are tried.
    pub(super) fn order(&self, mut addrs: Vec<SocketAddr>) -> Vec<SocketAddr> {
        addrs.retain(self.keeps);
        match self.interleave.unwrap_or(usize::from(self.delay.is_some())) {
            0 => addrs,
            count => interleave(addrs, count),
        }
    }

    /// The local addresses for a remote one; none if it is all the same.
    pub(super) fn local_for(&self, remote: SocketAddr) -> io::Result<Vec<SocketAddr>> {
        let fitting: Vec<_> =
            self.local.iter().copied().filter(|it| it.is_ipv4() == remote.is_ipv4()).collect();
        if fitting.is_empty() && !self.local.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("no local address of the family of {remote} among {:?}", self.local),
            ));
        }
        Ok(fitting)
    }
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Alternates the families, beginning with `count` addresses of that of the first (RFC 8305, section 4).
pub(super) fn interleave(addrs: Vec<SocketAddr>, count: usize) -> Vec<SocketAddr> {
    let begins_with_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let mut order = Vec::with_capacity(addrs.len());
    let (first, second): (Vec<_>, Vec<_>) =
        addrs.into_iter().partition(|address| address.is_ipv6() == begins_with_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    order.extend(first.by_ref().take(count.saturating_sub(1)));
    loop {
        let pair = [first.next(), second.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

/// The methods of a future that connects, which set its options: for a type with
/// `fn with(self, impl FnOnce(ConnectOptions) -> ConnectOptions) -> Self`.
#[doc(hidden)]
#[macro_export]
macro_rules! connect_options {
    () => {
        /// Sets how long an attempt has before the next one begins beside it; as
        /// [`ConnectOptions::happy_eyeballs_delay`].
        ///
        /// asyncio: `happy_eyeballs_delay=`.
        pub fn happy_eyeballs_delay(self, delay: impl Into<Option<::std::time::Duration>>) -> Self {
            let delay = delay.into();
            self.with(|options| options.happy_eyeballs_delay(delay))
        }

        /// Sets how the families of addresses alternate; as [`ConnectOptions::interleave`].
        ///
        /// asyncio: `interleave=`.
        pub fn interleave(self, first_family_count: usize) -> Self {
            self.with(|options| options.interleave(first_family_count))
        }

        /// Binds this end to an address before it connects; as [`ConnectOptions::local_addr`].
        ///
        /// asyncio: `local_addr=`.
        pub fn local_addr(self, address: ::std::net::SocketAddr) -> Self {
            self.with(|options| options.local_addr(address))
        }

        /// Connects to IPv4 addresses only.
        ///
        /// asyncio: `family=AF_INET`.
        pub fn only_v4(self) -> Self {
            self.with(ConnectOptions::only_v4)
        }

        /// Connects to IPv6 addresses only.
        ///
        /// asyncio: `family=AF_INET6`.
        pub fn only_v6(self) -> Self {
            self.with(ConnectOptions::only_v6)
        }
    };
}

/// The errors of all attempts of one connect: what is inside of its [`io::Error`] if there were several.
///
/// asyncio: the `ExceptionGroup` of `create_connection(.., all_errors=True)`.
///
/// # Examples
/// ```
/// use bowerbird::net::{ConnectErrors, TcpStream};
///
/// bowerbird::run(async {
///     let addrs = ["127.0.0.1:1".parse().unwrap(), "127.0.0.2:1".parse().unwrap()];
///     let error = TcpStream::connect(addrs).await.unwrap_err();
///     let all = error.get_ref().unwrap().downcast_ref::<ConnectErrors>().unwrap();
///     assert!(all.iter().map(|(address, _)| address).eq(addrs));
/// });
/// ```
#[derive(Debug)]
pub struct ConnectErrors(Vec<(SocketAddr, io::Error)>);

impl ConnectErrors {
    /// Each address that was tried, with its error.
    pub fn iter(&self) -> impl Iterator<Item = (SocketAddr, &io::Error)> {
        self.0.iter().map(|(address, error)| (*address, error))
    }

    /// One error stays itself; several are told together.
    pub(super) fn into_error(mut errors: Vec<(SocketAddr, io::Error)>) -> io::Error {
        if errors.len() > 1 {
            return io::Error::new(errors[0].1.kind(), Self(errors));
        }
        match errors.pop() {
            Some((_, error)) => error,
            None => {
                io::Error::new(io::ErrorKind::InvalidInput, "there is no address to connect to")
            }
        }
    }
}

impl fmt::Display for ConnectErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no address could be connected (")?;
        for (index, (address, error)) in self.0.iter().enumerate() {
            let separator = if index > 0 { "; " } else { "" };
            write!(f, "{separator}{address}: {error}")?;
        }
        f.write_str(")")
    }
}

impl Error for ConnectErrors {}

#[cfg(test)]
mod tests;
