//! TCP: listeners and streams.
//!
//! asyncio: the sockets under `start_server` and `open_connection`.

pub use bowerbird_net::*;
