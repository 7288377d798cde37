//! What may be given as an address.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// What an argument of `connect` or `bind` means: addresses, or a name to look up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// Addresses, tried in this order.
    Addrs(Vec<SocketAddr>),
    /// A name, looked up on the blocking pool, and a port.
    Name(String, u16),
}

/// What can be turned into socket addresses, a name lookup at most in between.
///
/// asyncio: the `host` and `port` arguments, in one value: `"example.org:80"`, `("example.org", 80)`, a
/// [`SocketAddr`], or several of these.
///
/// # Examples
/// ```
/// use bowerbird::net::{Target, ToAddrs};
/// assert_eq!("[::1]:80".to_target()?, Target::Addrs(vec!["[::1]:80".parse().unwrap()]));
/// assert_eq!("example.org:80".to_target()?, Target::Name("example.org".into(), 80));
/// assert!("example.org".to_target().is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ToAddrs {
    /// Says what this means. Does not block.
    ///
    /// # Errors
    /// It is neither an address nor a name with a port.
    fn to_target(&self) -> io::Result<Target>;
}

impl<T: ToAddrs + ?Sized> ToAddrs for &T {
    fn to_target(&self) -> io::Result<Target> {
        (**self).to_target()
    }
}

fn one(address: SocketAddr) -> io::Result<Target> {
    Ok(Target::Addrs(vec![address]))
}

/// Implements the trait for what is one address.
macro_rules! one_address {
    ($($type:ty),*) => {
        $(impl ToAddrs for $type {
            fn to_target(&self) -> io::Result<Target> {
                one((*self).into())
            }
        })*
    };
}

one_address!(
    SocketAddr,
    SocketAddrV4,
    SocketAddrV6,
    (IpAddr, u16),
    (Ipv4Addr, u16),
    (Ipv6Addr, u16)
);

impl ToAddrs for [SocketAddr] {
    fn to_target(&self) -> io::Result<Target> {
        Ok(Target::Addrs(self.to_vec()))
    }
}

impl<const N: usize> ToAddrs for [SocketAddr; N] {
    fn to_target(&self) -> io::Result<Target> {
        self[..].to_target()
    }
}

impl ToAddrs for Vec<SocketAddr> {
    fn to_target(&self) -> io::Result<Target> {
        self[..].to_target()
    }
}

impl ToAddrs for (&str, u16) {
    fn to_target(&self) -> io::Result<Target> {
        let (host, port) = *self;
        match host.parse::<IpAddr>() {
            Ok(ip) => one((ip, port).into()),
            Err(_) => Ok(Target::Name(host.to_owned(), port)),
        }
    }
}

impl ToAddrs for (String, u16) {
    fn to_target(&self) -> io::Result<Target> {
        (self.0.as_str(), self.1).to_target()
    }
}

impl ToAddrs for str {
    fn to_target(&self) -> io::Result<Target> {
        if let Ok(address) = self.parse() {
            return one(address);
        }
        let split = self.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
        match split {
            Some((host, port)) => (host, port).to_target(),
            None => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("`{self}` is no socket address: write it as `host:port`"),
            )),
        }
    }
}

impl ToAddrs for String {
    fn to_target(&self) -> io::Result<Target> {
        self.as_str().to_target()
    }
}
