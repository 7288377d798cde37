//! The client on epoll.

use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fd::OwnedFd;
use rustix::net::SendFlags;

use super::{CONNECTIONS, Exchange, MESSAGE_BYTES};

/// Connections to one server.
pub struct Client {
    epoll: OwnedFd,
    connections: Vec<Connection>,
}

struct Connection {
    socket: OwnedFd,
    sent_at: Instant,
    received_bytes: usize,
}

impl Client {
    /// Connects to the server by TCP.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(|| {
            let stream = TcpStream::connect(address).expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            stream.set_nonblocking(true).expect("nonblocking");
            stream.into()
        })
    }

    /// Sends to the server by UDP. Nothing is lost on the loopback: at most one message of each socket is on
    /// its way.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn connect_udp(address: SocketAddr) -> Self {
        Self::over(|| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
            socket.connect(address).expect("connect");
            socket.set_nonblocking(true).expect("nonblocking");
            socket.into()
        })
    }

    fn over(make: impl Fn() -> OwnedFd) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll_create");
        let connections = (0..CONNECTIONS)
            .map(|index| {
                let socket = make();
                let data = epoll::EventData::new_u64(index as u64);
                epoll::add(&epoll, &socket, data, epoll::EventFlags::IN).expect("epoll_ctl");
                Connection { socket, sent_at: Instant::now(), received_bytes: 0 }
            })
            .collect();
        Self { epoll, connections }
    }

    /// Ends a UDP server, which cannot see that its clients are gone: by an empty message.
    ///
    /// # Panics
    ///
    /// When it cannot be sent.
    pub fn end_udp(self) {
        rustix::net::send(&self.connections[0].socket, &[], SendFlags::empty()).expect("send");
    }

    /// Exchanges messages until `is_enough`, asked with their number and the time spent, says so, and
    /// then waits for those in flight.
    ///
    /// # Panics
    ///
    /// When a connection breaks.
    pub fn exchange(&mut self, is_enough: impl Fn(u64, Duration) -> bool) -> Exchange {
        let start = Instant::now();
        let mut latencies_ns = Vec::with_capacity(1 << 20);
        let mut events = Vec::with_capacity(CONNECTIONS);
        let mut in_flight = self.connections.len();
        self.connections.iter_mut().for_each(Connection::send);
        while in_flight > 0 {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None).expect("epoll_wait");
            let stop = is_enough(latencies_ns.len() as u64, start.elapsed());
            for event in &events {
                let connection = &mut self.connections[event.data.u64() as usize];
                if let Some(latency) = connection.receive() {
                    latencies_ns.push(latency.as_nanos() as u64);
                    if stop {
                        in_flight -= 1;
                    } else {
                        connection.send();
                    }
                }
            }
        }
        Exchange { messages: latencies_ns.len() as u64, elapsed: start.elapsed(), latencies_ns }
    }
}

impl Connection {
    fn send(&mut self) {
        self.received_bytes = 0;
        self.sent_at = Instant::now();
        // A socket with nothing in flight has room for one message.
        let count = rustix::io::write(&self.socket, &[7; MESSAGE_BYTES]).expect("send");
        assert_eq!(count, MESSAGE_BYTES);
    }

    /// Takes what is there; when the message is complete, how long it took.
    fn receive(&mut self) -> Option<Duration> {
        let mut buffer = [0; MESSAGE_BYTES];
        let count = rustix::io::read(&self.socket, &mut buffer).expect("receive");
        assert!(count > 0, "the server has closed a connection");
        self.received_bytes += count;
        (self.received_bytes == MESSAGE_BYTES).then(|| self.sent_at.elapsed())
    }
}
