//! Options of UDP, and groups of receivers.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UdpSocket;
use crate::options::{options, packet_options};
use crate::socket::option;

packet_options!(UdpSocket, this => this.os());

options! {
    UdpSocket, this => this.os();
    broadcast, set_broadcast: bool, broadcast, set_broadcast,
        "whether it may send to broadcast addresses (`SO_BROADCAST`).";
    ttl, set_ttl: u32, ttl_v4, set_ttl_v4, "the time to live of IPv4 packets (`IP_TTL`).";
    multicast_loop_v4, set_multicast_loop_v4: bool, multicast_loop_v4, set_multicast_loop_v4,
        "whether IPv4 groups on this machine hear what it sends (`IP_MULTICAST_LOOP`).";
    multicast_ttl_v4, set_multicast_ttl_v4: u32, multicast_ttl_v4, set_multicast_ttl_v4,
        "the time to live of packets to IPv4 groups (`IP_MULTICAST_TTL`).";
    multicast_loop_v6, set_multicast_loop_v6: bool, multicast_loop_v6, set_multicast_loop_v6,
        "whether IPv6 groups on this machine hear what it sends (`IPV6_MULTICAST_LOOP`).";
    multicast_hops_v6, set_multicast_hops_v6: u32, multicast_hops_v6, set_multicast_hops_v6,
        "the hop limit of packets to IPv6 groups (`IPV6_MULTICAST_HOPS`).";
    multicast_if_v6, set_multicast_if_v6: u32, multicast_if_v6, set_multicast_if_v6,
        "the interface, by its number, for packets to IPv6 groups (`IPV6_MULTICAST_IF`).";
}

impl UdpSocket {
    /// Joins an IPv4 group on an interface, given by its address; with `0.0.0.0` the system chooses.
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, ..)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        option(self.os(), |socket| socket.join_multicast_v4(&group, &interface))
    }

    /// Leaves an IPv4 group on an interface.
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IP, IP_DROP_MEMBERSHIP, ..)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        option(self.os(), |socket| socket.leave_multicast_v4(&group, &interface))
    }

    /// Joins an IPv6 group on an interface, given by its number; with 0 the system chooses.
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IPV6, IPV6_JOIN_GROUP, ..)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        option(self.os(), |socket| socket.join_multicast_v6(&group, interface))
    }

    /// Leaves an IPv6 group on an interface.
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IPV6, IPV6_LEAVE_GROUP, ..)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        option(self.os(), |socket| socket.leave_multicast_v6(&group, interface))
    }

    /// Returns the address of the interface for packets to IPv4 groups (`IP_MULTICAST_IF`).
    ///
    /// asyncio: `sock.getsockopt(IPPROTO_IP, IP_MULTICAST_IF)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn multicast_if_v4(&self) -> io::Result<Ipv4Addr> {
        option(self.os(), |socket| socket.multicast_if_v4())
    }

    /// Sets the interface, by its address, for packets to IPv4 groups (`IP_MULTICAST_IF`).
    ///
    /// asyncio: `sock.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, ..)`.
    ///
    /// # Errors
    /// What the system says.
    pub fn set_multicast_if_v4(&self, interface: Ipv4Addr) -> io::Result<()> {
        option(self.os(), |socket| socket.set_multicast_if_v4(&interface))
    }

    /// Returns the name of the device that it is bound to (`SO_BINDTODEVICE`). Linux.
    ///
    /// asyncio: `sock.getsockopt(SOL_SOCKET, SO_BINDTODEVICE, ..)`.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(target_os = "linux")]
    pub fn device(&self) -> io::Result<Option<Vec<u8>>> {
        option(self.os(), |socket| socket.device())
    }

    /// Binds to a device, or to none (`SO_BINDTODEVICE`). Linux.
    ///
    /// asyncio: `sock.setsockopt(SOL_SOCKET, SO_BINDTODEVICE, ..)`.
    ///
    /// # Errors
    /// What the system says.
    #[cfg(target_os = "linux")]
    pub fn bind_device(&self, device: Option<&[u8]>) -> io::Result<()> {
        option(self.os(), |socket| socket.bind_device(device))
    }
}
