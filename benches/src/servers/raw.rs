//! The floor: the services on a bare epoll, without a runtime, with no system call that could be left out.
//!
//! Edge-triggered, registered once, for reading only; a short read is the last one of its event. One thread has
//! one epoll; of two threads each has its own, with every second connection.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, SocketFlags, sockopt};
use slab::Slab;

use super::Service;
use crate::echo::{BUFFER_BYTES, HELLO, LARGE_MESSAGE_BYTES};

/// How many events one wait takes.
const BATCH: usize = 256;
/// The key of what is not a connection: the listener, or the UDP socket.
const ENTRANCE: u64 = u64::MAX;
const END_OF_REQUEST: &[u8] = b"\r\n\r\n";

/// One thread's epoll, and its connections by the keys of their events.
struct Loop {
    epoll: OwnedFd,
    /// Locked by its thread for a batch, and by the one that accepts.
    connections: Mutex<Slab<Connection>>,
}

struct Connection {
    socket: OwnedFd,
    /// How much of the end of a request has come.
    matched_bytes: usize,
}

/// Serves for ever.
pub(super) fn serve(service: Service, threads: usize, bound: &mpsc::Sender<SocketAddr>) {
    let make = |_| Loop {
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC).expect("epoll_create"),
        connections: Mutex::new(Slab::new()),
    };
    let loops: Arc<[Loop]> = (0..threads).map(make).collect();
    let (entrance, address) = open(service);
    let entrance = Arc::new(entrance);
    // The threads share a UDP socket, one of them woken at a time; one thread accepts.
    let (entered_by, exclusive) = match service {
        Service::UdpEcho if threads > 1 => (threads, EventFlags::EXCLUSIVE),
        _ => (1, EventFlags::empty()),
    };
    for each in &loops[..entered_by] {
        let flags = EventFlags::IN | EventFlags::ET | exclusive;
        epoll::add(&each.epoll, &entrance, EventData::new_u64(ENTRANCE), flags).expect("epoll_ctl");
    }
    bound.send(address).expect("somebody asked");
    thread::scope(|scope| {
        for index in 0..threads {
            let (loops, entrance) = (loops.clone(), entrance.clone());
            scope.spawn(move || Server::new(service, index, loops, entrance).run());
        }
    });
}

fn open(service: Service) -> (OwnedFd, SocketAddr) {
    if service == Service::UdpEcho {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind");
        socket.set_nonblocking(true).expect("nonblocking");
        let address = socket.local_addr().expect("address");
        (socket.into(), address)
    } else {
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("bind");
        listener.set_nonblocking(true).expect("nonblocking");
        let address = listener.local_addr().expect("address");
        (listener.into(), address)
    }
}

/// One thread.
struct Server {
    service: Service,
    index: usize,
    loops: Arc<[Loop]>,
    entrance: Arc<OwnedFd>,
    accepted_count: usize,
    buffer: Vec<u8>,
    reply: Vec<u8>,
    replies: Vec<u8>,
}

impl Server {
    fn new(service: Service, index: usize, loops: Arc<[Loop]>, entrance: Arc<OwnedFd>) -> Self {
        let is_large = service == Service::LargeEcho;
        let buffer = vec![0; if is_large { LARGE_MESSAGE_BYTES } else { BUFFER_BYTES }];
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\
                    date: Sat, 21 Nov 2026 12:00:00 GMT\r\n\r\n";
        let reply = [head.as_bytes(), HELLO].concat();
        let (accepted_count, replies) = (0, Vec::new());
        Self { service, index, loops, entrance, accepted_count, buffer, reply, replies }
    }

    fn run(mut self) {
        let loops = self.loops.clone();
        let own = &loops[self.index];
        let mut events = Vec::with_capacity(BATCH);
        loop {
            events.clear();
            epoll::wait(&own.epoll, spare_capacity(&mut events), None).expect("epoll_wait");
            if events.iter().any(|event| event.data.u64() == ENTRANCE) {
                if self.service == Service::UdpEcho {
                    self.echo_datagrams();
                } else {
                    self.accept();
                }
            }
            let mut connections = own.connections.lock().expect("nobody panics");
            for event in &events {
                let key = event.data.u64();
                if key != ENTRANCE && self.serve(&mut connections[key as usize]).is_err() {
                    connections.remove(key as usize);
                }
            }
        }
    }

    fn accept(&mut self) {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        while let Ok(socket) = rustix::net::accept_with(&self.entrance, flags) {
            sockopt::set_tcp_nodelay(&socket, true).expect("nodelay");
            let to = &self.loops[self.accepted_count % self.loops.len()];
            self.accepted_count += 1;
            let mut connections = to.connections.lock().expect("nobody panics");
            let entry = connections.vacant_entry();
            let data = EventData::new_u64(entry.key() as u64);
            epoll::add(&to.epoll, &socket, data, EventFlags::IN | EventFlags::ET)
                .expect("epoll_ctl");
            entry.insert(Connection { socket, matched_bytes: 0 });
        }
    }

    /// Reads until a read is short, and answers each. An error ends the connection.
    fn serve(&mut self, connection: &mut Connection) -> Result<(), Errno> {
        loop {
            let count = match rustix::net::recv(
                &connection.socket,
                self.buffer.as_mut_slice(),
                RecvFlags::empty(),
            ) {
                Ok((_, 0)) => return Err(Errno::CONNRESET),
                Ok((_, count)) => count,
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error),
            };
            match self.service {
                Service::Http | Service::HttpPipelined => self.answer(connection, count)?,
                _ => send_all(&connection.socket, &self.buffer[..count])?,
            }
            if count < self.buffer.len() {
                return Ok(());
            }
        }
    }

    /// An answer for each end of a request that has come.
    fn answer(&mut self, connection: &mut Connection, count: usize) -> Result<(), Errno> {
        self.replies.clear();
        for &byte in &self.buffer[..count] {
            let matched = &mut connection.matched_bytes;
            *matched = match byte {
                _ if byte == END_OF_REQUEST[*matched] => *matched + 1,
                b'\r' => 1,
                _ => 0,
            };
            if *matched == END_OF_REQUEST.len() {
                *matched = 0;
                self.replies.extend_from_slice(&self.reply);
            }
        }
        send_all(&connection.socket, &self.replies)
    }

    fn echo_datagrams(&mut self) {
        let buffer = self.buffer.as_mut_slice();
        while let Ok((_, count, Some(from))) =
            rustix::net::recvfrom(&self.entrance, &mut *buffer, RecvFlags::empty())
        {
            rustix::net::sendto(&self.entrance, &buffer[..count], SendFlags::empty(), &from)
                .expect("sendto");
        }
    }
}

/// Sends; where there is no room, again until there is, which the cases never come to.
fn send_all(socket: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::net::send(socket, bytes, SendFlags::NOSIGNAL) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::AGAIN) => thread::yield_now(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
