//! What is asked, and what is answered.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::flags::{AddrInfoFlags, Family, NameInfoFlags, SocketType};
use super::lookup::Question;
use super::system;

/// A port: a number, the name of a service, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    None,
    Number(i64),
    Service(String),
}

/// Numbers of any type, so that a literal is one. Whether it is a port is seen when it is used.
macro_rules! from_numbers {
    ($($type:ident)*) => {
        $(impl From<$type> for Port {
            fn from(number: $type) -> Self {
                Self(Kind::Number(number.into()))
            }
        })*
    };
}

from_numbers!(u16 i32);

impl From<&str> for Port {
    fn from(service: &str) -> Self {
        service.to_owned().into()
    }
}

impl From<String> for Port {
    fn from(service: String) -> Self {
        Self(Kind::Service(service))
    }
}

impl<T: Into<Port>> From<Option<T>> for Port {
    fn from(port: Option<T>) -> Self {
        port.map_or(Self(Kind::None), Into::into)
    }
}

impl Port {
    /// As the resolver wants it; and whether it is no name.
    fn into_service(self) -> io::Result<(Option<String>, bool)> {
        match self.0 {
            Kind::None => Ok((None, true)),
            Kind::Number(number) if u16::try_from(number).is_ok() => {
                Ok((Some(number.to_string()), true))
            }
            Kind::Number(number) => Err(invalid(format!("{number} is no port: it is 0 to 65535"))),
            Kind::Service(name) => {
                let is_numeric = name.parse::<u16>().is_ok();
                Ok((Some(name), is_numeric))
            }
        }
    }
}

/// One answer of [`getaddrinfo`](super::getaddrinfo).
///
/// asyncio: the tuple `(family, type, proto, canonname, sockaddr)`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AddrInfo {
    /// The family of the address.
    pub family: Family,
    /// The type of the socket to make.
    pub socket_type: SocketType,
    /// The protocol of the socket to make, by its number.
    pub protocol: i32,
    /// The name that the host calls itself: of the first answer, if it was asked for.
    pub canonical_name: Option<String>,
    /// The address.
    pub address: SocketAddr,
}

/// What [`getaddrinfo`](super::getaddrinfo) is asked.
#[derive(Debug)]
pub(crate) struct Query {
    host: Option<String>,
    port: Port,
    pub(super) family: Family,
    pub(crate) socket_type: SocketType,
    pub(super) protocol: i32,
    pub(super) flags: AddrInfoFlags,
}

impl Query {
    pub(crate) fn new(host: Option<String>, port: Port) -> Self {
        Self {
            host,
            port,
            family: Family::UNSPEC,
            socket_type: SocketType::ANY,
            protocol: 0,
            flags: AddrInfoFlags::default(),
        }
    }

    pub(crate) fn into_question(self) -> io::Result<Question<Vec<AddrInfo>>> {
        let host = self.host.as_deref().unwrap_or_default().to_owned();
        let (service, is_port_known) = self.port.into_service()?;
        let is_host_known = self.host.as_ref().is_none_or(|host| host.parse::<IpAddr>().is_ok())
            || self.flags.contains(AddrInfoFlags::NUMERICHOST);
        let hints = system::Hints {
            family: self.family.as_raw(),
            socket_type: self.socket_type.as_raw(),
            protocol: self.protocol,
            flags: self.flags.as_raw(),
        };
        let ask = move || system::addresses(self.host.as_deref(), service.as_deref(), hints);
        Ok(Question { host, needs_thread: !(is_host_known && is_port_known), ask: Box::new(ask) })
    }
}

/// What [`getnameinfo`](super::getnameinfo) is asked.
#[derive(Debug)]
pub(super) struct NameQuery {
    pub(super) address: SocketAddr,
    pub(super) flags: NameInfoFlags,
}

impl NameQuery {
    pub(super) fn into_question(self) -> io::Result<Question<(String, String)>> {
        let Self { address, flags } = self;
        let is_numeric = flags.contains(NameInfoFlags::NUMERICHOST)
            && flags.contains(NameInfoFlags::NUMERICSERV);
        Ok(Question {
            host: address.to_string(),
            needs_thread: !is_numeric,
            ask: Box::new(move || system::names(address, flags.as_raw())),
        })
    }
}

pub(super) fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
