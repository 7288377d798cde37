//! Names to addresses, and back.
//!
//! [`getaddrinfo`] and [`getnameinfo`] ask the system's resolver with everything that it can be asked,
//! [`lookup_host`] for the common case. `connect` and `bind` look names up by themselves.
//!
//! The system's resolver blocks, so it is asked on threads that do nothing else (64 of a runtime at most): lookups
//! that hang, because no name server answers, take no thread of `to_thread`, and the end of a runtime does not
//! wait for them. What needs no lookup, a numeric host with a numeric port, is answered at once.
//!
//! - `query`: what is asked, and its defaults. `flags`: the options of the system.
//! - `system`: **the calls of the operating system**, all unsafe code.
//! - `lookup`: a question on its way through the pool.
//! - `error`: what the resolver says.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::cancel_safe::CancelSafe;
use bowerbird_io::Leaf;

use crate::resolve::Resolve;
use crate::to_addrs::ToAddrs;

mod error;
mod flags;
mod lookup;
mod query;
#[allow(unsafe_code, reason = "std asks the system's resolver without options")]
mod system;

pub use error::{GaiError, GaiErrorKind};
pub use flags::{AddrInfoFlags, Family, NameInfoFlags, SocketType};
pub(crate) use lookup::Lookup;
#[doc(hidden)]
pub use lookup::before_lookups;
pub(crate) use query::Query;
pub use query::{AddrInfo, Port};

use query::NameQuery;

/// Looks up the addresses of a host and a service, with all that the system knows about them.
///
/// asyncio: `loop.getaddrinfo`, or `socket.getaddrinfo`; its keyword arguments are methods of what this returns,
/// which is awaited. The port is a number, a service name as `"http"`, or `None`; the host is a name, a numeric
/// address, or `None` for this machine (with [`AddrInfoFlags::PASSIVE`] for all of its addresses).
///
/// # Cancel safety
/// Nothing is lost but the question: a lookup that has not begun is not made any more, one that has goes on, on
/// its thread, for nobody.
///
/// # Errors
/// What the resolver says, as a [`GaiError`] inside of an [`io::Error`]: it names the host, and says in a
/// [`GaiErrorKind`] whether a second try is worth it. A host with a zero byte in it, a port that is none. Outside
/// a runtime, and after its end, what needs a thread fails.
///
/// # Examples
/// ```
/// use bowerbird::net::dns::{AddrInfoFlags, Family, GaiError, GaiErrorKind, SocketType};
/// use bowerbird::net::getaddrinfo;
///
/// bowerbird::run(async {
///     let found = getaddrinfo("127.0.0.1", "http").socket_type(SocketType::STREAM).await?;
///     assert_eq!(found[0].address, "127.0.0.1:80".parse().unwrap());
///     assert_eq!(found[0].family, Family::INET);
///
///     let question = getaddrinfo("no digits", 80).flags(AddrInfoFlags::NUMERICHOST);
///     let error = question.await.unwrap_err();
///     let why = error.get_ref().and_then(|it| it.downcast_ref::<GaiError>()).unwrap();
///     assert_eq!((why.kind(), why.host()), (GaiErrorKind::NoName, "no digits"));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn getaddrinfo<'a>(host: impl Into<Option<&'a str>>, port: impl Into<Port>) -> GetAddrInfo {
    let query = Query::new(host.into().map(str::to_owned), port.into());
    GetAddrInfo { query: Some(query), lookup: Lookup::new(Leaf::new("getaddrinfo")) }
}

/// The future of [`getaddrinfo`], and its options.
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct GetAddrInfo {
    /// Until the first poll.
    query: Option<Query>,
    lookup: Lookup<Vec<AddrInfo>>,
}

impl GetAddrInfo {
    fn set(mut self, set: impl FnOnce(&mut Query)) -> Self {
        if let Some(query) = &mut self.query {
            set(query);
        }
        self
    }

    /// Only addresses of this family. asyncio: `family=`.
    pub fn family(self, family: Family) -> Self {
        self.set(|query| query.family = family)
    }

    /// Only for sockets of this type. asyncio: `type=`. Without it each address comes once for each type.
    pub fn socket_type(self, socket_type: SocketType) -> Self {
        self.set(|query| query.socket_type = socket_type)
    }

    /// Only for this protocol, by its number. asyncio: `proto=`.
    pub fn protocol(self, protocol: i32) -> Self {
        self.set(|query| query.protocol = protocol)
    }

    /// How to look. asyncio: `flags=`.
    pub fn flags(self, flags: AddrInfoFlags) -> Self {
        self.set(|query| query.flags = flags)
    }
}

impl Future for GetAddrInfo {
    type Output = io::Result<Vec<AddrInfo>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { query, lookup } = self.get_mut();
        lookup.poll(cx, || query.take().map(Query::into_question))
    }
}

/// Looks up the name of a host, and of a service, by their address.
///
/// asyncio: `loop.getnameinfo`. Without flags it is the name if there is one, else the number.
///
/// # Cancel safety
/// As [`getaddrinfo`].
///
/// # Errors
/// As [`getaddrinfo`]; the error names the address.
///
/// # Examples
/// ```
/// use bowerbird::net::dns::NameInfoFlags;
/// use bowerbird::net::getnameinfo;
///
/// bowerbird::run(async {
///     let flags = NameInfoFlags::NUMERICHOST | NameInfoFlags::NUMERICSERV;
///     let (host, service) = getnameinfo("[::1]:80".parse().unwrap(), flags).await?;
///     assert_eq!((host.as_str(), service.as_str()), ("::1", "80"));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn getnameinfo(address: SocketAddr, flags: NameInfoFlags) -> GetNameInfo {
    GetNameInfo {
        query: Some(NameQuery { address, flags }),
        lookup: Lookup::new(Leaf::new("getnameinfo")),
    }
}

/// The future of [`getnameinfo`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct GetNameInfo {
    query: Option<NameQuery>,
    lookup: Lookup<(String, String)>,
}

impl Future for GetNameInfo {
    type Output = io::Result<(String, String)>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { query, lookup } = self.get_mut();
        lookup.poll(cx, || query.take().map(NameQuery::into_question))
    }
}

/// Looks up the addresses that a `connect` would try, in their order.
///
/// asyncio: `loop.getaddrinfo(host, port, type=SOCK_STREAM)`, of which the addresses. What is an address already
/// is given back.
///
/// # Cancel safety
/// As [`getaddrinfo`].
///
/// # Errors
/// As [`getaddrinfo`]; or what is asked for is no address and no name with a port.
///
/// # Examples
/// ```
/// use bowerbird::net::lookup_host;
///
/// bowerbird::run(async {
///     let found = lookup_host("localhost:80").await?;
///     assert!(found.iter().all(|address| address.ip().is_loopback() && address.port() == 80));
///     std::io::Result::Ok(())
/// }).unwrap();
/// ```
#[track_caller]
pub fn lookup_host(host: impl ToAddrs) -> LookupHost {
    LookupHost(Resolve::with_leaf(&host, Leaf::new("lookup_host")))
}

/// The future of [`lookup_host`].
#[must_use = "futures do nothing unless you `.await` or poll them"]
pub struct LookupHost(Resolve);

impl Future for LookupHost {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl CancelSafe for GetAddrInfo {}
impl CancelSafe for GetNameInfo {}
impl CancelSafe for LookupHost {}

/// What is asked is shown until it is asked.
macro_rules! debug {
    ($($future:ident)*) => {
        $(impl fmt::Debug for $future {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).field("query", &self.query).finish_non_exhaustive()
            }
        })*
    };
}

debug!(GetAddrInfo GetNameInfo);

impl fmt::Debug for LookupHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LookupHost").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
