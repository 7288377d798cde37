//! The sockets of each runtime.

#[cfg(feature = "peers")]
mod async_std;
mod bowerbird;
#[cfg(feature = "peers")]
mod smol;
#[cfg(feature = "peers")]
mod tokio;
