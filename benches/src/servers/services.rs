//! What a server does, and who serves it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::mpsc;

use super::{Network, echo, echo_one};
#[cfg(target_os = "linux")]
use super::{monoio, raw};
use crate::echo::{BUFFER_BYTES, CONNECTIONS, IDLE_CONNECTIONS, LARGE_MESSAGE_BYTES};
use crate::machine::allow_many_descriptors;
use crate::runtimes::{self, Visitor};

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Gives back what comes, 64 bytes a message.
    Echo,
    /// The same with 16 KiB a message.
    LargeEcho,
    /// An exchange a connection.
    Churn,
    /// Gives back datagrams.
    UdpEcho,
    /// Says hello to every request.
    Http,
    /// Says hello to 16 requests that come together.
    HttpPipelined,
    /// Holds connections that say nothing.
    Idle,
}

/// The cases, by their names.
const SERVICES: &[(&str, Service)] = &[
    ("tcp_echo", Service::Echo),
    ("tcp_echo_16k", Service::LargeEcho),
    ("connection_churn", Service::Churn),
    ("udp_echo", Service::UdpEcho),
    ("http_plaintext", Service::Http),
    ("http_pipelined", Service::HttpPipelined),
    ("idle_connection_memory", Service::Idle),
];

/// The name of the floor: one thread on a bare epoll.
pub const RAW: &str = crate::raw::NAME;
/// The same with two threads, an epoll each.
pub const RAW_TWO: &str = "raw-two";
/// monoio on io_uring.
pub const MONOIO: &str = "monoio";
/// monoio on epoll.
pub const MONOIO_EPOLL: &str = "monoio-epoll";

impl Service {
    /// The service that a case is about, if it is about one.
    pub fn of(case: &str) -> Option<Self> {
        SERVICES.iter().find(|(name, _)| *name == case).map(|&(_, service)| service)
    }

    /// Who is measured beside the runtimes.
    pub fn others(self, workers: usize) -> Vec<&'static str> {
        let mut names = Vec::new();
        if cfg!(target_os = "linux") && self != Self::Idle {
            names.push(RAW);
            if workers > 1 {
                names.push(RAW_TWO);
            }
        }
        if cfg!(target_os = "linux") && matches!(self, Self::Echo | Self::LargeEcho) {
            names.extend([MONOIO, MONOIO_EPOLL]);
        }
        names
    }
}

/// Serves in this thread until the clients have gone, or for ever; says on `bound` where. `None` if nothing is called
/// `name`.
pub fn serve(
    name: &str,
    service: Service,
    workers: usize,
    bound: mpsc::Sender<SocketAddr>,
) -> Option<()> {
    #[cfg(target_os = "linux")]
    if serve_without_tasks(name, service, workers, &bound) {
        return Some(());
    }
    runtimes::visit(name, &mut Serve { service, workers, bound: Some(bound) })
}

/// The same for those that are no [`Runtime`]; whether it is one of them.
#[cfg(target_os = "linux")]
fn serve_without_tasks(
    name: &str,
    service: Service,
    workers: usize,
    bound: &mpsc::Sender<SocketAddr>,
) -> bool {
    match name {
        RAW => raw::serve(service, 1, bound),
        RAW_TWO => raw::serve(service, 2, bound),
        MONOIO => monoio::serve_by_uring(service, workers, bound),
        MONOIO_EPOLL => monoio::serve_by_epoll(service, workers, bound),
        _ => return false,
    }
    true
}

struct Serve {
    service: Service,
    workers: usize,
    bound: Option<mpsc::Sender<SocketAddr>>,
}

impl Visitor for Serve {
    type Output = ();

    fn visit<R: Network>(&mut self) {
        let bound = self.bound.take().expect("it is visited once");
        let (held_before, held) = IDLE_CONNECTIONS;
        match self.service {
            Service::Echo => R::run(self.workers, echo::<R, BUFFER_BYTES>(bound, CONNECTIONS)),
            Service::LargeEcho => {
                R::run(self.workers, echo::<R, LARGE_MESSAGE_BYTES>(bound, CONNECTIONS));
            }
            Service::Churn => {
                R::run(self.workers, accept_for_ever::<R, _>(bound, echo_one::<R, BUFFER_BYTES>));
            }
            Service::UdpEcho => R::run(self.workers, udp_echo::<R>(bound)),
            Service::Http | Service::HttpPipelined => {
                R::run(self.workers, accept_for_ever::<R, _>(bound, R::http));
            }
            Service::Idle => {
                allow_many_descriptors();
                R::run(self.workers, echo::<R, BUFFER_BYTES>(bound, held_before + held));
            }
        }
    }
}

async fn accept_for_ever<R: Network, F>(
    bound: mpsc::Sender<SocketAddr>,
    serve: impl Fn(R::Stream) -> F + Send,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let (listener, address) = R::listen().await;
    bound.send(address).expect("somebody asked");
    loop {
        R::spawn_detached(serve(R::accept(&listener).await));
    }
}

/// Echoes datagrams in one task.
async fn udp_echo<R: Network>(bound: mpsc::Sender<SocketAddr>) {
    let (socket, address) = R::bind().await;
    bound.send(address).expect("somebody asked");
    let echo = R::spawn(async move {
        let mut buffer = [0; BUFFER_BYTES];
        while let Ok((count, from)) = R::recv_from(&socket, &mut buffer).await {
            R::send_to(&socket, &buffer[..count], from).await.expect("the client is there");
        }
    });
    echo.await;
}
