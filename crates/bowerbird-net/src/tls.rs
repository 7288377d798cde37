//! TLS over any byte stream, by [rustls] (feature `tls`).
//!
//! asyncio: the `ssl` module as `open_connection(ssl=..)`, `start_server(ssl=..)` and `start_tls` use it.
//!
//! | asyncio | here |
//! |---|---|
//! | `ssl.create_default_context()` | [`TlsConnector::new`] |
//! | `SSLContext(PROTOCOL_TLS_CLIENT)` and its methods | [`TlsConnector::builder`] |
//! | `create_default_context(Purpose.CLIENT_AUTH)`, `load_cert_chain` | [`TlsAcceptor::builder`] |
//! | `verify_mode = CERT_REQUIRED` on a server | [`TlsAcceptorBuilder::require_client_certificates`] |
//! | `ssl_handshake_timeout`, `ssl_shutdown_timeout` | methods of both builders, with asyncio's defaults |
//! | `open_connection(ssl=..)`, `start_server(ssl=..)` | their method `tls` |
//! | `writer.start_tls` | [`TlsConnector::start_tls`], [`TlsAcceptor::start_tls`] |
//! | `create_connection(ssl=..)`, `create_server(ssl=..)`, `loop.start_tls` | `tls` and `start_tls` in bowerbird's `protocols` |
//! | `writer.get_extra_info("ssl_object")`, `"peercert"`, `"cipher"` | [`TlsStream::info`], `writer.get_extra_info::<TlsInfo>()` |
//!
//! A connector and an acceptor are cheap to clone and made once: what they remember of earlier sessions is
//! what makes the next handshake short. Whoever has a configuration of rustls hands it over by `From`.
//!
//! TLS 1.2 and 1.3 are spoken; nothing older exists in rustls. Certificates are always verified: a test that
//! has its own authority names it with [`TlsConnectorBuilder::root_certificates`].
//!
//! [rustls]: https://docs.rs/rustls

mod acceptor;
mod builder;
mod certificates;
mod connector;
mod error;
mod handshake;
mod info;
mod session;
mod stream;

pub use crate::streams::tls::{OpenTlsConnection, StartTls};
pub use acceptor::{TlsAcceptor, TlsAcceptorBuilder};
pub use connector::{TlsConnector, TlsConnectorBuilder};
pub use error::TlsError;
/// The version of rustls that the configurations here are of.
pub use futures_rustls::rustls;
pub use handshake::{Accept, Connect};
pub use info::TlsInfo;
#[doc(hidden)]
pub use session::Session;
pub use stream::{Close, TlsStream};

use std::time::Duration;

/// asyncio's `ssl_handshake_timeout`.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(60);

/// asyncio's `ssl_shutdown_timeout`.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a peer may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    handshake: Duration,
    shutdown: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { handshake: HANDSHAKE_TIMEOUT, shutdown: SHUTDOWN_TIMEOUT }
    }
}
