//! UDP.

mod socket;
mod batch;
mod futures;
mod multicast;

pub use batch::{Datagrams, RecvMany, SendMany};
pub use futures::{BindUdp, ConnectUdp};
pub use socket::UdpSocket;
