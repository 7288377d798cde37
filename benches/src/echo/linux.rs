//! The client on epoll.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt;

use super::{CONNECTIONS, Exchange, HELLO, Load, MESSAGE_BYTES};

/// Room for the largest message in flight, so that a request goes out at once.
const SEND_BUFFER_BYTES: usize = 256 * 1024;

/// Connections to one server.
pub struct Client {
    epoll: OwnedFd,
    load: Load,
    reply_bytes: usize,
    connections: Vec<Connection>,
    /// Makes the connection of this index anew for each exchange.
    renew: Option<Box<dyn Fn(usize) -> OwnedFd>>,
    buffer: Vec<u8>,
}

struct Connection {
    socket: OwnedFd,
    began: Instant,
    received_bytes: usize,
}

impl Client {
    /// Connects to the server by TCP.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn connect(address: SocketAddr, load: Load) -> Self {
        let reply_bytes =
            if load.is_echo { load.request.len() } else { measure_reply(address, &load) };
        Self::over(load, reply_bytes, |_| {
            let stream = TcpStream::connect(address).expect("connect");
            stream.set_nodelay(true).expect("nodelay");
            stream.set_nonblocking(true).expect("nonblocking");
            sockopt::set_socket_send_buffer_size(&stream, SEND_BUFFER_BYTES).expect("buffer");
            stream.into()
        })
    }

    /// Connects anew for each exchange, which is an echo, and closes the connection when the answer is there.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn connect_again_and_again(address: SocketAddr) -> Self {
        let connect = move |index| connect_to(index, address);
        let client = Self::over(Load::echo(MESSAGE_BYTES), MESSAGE_BYTES, connect);
        Self { renew: Some(Box::new(connect)), ..client }
    }

    /// Sends to the server by UDP. Nothing is lost on the loopback: at most one message of each socket is on
    /// its way.
    ///
    /// # Panics
    ///
    /// When it cannot.
    pub fn connect_udp(address: SocketAddr) -> Self {
        Self::over(Load::echo(MESSAGE_BYTES), MESSAGE_BYTES, |_| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
            socket.connect(address).expect("connect");
            socket.set_nonblocking(true).expect("nonblocking");
            socket.into()
        })
    }

    fn over(load: Load, reply_bytes: usize, make: impl Fn(usize) -> OwnedFd) -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll_create");
        let connections = (0..CONNECTIONS)
            .map(|index| {
                let socket = make(index);
                watch(&epoll, &socket, index);
                Connection { socket, began: Instant::now(), received_bytes: 0 }
            })
            .collect();
        let buffer = vec![0; reply_bytes];
        Self { epoll, load, reply_bytes, connections, renew: None, buffer }
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
        for connection in &mut self.connections {
            connection.began = Instant::now();
            connection.send(&self.load.request);
        }
        let mut messages = 0;
        while in_flight > 0 {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), None).expect("epoll_wait");
            let stop = is_enough(messages, start.elapsed());
            for event in &events {
                let index = event.data.u64() as usize;
                let connection = &mut self.connections[index];
                if !connection.receive(self.reply_bytes, &mut self.buffer) {
                    continue;
                }
                latencies_ns.push(connection.began.elapsed().as_nanos() as u64);
                messages += self.load.messages;
                connection.began = Instant::now();
                if let Some(renew) = &self.renew {
                    connection.socket = renew(index);
                    watch(&self.epoll, &connection.socket, index);
                }
                if stop {
                    in_flight -= 1;
                } else {
                    connection.send(&self.load.request);
                }
            }
        }
        Exchange { messages, elapsed: start.elapsed(), latencies_ns }
    }
}

fn watch(epoll: &OwnedFd, socket: &OwnedFd, index: usize) {
    let data = epoll::EventData::new_u64(index as u64);
    epoll::add(epoll, socket, data, epoll::EventFlags::IN).expect("epoll_ctl");
}

/// Connects to an address of the connection's own: of the ports to one address too many would be waiting for late
/// packets after a while.
fn connect_to(index: usize, address: SocketAddr) -> OwnedFd {
    let host = Ipv4Addr::new(127, 0, 0, u8::try_from(index + 1).expect("few connections"));
    let stream = TcpStream::connect((host, address.port())).expect("connect");
    stream.set_nodelay(true).expect("nodelay");
    stream.set_nonblocking(true).expect("nonblocking");
    stream.into()
}

/// How long the answer to a request is, and so to all like it.
fn measure_reply(address: SocketAddr, load: &Load) -> usize {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.write_all(&load.request).expect("send");
    let mut reply = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer).expect("receive");
        assert!(count > 0, "the server has closed the connection");
        reply.extend_from_slice(&buffer[..count]);
        let hellos = reply.windows(HELLO.len()).filter(|&part| part == HELLO).count();
        if hellos as u64 == load.messages {
            return reply.len();
        }
    }
}

impl Connection {
    fn send(&mut self, request: &[u8]) {
        self.received_bytes = 0;
        // A socket with nothing in flight has room for one request.
        let count = rustix::io::write(&self.socket, request).expect("send");
        assert_eq!(count, request.len());
    }

    /// Takes what is there, and says whether the answer is complete.
    fn receive(&mut self, reply_bytes: usize, buffer: &mut [u8]) -> bool {
        let room = &mut buffer[..reply_bytes - self.received_bytes];
        let count = match rustix::io::read(&self.socket, room) {
            Ok(count) => count,
            Err(Errno::AGAIN) => return false,
            Err(error) => panic!("receive: {error}"),
        };
        assert!(count > 0, "the server has closed a connection");
        self.received_bytes += count;
        self.received_bytes == reply_bytes
    }
}
