//! From what the user writes to socket addresses, for `connect`, `bind` and `lookup_host`.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_io::Leaf;

use crate::dns::{AddrInfo, Lookup, Query, SocketType};
use crate::to_addrs::{Target, ToAddrs};

/// The addresses of a target, now or after a lookup.
pub(crate) struct Resolve {
    /// What needs no lookup, until it is given.
    known: Option<io::Result<Vec<SocketAddr>>>,
    /// What does, until it is asked.
    query: Option<Query>,
    lookup: Lookup<Vec<AddrInfo>>,
}

impl Resolve {
    /// A part of another future, which notes its own place.
    pub(crate) fn new(addrs: &impl ToAddrs) -> Self {
        Self::with_leaf(addrs, Leaf::part(None))
    }

    pub(crate) fn with_leaf(addrs: &impl ToAddrs, leaf: Leaf) -> Self {
        let (known, query) = match addrs.to_target() {
            Ok(Target::Addrs(addrs)) => (Some(Ok(addrs)), None),
            Ok(Target::Name(host, port)) => {
                let mut query = Query::new(Some(host), port.into());
                query.socket_type = SocketType::STREAM;
                (None, Some(query))
            }
            Err(error) => (Some(Err(error)), None),
        };
        Self { known, query, lookup: Lookup::new(leaf) }
    }
}

impl Future for Resolve {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { known, query, lookup } = &mut *self;
        if let Some(result) = known.take() {
            lookup.polled();
            return Poll::Ready(result);
        }
        let found = lookup.poll(cx, || query.take().map(Query::into_question));
        found.map_ok(|found| found.into_iter().map(|it| it.address).collect())
    }
}
