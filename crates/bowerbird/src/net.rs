//! TCP, UDP and Unix sockets.
//!
//! asyncio: the sockets under `start_server` and `open_connection`, and under their twins for Unix sockets.
//!
//! The methods that one uses are inherent and `async`; the traits of the ecosystem are implemented beside
//! them: futures-io's always, tokio's with the feature `tokio-io`, hyper's with the feature `hyper`. Names are
//! looked up off the workers ([`dns`]), several addresses are tried as RFC 8305 says, and `TCP_NODELAY` is on.

pub use bowerbird_net::*;
