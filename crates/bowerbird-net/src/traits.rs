//! The traits of the ecosystem, implemented where the types are.
//!
//! Reading traits are implemented for `TcpStream`, `&TcpStream` and the reading halves, writing traits for
//! `TcpStream`, `&TcpStream` and the writing halves. Closing ends the writing direction.

mod futures_io;
#[cfg(feature = "tokio-io")]
#[allow(unsafe_code, reason = "the read buffer is told how much of it was initialised")]
mod tokio_io;
#[cfg(feature = "hyper")]
#[allow(unsafe_code, reason = "the read buffer is told how much of it was initialised")]
mod hyper;
