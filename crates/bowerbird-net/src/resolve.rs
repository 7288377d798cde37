//! From a target to addresses: names are looked up on the blocking pool, never on a worker.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bowerbird_base::poll_context::{self, OffloadClass};
use bowerbird_sync::oneshot;

use crate::socket;
use crate::to_addrs::{Target, ToAddrs};

/// The addresses of a target, now or after a lookup.
pub(crate) enum Resolve {
    Known(Option<io::Result<Vec<SocketAddr>>>),
    Name(String, u16),
    LookingUp(oneshot::Receiver<io::Result<Vec<SocketAddr>>>),
}

impl Resolve {
    pub(crate) fn new(addrs: &impl ToAddrs) -> Self {
        match addrs.to_target() {
            Ok(Target::Addrs(addrs)) => Self::Known(Some(Ok(addrs))),
            Ok(Target::Name(host, port)) => Self::Name(host, port),
            Err(error) => Self::Known(Some(Err(error))),
        }
    }

    fn look_up(host: &str, port: u16) -> Self {
        let (sender, receiver) = oneshot::channel();
        let name = host.to_owned();
        let job = Box::new(move || {
            let found = socket::look_up(&name, port).map_err(|error| {
                io::Error::new(error.kind(), format!("cannot look up `{name}`: {error}"))
            });
            // Who asked may have gone.
            let _ = sender.send(found);
        });
        match poll_context::offload(OffloadClass::Dns, job) {
            Ok(()) => Self::LookingUp(receiver),
            Err(_) => Self::Known(Some(Err(io::Error::other(format!(
                "cannot look up `{host}`: the runtime's blocking pool takes no more work"
            ))))),
        }
    }
}

impl Future for Resolve {
    type Output = io::Result<Vec<SocketAddr>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match &mut *self {
                Self::Known(result) => {
                    return match result.take() {
                        Some(result) => Poll::Ready(result),
                        None => panic!("polled after it was ready"),
                    };
                }
                Self::Name(host, port) => {
                    let next = Self::look_up(host, *port);
                    *self = next;
                }
                Self::LookingUp(receiver) => {
                    return Pin::new(receiver).poll(cx).map(|found| {
                        found.unwrap_or_else(|_| {
                            Err(io::Error::other(
                                "the name lookup was given up: the runtime has ended",
                            ))
                        })
                    });
                }
            }
        }
    }
}
